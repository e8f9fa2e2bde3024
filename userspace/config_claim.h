/* SPDX-License-Identifier: Apache-2.0 */
/* Which line has which name, and claims which range of addresses on which port. */
#ifndef USERSPACE_CONFIG_CLAIM_H
#define USERSPACE_CONFIG_CLAIM_H

#include "userspace/config.h"

/**
 * config_claim_check - what can only be said of all lines together
 *
 * No two sections have the same name. No two lines, and no line twice, claim the same range on
 * the same port of one namespace and direction, and the kernel's maps have room for all of
 * them. One range within another is fine: the longest wins.
 *
 * Returns 0, -EINVAL with the message set, or -ENOMEM.
 */
int config_claim_check(const struct config *config, struct config_error *error);

#endif
