/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another configuration in place of the one in force, without a connection that is lost or judged
 * by a mixture of the two:
 *
 *   load it, check all of it, open what it needs, write its lines beside those in force, start
 *   workers that have it                                      (any failure: all as it was)
 *   the workers in force stop accepting, and say so           (who comes waits in the listeners)
 *   the kernel's lines are switched, the new workers accept   (whoever waited is told by the new lines)
 *   the old workers end with their last connection
 */
#ifndef USERSPACE_RELOAD_H
#define USERSPACE_RELOAD_H

#include <jansson.h>

#include "userspace/agent.h"

struct reload;

/*
 * path: of the configuration file, borrowed; seen: what its files were when it was loaded
 * (reload_watch_look()). NULL: out of memory.
 */
struct reload *reload_new(struct agent *agent, const char *path, uint64_t seen);

/*
 * Loads the file anew. why: what asked for it, for the log. 0: it is being put in force; -EBUSY: the
 * load before is not in force yet, and the next one follows it; else error says what is wrong, and
 * the running configuration is untouched.
 */
int reload_begin(struct reload *reload, const char *why, struct config_error *error);

/* A worker has stopped accepting, or ended. NULL is fine. */
void reload_go_on(struct reload *reload);

/* `linewarden reload`, and with "dry-run" what it would do: see linewarden(8). */
json_t *reload_question(struct agent *agent, const char *argument);

/* How often a configuration was loaded, when it was put in force, and what was wrong the last time. */
json_t *reload_to_json(const struct reload *reload);

/* NULL is fine. */
void reload_free(struct reload *reload);

#endif
