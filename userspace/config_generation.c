// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "userspace/config.h"

/* FNV-1a: nobody gains by a collision that can only make the own configuration look unchanged */
static uint32_t generation_add(uint32_t hash, const void *bytes, size_t len)
{
	const unsigned char *at = bytes;

	while (len--)
		hash = (hash ^ *at++) * UINT32_C(16777619);
	return hash;
}

static uint32_t generation_add_line(uint32_t hash, const struct config *config,
				    const struct config_line *line)
{
	const char *netns = config->namespaces[line->netns].name;
	const uint32_t numbers[] = {
		line->function, line->direction, line->port, line->rule.level,
		(uint32_t)line->prefix_count,
	};
	size_t i;

	hash = generation_add(hash, line->name, strlen(line->name) + 1);
	hash = generation_add(hash, netns, strlen(netns) + 1);
	hash = generation_add(hash, numbers, sizeof(numbers));
	for (i = 0; i < line->prefix_count; i++) {
		const uint32_t length = line->prefixes[i].length;

		hash = generation_add(hash, line->prefixes[i].addr,
				      sizeof(line->prefixes[i].addr));
		hash = generation_add(hash, &length, sizeof(length));
	}
	return hash;
}

uint32_t config_generation(const struct config *config)
{
	uint32_t hash = UINT32_C(2166136261);
	size_t i;

	for (i = 0; i < config->line_count; i++)
		hash = generation_add_line(hash, config, &config->lines[i]);
	return hash ? hash : 1; /* 0 is a tag's before it has a line */
}
