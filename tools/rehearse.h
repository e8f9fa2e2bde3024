/* SPDX-License-Identifier: Apache-2.0 */
/* What a changed configuration would do to the sessions that live. */
#ifndef TOOLS_REHEARSE_H
#define TOOLS_REHEARSE_H

#include <jansson.h>

#include "tools/question.h"

/*
 * Judges the daemon's sessions by the configuration file as it stands now. What their peers presented
 * is parsed in a process that has given up everything, as a worker's. An array of {cookie, line,
 * peer, why}: those that would end. NULL: it was said on standard error what is wrong.
 */
json_t *rehearse(const struct question_options *options);

#endif
