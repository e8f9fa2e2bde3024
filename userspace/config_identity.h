/* SPDX-License-Identifier: Apache-2.0 */
/* The sections "identity" and "telephony-identity". */
#ifndef USERSPACE_CONFIG_IDENTITY_H
#define USERSPACE_CONFIG_IDENTITY_H

#include <time.h>

#include "userspace/config.h"
#include "userspace/config_syntax.h"

/**
 * config_identity_read - reads both, loads what they name, and says which line shows which
 * @now: seconds since the epoch, for the certificates' dates
 *
 * Returns 0, -EINVAL with the message set, or -ENOMEM.
 */
int config_identity_read(const struct config_syntax *syntax, time_t now, struct config *config);

/**
 * config_identity_offer - makes the chains what is offered: completed from the store, or empty
 *
 * The trust store has been read.
 *
 * Returns 0 or -ENOMEM.
 */
int config_identity_offer(struct config *config);

#endif
