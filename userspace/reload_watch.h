/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells that a file of the configuration in force was changed: its own, those that it includes,
 * those of the identities, the trust store. Changes come in crowds: it waits until a second has
 * passed without one, five at most.
 */
#ifndef USERSPACE_RELOAD_WATCH_H
#define USERSPACE_RELOAD_WATCH_H

#include "userspace/agent.h"

struct reload_watch;

/* Where the configuration wants it (watch-files). NULL: out of memory. */
struct reload_watch *reload_watch_new(struct agent *agent, void (*changed)(void *arg), void *arg);

/* Another configuration is in force: its files may be others. */
void reload_watch_change(struct reload_watch *watch);

/* NULL is fine. */
void reload_watch_free(struct reload_watch *watch);

#endif
