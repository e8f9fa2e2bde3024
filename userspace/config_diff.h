/* SPDX-License-Identifier: Apache-2.0 */
/* What another configuration changes, as an operator is told of it. */
#ifndef USERSPACE_CONFIG_DIFF_H
#define USERSPACE_CONFIG_DIFF_H

#include <jansson.h>

#include "userspace/config.h"

/**
 * config_diff - the lines that differ, by name and direction
 *
 * An array of {line, direction, namespace, change: "added", "removed" or "changed", text}; text says
 * it in words, with the settings that are others and their values before and now.
 *
 * Returns a new reference, NULL when out of memory.
 */
json_t *config_diff(const struct config *before, const struct config *now);

#endif
