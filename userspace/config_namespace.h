/* SPDX-License-Identifier: Apache-2.0 */
/* The network namespaces that lines are in. */
#ifndef USERSPACE_CONFIG_NAMESPACE_H
#define USERSPACE_CONFIG_NAMESPACE_H

#include "userspace/config.h"

/* config_namespace_own - makes the daemon's own the first one. 0 or -ENOMEM. */
int config_namespace_own(struct config *config);

/* config_namespace_free - releases all of them */
void config_namespace_free(struct config *config);

#endif
