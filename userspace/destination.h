/* SPDX-License-Identifier: Apache-2.0 */
/* Where the app of an intercepted connection meant to go. */
#ifndef USERSPACE_DESTINATION_H
#define USERSPACE_DESTINATION_H

#include <stdbool.h>

#include "userspace/config.h"

/*
 * Whether a line claims a destination. The kernel has said so; but the number of a line is that
 * of one configuration, and the app may have dialled under the one before.
 */
bool destination_fits(const struct destination *destination, const struct config_line *line);

#endif
