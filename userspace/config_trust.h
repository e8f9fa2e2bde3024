/* SPDX-License-Identifier: Apache-2.0 */
/* The trust store that a configuration names. */
#ifndef USERSPACE_CONFIG_TRUST_H
#define USERSPACE_CONFIG_TRUST_H

#include <time.h>

#include "userspace/config.h"
#include "userspace/config_syntax.h"

/**
 * config_trust_read - loads it; the lines are known, and so whether one needs it
 * @generation: which load this is
 *
 * Returns 0, -EINVAL with the message set, or -ENOMEM.
 */
int config_trust_read(const struct config_syntax *syntax, time_t now, uint64_t generation,
		      struct config *config);

#endif
