/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Medium and High mean on a host that was upgraded from a release before R11.1.3: each
 * keeps its old meaning until the administrator changes the setting that it stands in.
 * Which ones were changed is kept in a file.
 */
#ifndef USERSPACE_UPGRADE_H
#define USERSPACE_UPGRADE_H

#include <stdbool.h>
#include <stddef.h>

#include "userspace/config.h"

#define UPGRADE_FILE "upgrade.json" /* in the configuration's state-path */

/**
 * upgrade_apply - gives the lines of an upgraded host the old meaning of their levels
 * @config: as config_load() made it; RULE_BEFORE_R11_1_3 is set where the old meaning is kept
 * @may_write: the state is written where it is new or has changed, as the daemon does; without
 *	it the result is the same and no file is touched
 * @why: on failure the cause with the state's name, and what to do about it
 *
 * Where there is no state, every level that the configuration has is entered and keeps its old
 * meaning. Where there is one, what has another level than the one entered, or is gone, is
 * changed for ever; what is not in it has the new meaning. Without upgraded-host nothing
 * is done.
 *
 * Returns 0, -EINVAL for a state that is damaged or that others can write, -ENOMEM, or what
 * reading or writing it failed with; the lines then have the new meaning.
 */
int upgrade_apply(struct config *config, bool may_write, char *why, size_t why_len);

#endif
