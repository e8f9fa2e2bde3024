// SPDX-License-Identifier: Apache-2.0
#include "userspace/config_claim.h"

#include <errno.h>

#include "userspace/config_prefix.h"

struct claim {
	const struct config_line *line;
	const struct config_prefix *prefix;
};

static int claim_compare(const void *left, const void *right)
{
	const struct claim *a = left, *b = right;

	if (a->line->port != b->line->port)
		return a->line->port < b->line->port ? -1 : 1;
	return config_prefix_compare(a->prefix, b->prefix);
}

static int claim_refuse(const struct config_syntax *syntax, const struct claim *a,
			const struct claim *b)
{
	const struct claim *first = a->prefix->at <= b->prefix->at ? a : b;
	const struct claim *second = first == a ? b : a;
	char text[CONFIG_PREFIX_LEN];

	config_prefix_print(second->prefix, text);
	if (first->line == second->line)
		return config_error_set(syntax->error, syntax->name, second->prefix->at,
					"line '%s': remote '%s' is there twice; keep one of them",
					second->line->name, text);
	return config_error_set(syntax->error, syntax->name, second->prefix->at,
				"line '%s': port %u of remote '%s' belongs to line '%s' already; "
				"remove it from one of them",
				second->line->name, second->line->port, text, first->line->name);
}

static int claim_check_sorted(const struct config_syntax *syntax, const struct claim *claims,
			      size_t count)
{
	size_t ports = count ? 1 : 0;

	for (size_t i = 1; i < count; i++) {
		if (claims[i].line->port != claims[i - 1].line->port)
			ports++;
		else if (claim_compare(&claims[i - 1], &claims[i]) == 0)
			return claim_refuse(syntax, &claims[i - 1], &claims[i]);
	}
	if (ports > LW_PORTS_MAX)
		return config_error_set(syntax->error, syntax->name, 0,
					"the lines have %zu ports; %d are possible", ports,
					LW_PORTS_MAX);
	return 0;
}

int config_claim_check(const struct config_syntax *syntax, const struct config_line *lines,
		       size_t count)
{
	_cleanup_free_ struct claim *claims = NULL;
	size_t total = 0, filled = 0;

	for (size_t i = 0; i < count; i++)
		total += lines[i].prefix_count;
	/* line 0 of the kernel's map is no line */
	if (total >= LW_LINES_MAX)
		return config_error_set(syntax->error, syntax->name, 0,
					"the lines have %zu remote ranges; %d are possible", total,
					LW_LINES_MAX - 1);
	claims = calloc(total + 1, sizeof(*claims));
	if (!claims)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < lines[i].prefix_count; j++)
			claims[filled++] = (struct claim){ &lines[i], &lines[i].prefixes[j] };
	}
	qsort(claims, filled, sizeof(*claims), claim_compare);
	return claim_check_sorted(syntax, claims, filled);
}
