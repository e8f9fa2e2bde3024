/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates whose end is near, for machines. */
#ifndef USERSPACE_EXPIRY_JSON_H
#define USERSPACE_EXPIRY_JSON_H

#include <jansson.h>

#include "userspace/config.h"

/*
 * What expiry_find() finds now: the setting in days, how many there are, and the
 * certificates. A new reference; NULL when out of memory.
 */
json_t *expiry_to_json(const struct config *config);

#endif
