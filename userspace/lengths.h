/* SPDX-License-Identifier: Apache-2.0 */
/* The lengths that the remote ranges of all lines have: what the kernel tries one by one. */
#ifndef USERSPACE_LENGTHS_H
#define USERSPACE_LENGTHS_H

#include <stdbool.h>
#include <stddef.h>

#include "userspace/config.h"

/* by family (IPv6 or not), direction and length */
struct lengths_table {
	bool has[2][2][LW_LENGTHS_MAX];
};

/* What a range of a line is known by in the kernel. */
struct line_key lengths_line_key(const struct config_line *line,
				 const struct config_prefix *prefix);

/* Notes the lengths of the lines' ranges; a zeroed table has none. */
void lengths_add(struct lengths_table *table, const struct config_line *lines, size_t count);

/* Writes them to the map line_lengths. -errno. */
int lengths_write(const struct lengths_table *table, int map);

#endif
