// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "userspace/config_draft.h"
#include "userspace/config_namespace.h"

#define NAMESPACE_NAMES "/run/netns" /* where ip-netns(8) keeps them */

/* Takes both texts over, also on failure. */
static int namespace_add(struct config *config, char *name, char *path)
{
	struct config_namespace *namespaces = reallocarray(
		config->namespaces, config->namespace_count + 1, sizeof(*namespaces));

	if (namespaces)
		config->namespaces = namespaces;
	if (!namespaces || !name) {
		free(name);
		free(path);
		return -ENOMEM;
	}
	namespaces[config->namespace_count++] = (struct config_namespace){ name, path };
	return 0;
}

int config_namespace_own(struct config *config)
{
	return namespace_add(config, strdup(""), NULL);
}

/* One name below the folder, or a whole path. */
static bool namespace_is_named(const char *text)
{
	return *text && (*text == '/' || !strchr(text, '/')) && strcmp(text, ".") != 0 &&
	       strcmp(text, "..") != 0;
}

int config_namespace_read(struct config_draft *draft)
{
	const struct config_value *value = config_syntax_value(draft->section, "namespace");
	struct config *config = draft->config;
	_cleanup_free_ char *path = NULL;

	if (!value)
		return 0;
	if (!namespace_is_named(value->text))
		return config_syntax_refuse(draft->syntax, draft->section, value->line,
					    "namespace '%s' is neither a name in " NAMESPACE_NAMES
					    " nor a whole path; write one as ip netns shows it",
					    value->text);
	if (asprintf(&path, "%s%s", *value->text == '/' ? "" : NAMESPACE_NAMES "/",
		     value->text) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	for (size_t i = 1; i < config->namespace_count; i++) {
		if (strcmp(config->namespaces[i].path, path) == 0) {
			draft->line.netns = (uint32_t)i;
			return 0;
		}
	}
	if (config->namespace_count == LW_NAMESPACES_MAX)
		return config_syntax_refuse(draft->syntax, draft->section, value->line,
					    "namespace '%s' is one too many; %d are possible "
					    "beside the daemon's own",
					    value->text, LW_NAMESPACES_MAX - 1);
	draft->line.netns = (uint32_t)config->namespace_count;
	return namespace_add(config, strdup(value->text), TAKE_PTR(path));
}

static bool namespace_is(const struct config_namespace *a, const struct config_namespace *b)
{
	/* the daemon's own has no path, and is the first of each */
	return a->path && b->path ? strcmp(a->path, b->path) == 0 : a->path == b->path;
}

int config_namespace_align(struct config *config, const struct config *as)
{
	struct config_namespace ordered[LW_NAMESPACES_MAX];
	uint32_t numbers[LW_NAMESPACES_MAX];
	size_t i, k;

	if (config->namespace_count != as->namespace_count)
		return -EXDEV;
	for (i = 0; i < config->namespace_count; i++) {
		for (k = 0; k < as->namespace_count; k++)
			if (namespace_is(&config->namespaces[i], &as->namespaces[k]))
				break;
		if (k == as->namespace_count)
			return -EXDEV;
		numbers[i] = (uint32_t)k;
		ordered[k] = config->namespaces[i];
	}
	memcpy(config->namespaces, ordered, config->namespace_count * sizeof(ordered[0]));
	for (i = 0; i < config->line_count; i++)
		config->lines[i].netns = numbers[config->lines[i].netns];
	for (i = 0; i < config->closed_port_count; i++)
		config->closed_ports[i].netns = numbers[config->closed_ports[i].netns];
	return 0;
}

void config_namespace_free(struct config *config)
{
	for (size_t i = 0; i < config->namespace_count; i++) {
		free(config->namespaces[i].name);
		free(config->namespaces[i].path);
	}
	free(config->namespaces);
}
