// SPDX-License-Identifier: Apache-2.0
#include "userspace/destination.h"

#include <string.h>

#include "userspace/config_prefix.h"

bool destination_fits(const struct destination *destination, const struct config_line *line)
{
	struct endpoint to = { .port = destination->port };
	size_t i;

	memcpy(to.addr, destination->addr, sizeof(to.addr));
	if (line->direction != DIRECTION_OUTBOUND || destination->port != line->port)
		return false;
	for (i = 0; i < line->prefix_count; i++)
		if (config_prefix_has(&line->prefixes[i], &to))
			return true;
	return false;
}
