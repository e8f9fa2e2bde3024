// SPDX-License-Identifier: Apache-2.0
#include "userspace/upgrade.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "userspace/upgrade_state.h"

DEFINE_CLEANUP(json_t *, json_decref);

/* What stands in the state: the two settings, and the lines that have a level of their own. */
struct upgrade {
	struct config *config;
	json_t *settings, *lines; /* of the state, borrowed */
	bool changed; /* the state is not that of the file any more */
};

static size_t upgrade_line_count(const struct config *config)
{
	return config->line_count + config->closed_line_count;
}

static struct config_line *upgrade_line(struct config *config, size_t i)
{
	return i < config->line_count ? &config->lines[i] :
					&config->closed_lines[i - config->line_count];
}

static int upgrade_enter(json_t *entries, const char *name, enum level level)
{
	return json_object_set_new(entries, name,
				   json_pack("{s:s, s:b}", "level", level_name(level), "changed",
					     0)) < 0 ?
		       -ENOMEM :
		       0;
}

static int upgrade_enter_all(struct upgrade *upgrade)
{
	struct config *config = upgrade->config;
	int rc = 0;

	for (enum function_setting s = 0; rc == 0 && s < FUNCTION_SETTING_COUNT; s++) {
		if (config->settings[s] != LEVEL_UNSET)
			rc = upgrade_enter(upgrade->settings, function_setting_name(s),
					   config->settings[s]);
	}
	for (size_t i = 0; rc == 0 && i < upgrade_line_count(config); i++) {
		const struct config_line *line = upgrade_line(config, i);

		if (line->own_level)
			rc = upgrade_enter(upgrade->lines, line->name, line->rule.level);
	}
	upgrade->changed = true;
	return rc;
}

/* LEVEL_UNSET where the configuration does not have it any more. */
static enum level upgrade_setting_now(struct config *config, const char *name)
{
	for (enum function_setting s = 0; s < FUNCTION_SETTING_COUNT; s++) {
		const char *known = function_setting_name(s);

		if (known && strcmp(known, name) == 0)
			return config->settings[s];
	}
	return LEVEL_UNSET;
}

static enum level upgrade_line_now(struct config *config, const char *name)
{
	for (size_t i = 0; i < upgrade_line_count(config); i++) {
		const struct config_line *line = upgrade_line(config, i);

		if (line->own_level && strcmp(line->name, name) == 0)
			return line->rule.level;
	}
	return LEVEL_UNSET;
}

/* The administrator's change is for ever: an entry is marked, and its level stays the first. */
static void upgrade_compare(struct upgrade *upgrade, json_t *entries,
			    enum level (*now)(struct config *config, const char *name))
{
	const char *name;
	json_t *entry;

	json_object_foreach(entries, name, entry) {
		const char *entered = json_string_value(json_object_get(entry, "level"));
		const char *level = level_name(now(upgrade->config, name));

		if (json_is_true(json_object_get(entry, "changed")) ||
		    (level && strcmp(level, entered) == 0))
			continue;
		json_object_set_new(entry, "changed", json_true());
		upgrade->changed = true;
	}
}

static bool upgrade_keeps(const struct upgrade *upgrade, const struct config_line *line)
{
	const char *setting = function_setting_name(function_setting(line->function));
	json_t *entry = line->own_level ? json_object_get(upgrade->lines, line->name) :
					  json_object_get(upgrade->settings, setting);

	return json_is_false(json_object_get(entry, "changed")) &&
	       level_checks(line->rule.level, true) != level_checks(line->rule.level, false);
}

static int upgrade_read(struct upgrade *upgrade, const char *path, json_t **state, char *why,
			size_t why_len)
{
	int rc = upgrade_state_read(path, state, why, why_len);
	bool is_new = rc == -ENOENT;

	if (is_new)
		*state = upgrade_state_new();
	else if (rc < 0)
		return rc;
	if (!*state)
		return -ENOMEM;
	upgrade->settings = json_object_get(*state, "settings");
	upgrade->lines = json_object_get(*state, "lines");
	if (is_new)
		return upgrade_enter_all(upgrade);
	upgrade_compare(upgrade, upgrade->settings, upgrade_setting_now);
	upgrade_compare(upgrade, upgrade->lines, upgrade_line_now);
	return 0;
}

int upgrade_apply(struct config *config, bool may_write, char *why, size_t why_len)
{
	_cleanup_(cleanup_json_decref) json_t *state = NULL;
	struct upgrade upgrade = { .config = config };
	char path[PATH_MAX];
	int rc;

	*why = '\0';
	if (!config->upgraded_host)
		return 0;
	snprintf(path, sizeof(path), "%s/" UPGRADE_FILE, config->state_path);
	rc = upgrade_read(&upgrade, path, &state, why, why_len);
	if (rc == 0 && upgrade.changed && may_write)
		rc = upgrade_state_write(config->state_path, path, state, why, why_len);
	if (rc == -ENOMEM)
		snprintf(why, why_len, "out of memory");
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < config->line_count; i++) {
		if (upgrade_keeps(&upgrade, &config->lines[i]))
			config->lines[i].rule.options |= RULE_BEFORE_R11_1_3;
	}
	return 0;
}
