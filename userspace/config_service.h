/* SPDX-License-Identifier: Apache-2.0 */
/* Admin services: which of their ports are closed. */
#ifndef USERSPACE_CONFIG_SERVICE_H
#define USERSPACE_CONFIG_SERVICE_H

#include "userspace/config.h"
#include "userspace/config_syntax.h"

/* config_service_name - "secure-medium" …; NULL outside the enumeration */
const char *config_service_name(enum config_security security);

/* config_service_is_served - whether its secure port is open, so that it makes a line */
bool config_service_is_served(enum config_security security);

/**
 * config_service_close - fills in the closed ports, when all lines are known
 *
 * A closed service's secure port is closed unless a line is served on it: then its peers
 * belong to no line of that port.
 *
 * Returns 0, -EINVAL with the message set (two lines contradict each other), or -ENOMEM.
 */
int config_service_close(struct config *config, struct config_error *error);

#endif
