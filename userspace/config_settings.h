/* SPDX-License-Identifier: Apache-2.0 */
/* The settings of a configuration file that stand outside of its sections. */
#ifndef USERSPACE_CONFIG_SETTINGS_H
#define USERSPACE_CONFIG_SETTINGS_H

#include "userspace/config.h"
#include "userspace/config_syntax.h"

/**
 * config_settings_read - reads all but those that name accounts, certificates or files of lines
 *
 * Returns 0, -EINVAL with the message set, or -ENOMEM.
 */
int config_settings_read(const struct config_syntax *syntax, struct config *config);

#endif
