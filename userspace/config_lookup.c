// SPDX-License-Identifier: Apache-2.0
/* From a number, a name, or a connection to its line. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "userspace/config.h"
#include "userspace/config_prefix.h"

const struct config_line *config_line_of(const struct config *config, uint32_t number)
{
	if (number < config->first_line || number - config->first_line >= config->line_count)
		return NULL;
	return &config->lines[number - config->first_line];
}

uint32_t config_line_number(const struct config *config, const struct config_line *line)
{
	return config->first_line + (uint32_t)(line - config->lines);
}

/* The longest range of a line that has an address; NULL: none. */
static const struct config_prefix *lookup_longest(const struct config_line *line,
						  const struct endpoint *peer)
{
	const struct config_prefix *best = NULL, *prefix;
	size_t i;

	for (i = 0; i < line->prefix_count; i++) {
		prefix = &line->prefixes[i];
		if (config_prefix_has(prefix, peer) && (!best || prefix->length > best->length))
			best = prefix;
	}
	return best;
}

const struct config_line *config_line_find(const struct config *config, uint32_t netns,
					   enum direction direction, uint16_t port,
					   const struct endpoint *peer)
{
	const struct config_prefix *best = NULL, *prefix;
	const struct config_line *line, *found = NULL;
	size_t i;

	for (i = 0; i < config->line_count; i++) {
		line = &config->lines[i];
		if (line->netns != netns || line->direction != direction || line->port != port)
			continue;
		prefix = lookup_longest(line, peer);
		if (!prefix || (best && prefix->length <= best->length))
			continue;
		best = prefix;
		found = line;
	}
	return found;
}

static int lookup_compare(const void *left, const void *right)
{
	const struct config_line *a = *(const struct config_line *const *)left;
	const struct config_line *b = *(const struct config_line *const *)right;
	int order = strcmp(a->name, b->name);

	/* each name is of one section, which makes a line in each direction at most */
	return order ? order : (int)a->direction - (int)b->direction;
}

int config_lookup_build(struct config *config)
{
	size_t i;

	config->by_name = calloc(config->line_count, sizeof(*config->by_name));
	if (!config->by_name)
		return -ENOMEM;
	for (i = 0; i < config->line_count; i++)
		config->by_name[i] = &config->lines[i];
	qsort(config->by_name, config->line_count, sizeof(*config->by_name), lookup_compare);
	return 0;
}

const struct config_line *config_line_named(const struct config *config, const char *name,
					    enum direction direction)
{
	struct config_line like = { .direction = direction };
	const struct config_line *wanted = &like, **found;

	snprintf(like.name, sizeof(like.name), "%s", name);
	found = bsearch(&wanted, config->by_name, config->line_count, sizeof(*config->by_name),
			lookup_compare);
	return found ? *found : NULL;
}

const struct config_line *config_line_like(const struct config *config,
					   const struct config_line *line)
{
	const struct config_line *found = config_line_named(config, line->name, line->direction);

	return found && found->netns == line->netns ? found : NULL;
}
