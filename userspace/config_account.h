/* SPDX-License-Identifier: Apache-2.0 */
/* The account of the workers and the group of the control socket. */
#ifndef USERSPACE_CONFIG_ACCOUNT_H
#define USERSPACE_CONFIG_ACCOUNT_H

#include "userspace/config.h"
#include "userspace/config_syntax.h"

/**
 * config_account_read - reads user and group, and looks both up on this host
 *
 * Returns 0, -EINVAL with the message set (unknown, or root), or -ENOMEM.
 */
int config_account_read(const struct config_syntax *syntax, struct config *config);

#endif
