// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>

#include "userspace/config_draft.h"
#include "userspace/config_level.h"
#include "userspace/config_value.h"

/* "none, low, medium or high": the levels that a function has. */
static void level_names(enum function function, char *out, size_t size)
{
	const char *names[LEVEL_COUNT + 1] = { NULL };
	size_t count = 0;

	for (enum level l = LEVEL_UNSET + 1; l < LEVEL_COUNT; l++) {
		if (function_allows(function, l))
			names[count++] = level_name(l);
	}
	config_value_words(names, out, size);
}

static int level_refuse_missing(const struct config_draft *draft)
{
	const char *setting = function_setting_name(function_setting(draft->line.function));

	if (!setting)
		return config_syntax_refuse(draft->syntax, draft->section, 0,
					    "level is missing, and an %s has its own; write level "
					    "= medium",
					    function_name(draft->line.function));
	return config_syntax_refuse(draft->syntax, draft->section, 0,
				    "level is missing; write level = medium, or %s = medium "
				    "outside of the lines",
				    setting);
}

int config_level_read(struct config_draft *draft)
{
	const struct config_value *value = config_syntax_value(draft->section, "level");
	struct config_line *line = &draft->line;
	char names[96];

	line->own_level = value;
	if (!value) {
		line->rule.level = draft->config->settings[function_setting(line->function)];
		return line->rule.level == LEVEL_UNSET ? level_refuse_missing(draft) : 0;
	}
	level_names(line->function, names, sizeof(names));
	if (level_parse(value->text, &line->rule.level) < 0)
		return config_syntax_refuse(draft->syntax, draft->section, value->line,
					    "level '%s' is unknown; use %s", value->text, names);
	if (!function_allows(line->function, line->rule.level))
		return config_syntax_refuse(draft->syntax, draft->section, value->line,
					    "level '%s' is not available on an %s; use %s",
					    value->text, function_name(line->function), names);
	return 0;
}

int config_level_settings(const struct config_syntax *syntax, struct config *config)
{
	for (enum function_setting s = 0; s < FUNCTION_SETTING_COUNT; s++) {
		const char *key = function_setting_name(s);
		const struct config_value *value =
			key ? config_syntax_value(syntax->root, key) : NULL;
		char names[96];

		if (!value || level_parse(value->text, &config->settings[s]) == 0)
			continue;
		level_names(FUNCTION_ADMIN, names, sizeof(names));
		return config_syntax_refuse(syntax, syntax->root, value->line,
					    "%s '%s' is unknown; use %s", key, value->text, names);
	}
	return 0;
}
