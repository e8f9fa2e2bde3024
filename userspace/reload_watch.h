/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells that a file of the configuration in force was changed: its own, those that it includes,
 * those of the identities, the trust store. Changes come in crowds: it waits until a second has
 * passed without one, five at most.
 */
#ifndef USERSPACE_RELOAD_WATCH_H
#define USERSPACE_RELOAD_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "userspace/agent.h"

struct reload_watch;

/* What the files of a configuration are now; 0 where it does not want them watched. */
uint64_t reload_watch_look(const struct config *config);

/* Whether two configurations were made of files with the same names. */
bool reload_watch_has_same(const struct config *a, const struct config *b);

/*
 * Where the configuration wants it (watch-files). seen: what its files were when it was loaded.
 * NULL: out of memory.
 */
struct reload_watch *reload_watch_new(struct agent *agent, uint64_t seen,
				      void (*changed)(void *arg), void *arg);

/* Another configuration is in force: its files may be others. */
void reload_watch_change(struct reload_watch *watch, uint64_t seen);

/* NULL is fine. */
void reload_watch_free(struct reload_watch *watch);

#endif
