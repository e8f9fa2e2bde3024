/* SPDX-License-Identifier: Apache-2.0 */
/* Which line claims which range of addresses on which port. */
#ifndef USERSPACE_CONFIG_CLAIM_H
#define USERSPACE_CONFIG_CLAIM_H

#include "userspace/config.h"
#include "userspace/config_syntax.h"

/**
 * config_claim_check - what can only be said of all lines together
 *
 * No two lines, and no line twice, claim the same range on the same port, and the kernel's
 * maps have room for all of them. One range within another is fine: the longest wins.
 *
 * Returns 0, -EINVAL with the message set, or -ENOMEM.
 */
int config_claim_check(const struct config_syntax *syntax, const struct config_line *lines,
		       size_t count);

#endif
