// SPDX-License-Identifier: Apache-2.0
#include "userspace/lengths.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

struct line_key lengths_line_key(uint32_t netns, const struct config_line *line,
				 const struct config_prefix *prefix)
{
	struct line_key key = {
		.length = prefix->length,
		.netns = netns,
		.port = line->port,
		.ipv6 = prefix->family == AF_INET6,
		.direction = line->direction,
	};

	memcpy(key.addr, prefix->addr, sizeof(key.addr));
	return key;
}

void lengths_add(struct lengths_table *table, const struct config_line *line)
{
	const struct config_prefix *prefix;
	size_t i;

	for (i = 0; i < line->prefix_count; i++) {
		prefix = &line->prefixes[i];
		table->has[prefix->family == AF_INET6][line->direction][prefix->length] = true;
	}
}

/* The first bits of 128, in the bytes' order. */
static void lengths_mask(unsigned int bits, __u32 mask[4])
{
	unsigned int n, i;

	for (i = 0; i < 4; i++) {
		n = bits > 32 * i ? bits - 32 * i : 0;
		mask[i] = n >= 32 ? UINT32_MAX : n ? htonl(UINT32_MAX << (32 - n)) : 0;
	}
}

static int lengths_write_one(const bool has[LW_LENGTHS_MAX], struct lengths_key key, int map)
{
	struct lengths lengths = { 0 };
	unsigned int length;

	for (length = LW_LENGTHS_MAX; length-- > 0;) {
		if (!has[length])
			continue;
		lengths.entries[lengths.count].length = length;
		lengths_mask(length, lengths.entries[lengths.count].mask);
		lengths.count++;
	}
	return bpf_map_update_elem(map, &key, &lengths, BPF_ANY) < 0 ? -errno : 0;
}

int lengths_write(const struct lengths_table *table, uint32_t netns, int map)
{
	struct lengths_key key = { .netns = netns };
	int err = 0;

	for (key.ipv6 = 0; !err && key.ipv6 < 2; key.ipv6++)
		for (key.direction = 0; !err && key.direction < 2; key.direction++)
			err = lengths_write_one(table->has[key.ipv6][key.direction], key, map);
	return err;
}
