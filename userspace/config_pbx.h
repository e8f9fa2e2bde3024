/* SPDX-License-Identifier: Apache-2.0 */
/* The sections "pbx" of a configuration file. */
#ifndef USERSPACE_CONFIG_PBX_H
#define USERSPACE_CONFIG_PBX_H

#include "userspace/config.h"
#include "userspace/config_syntax.h"

/**
 * config_pbx_read - reads all of them
 *
 * A unit's control group is where systemd(1) puts it by default; whether it is there is
 * not looked at.
 *
 * Returns 0, -EINVAL with the message set, or -ENOMEM.
 */
int config_pbx_read(const struct config_syntax *syntax, struct config *config);

/* config_pbx_free - releases them */
void config_pbx_free(struct config *config);

#endif
