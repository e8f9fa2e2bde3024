/* SPDX-License-Identifier: Apache-2.0 */
/* What is no mistake in a configuration, and will all the same not do what it seems to. */
#ifndef USERSPACE_CONFIG_WARNING_H
#define USERSPACE_CONFIG_WARNING_H

#include "userspace/config.h"

/**
 * config_warning_find - fills in the configuration's warnings, when all of it was read
 *
 * Returns 0 or -ENOMEM.
 */
int config_warning_find(struct config *config);

#endif
