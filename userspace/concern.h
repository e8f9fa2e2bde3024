/* SPDX-License-Identifier: Apache-2.0 */
/* Which live sessions another configuration can concern: those whose verdict it may change. */
#ifndef USERSPACE_CONCERN_H
#define USERSPACE_CONCERN_H

#include "policy/mark.h"
#include "userspace/config.h"

/**
 * concern_of_config - by the marks of session_table.h
 * @out: zeroed; the marks of lines of which something differs that verdicts, or what follows
 *	 from them, go by, and of what the trust stores do not have alike. Release it in any case
 *
 * Returns 0, or -ENOMEM: then all sessions have to be taken for concerned.
 */
int concern_of_config(const struct config *before, const struct config *now, struct mark_set *out);

#endif
