/* SPDX-License-Identifier: Apache-2.0 */
/* The lengths that the remote ranges of all lines have: what the kernel tries one by one. */
#ifndef USERSPACE_LENGTHS_H
#define USERSPACE_LENGTHS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/config.h"

/* by family (IPv6 or not), direction and length: of one namespace */
struct lengths_table {
	bool has[2][2][LW_LENGTHS_MAX];
};

/* What a range of a line is known by in the kernel; netns: the number of its namespace. */
struct line_key lengths_line_key(uint32_t netns, const struct config_line *line,
				 const struct config_prefix *prefix);

/* Notes the lengths of a line's ranges; a zeroed table has none. */
void lengths_add(struct lengths_table *table, const struct config_line *line);

/* Writes them to the map line_lengths, for the namespace of that number. -errno. */
int lengths_write(const struct lengths_table *table, uint32_t netns, int map);

#endif
