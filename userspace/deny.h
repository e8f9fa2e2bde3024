/* SPDX-License-Identifier: Apache-2.0 */
/* The operator's deny list in the main process: read at start and when the tool says so. */
#ifndef USERSPACE_DENY_H
#define USERSPACE_DENY_H

#include <jansson.h>

#include "userspace/agent.h"

/* Reads the list. -EINVAL: a damaged one, which why names. -errno. */
int deny_start(struct agent *agent, char *why, size_t why_len);

/* Reads it anew and has all that live judged by it; its file and length, or as "error" why not. */
json_t *deny_reload(struct agent *agent, const char *argument);

/* The folder that its file is in: {"folder": ...}. */
json_t *deny_path(struct agent *agent, const char *argument);

void deny_stop(struct agent *agent);

#endif
