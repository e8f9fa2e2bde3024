// SPDX-License-Identifier: Apache-2.0
#include "userspace/config_claim.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "userspace/config_prefix.h"

struct claim {
	const struct config_line *line;
	const struct config_prefix *prefix;
};

/* Where a port is: lines of one place compete for the same connections. */
static int claim_compare_place(const struct config_line *a, const struct config_line *b)
{
	if (a->netns != b->netns)
		return a->netns < b->netns ? -1 : 1;
	if (a->direction != b->direction)
		return a->direction < b->direction ? -1 : 1;
	if (a->port != b->port)
		return a->port < b->port ? -1 : 1;
	return 0;
}

static int claim_compare(const void *left, const void *right)
{
	const struct claim *a = left, *b = right;
	int order = claim_compare_place(a->line, b->line);

	return order ? order : config_prefix_compare(a->prefix, b->prefix);
}

/* Lines stand in the order of the files, and their prefixes in that of their line. */
static int claim_refuse(const struct claim *a, const struct claim *b, struct config_error *error)
{
	bool in_order = a->line == b->line ? a->prefix < b->prefix : a->line < b->line;
	const struct claim *first = in_order ? a : b, *second = in_order ? b : a;
	const struct config_prefix *prefix = second->prefix;
	char text[CONFIG_PREFIX_LEN], elsewhere[TEXT_NAME_MAX] = "";

	config_prefix_print(prefix, text);
	if (first->line == second->line)
		return config_error_set(error, prefix->file, prefix->at,
					"line '%s': remote '%s' is there twice; keep one of them",
					second->line->name, text);
	if (first->prefix->file != prefix->file)
		snprintf(elsewhere, sizeof(elsewhere), " (%s:%u)", first->prefix->file,
			 first->prefix->at);
	return config_error_set(error, prefix->file, prefix->at,
				"line '%s': port %u of remote '%s' belongs to line '%s'%s already; "
				"remove it from one of them",
				second->line->name, second->line->port, text, first->line->name,
				elsewhere);
}

static int claim_check_sorted(const struct config *config, const struct claim *claims, size_t count,
			      struct config_error *error)
{
	size_t ports = config->closed_port_count + (count ? 1 : 0);

	for (size_t i = 1; i < count; i++) {
		if (claim_compare_place(claims[i].line, claims[i - 1].line) != 0)
			ports++;
		else if (claim_compare(&claims[i - 1], &claims[i]) == 0)
			return claim_refuse(&claims[i - 1], &claims[i], error);
	}
	if (ports > LW_PORTS_MAX)
		return config_error_set(error, config->files[0], 0,
					"the lines have %zu ports; %d are possible", ports,
					LW_PORTS_MAX);
	return 0;
}

static int claim_compare_names(const void *left, const void *right)
{
	const struct config_line *a = *(const struct config_line *const *)left;
	const struct config_line *b = *(const struct config_line *const *)right;

	return strcmp(a->name, b->name);
}

static size_t claim_file(const struct config *config, const char *file)
{
	size_t i = 0;

	while (i < config->file_count && config->files[i] != file)
		i++;
	return i;
}

/* Within one file the parser has seen to it: there they are the directions of one section. */
static int claim_check_names(const struct config *config, struct config_error *error)
{
	size_t count = config->line_count + config->closed_line_count;
	_cleanup_free_ const struct config_line **lines = calloc(count + 1, sizeof(*lines));

	if (!lines)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		lines[i] = i < config->line_count ? &config->lines[i] :
						    &config->closed_lines[i - config->line_count];
	qsort(lines, count, sizeof(*lines), claim_compare_names);
	for (size_t i = 1; i < count; i++) {
		const struct config_line *a = lines[i - 1], *b = lines[i];

		if (strcmp(a->name, b->name) != 0 || a->file == b->file)
			continue;
		/* files[0] is the configuration's own, the others follow in their order */
		if (claim_file(config, a->file) > claim_file(config, b->file))
			a = lines[i], b = lines[i - 1];
		return config_error_set(error, b->file, b->at,
					"line '%s' is in %s:%u already; each needs its own name",
					b->name, a->file, a->at);
	}
	return 0;
}

int config_claim_check(const struct config *config, struct config_error *error)
{
	_cleanup_free_ struct claim *claims = NULL;
	size_t total = 0, filled = 0;
	int rc = claim_check_names(config, error);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < config->line_count; i++)
		total += config->lines[i].prefix_count;
	/* line 0 of the kernel's map is no line */
	if (total >= LW_LINES_MAX)
		return config_error_set(error, config->files[0], 0,
					"the lines have %zu remote ranges; %d are possible", total,
					LW_LINES_MAX - 1);
	claims = calloc(total + 1, sizeof(*claims));
	if (!claims)
		return -ENOMEM;
	for (size_t i = 0; i < config->line_count; i++) {
		const struct config_line *line = &config->lines[i];

		for (size_t k = 0; k < line->prefix_count; k++)
			claims[filled++] = (struct claim){ line, &line->prefixes[k] };
	}
	qsort(claims, filled, sizeof(*claims), claim_compare);
	return claim_check_sorted(config, claims, filled, error);
}
