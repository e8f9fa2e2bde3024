/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges of remote addresses as an operator writes them. */
#ifndef USERSPACE_CONFIG_PREFIX_H
#define USERSPACE_CONFIG_PREFIX_H

#include <stddef.h>

#include "userspace/config.h"
#include "userspace/endpoint.h"

#define CONFIG_PREFIX_LEN 64 /* the longest text of one, with room */

/**
 * config_prefix_parse - reads "192.0.2.0/24", "2001:db8::/32", or one address
 * @prefix: written on success alone
 * @why: on failure the cause and what to write instead, without naming the text
 *
 * Refused are bits after the length that are not zero (two readings: the range, or
 * the one address) and IPv4 written as IPv6.
 *
 * Returns 0 or -EINVAL.
 */
int config_prefix_parse(const char *text, struct config_prefix *prefix, char *why,
			size_t why_len);

/* config_prefix_print - the text that config_prefix_parse() reads */
void config_prefix_print(const struct config_prefix *prefix, char text[CONFIG_PREFIX_LEN]);

/* config_prefix_has - whether an address is in the range; ::/0 has none of IPv4 */
bool config_prefix_has(const struct config_prefix *prefix, const struct endpoint *address);

/* config_prefix_compare - an order, 0 for the same range */
int config_prefix_compare(const struct config_prefix *a, const struct config_prefix *b);

#endif
