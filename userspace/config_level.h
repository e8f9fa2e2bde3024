/* SPDX-License-Identifier: Apache-2.0 */
/* The two settings "Received certificate checks". */
#ifndef USERSPACE_CONFIG_LEVEL_H
#define USERSPACE_CONFIG_LEVEL_H

#include "userspace/config.h"
#include "userspace/config_syntax.h"

/**
 * config_level_settings - reads "management-interfaces" and "telephony-endpoints"
 *
 * Returns 0, or -EINVAL with the message set.
 */
int config_level_settings(const struct config_syntax *syntax, struct config *config);

#endif
