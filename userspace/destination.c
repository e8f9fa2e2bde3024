// SPDX-License-Identifier: Apache-2.0
#include "userspace/destination.h"

#include <string.h>

/* bits of addr that count: the others of the prefix are zero */
static bool destination_in(const uint8_t addr[16], const struct config_prefix *prefix)
{
	unsigned int bytes = prefix->length / 8, bits = prefix->length % 8;

	if (memcmp(addr, prefix->addr, bytes))
		return false;
	return !bits || addr[bytes] >> (8 - bits) == prefix->addr[bytes] >> (8 - bits);
}

bool destination_fits(const struct destination *destination, const struct config_line *line)
{
	size_t i;

	if (line->direction != DIRECTION_OUTBOUND || destination->port != line->port)
		return false;
	for (i = 0; i < line->prefix_count; i++)
		if (destination_in(destination->addr, &line->prefixes[i]))
			return true;
	return false;
}
