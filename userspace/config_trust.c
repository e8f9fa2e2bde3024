// SPDX-License-Identifier: Apache-2.0
#include "userspace/config_trust.h"

#include <errno.h>

#include "userspace/config_value.h"
#include "userspace/trust.h"

/* The first line whose level asks for a chain to the store; NULL where none does. */
static const struct config_line *trust_first_user(const struct config *config)
{
	for (size_t i = 0; i < config->line_count; i++) {
		if (rule_checks(&config->lines[i].rule) & CHECK_BIT(CHECK_TRUST_CHAIN))
			return &config->lines[i];
	}
	return NULL;
}

int config_trust_read(const struct config_syntax *syntax, time_t now, uint64_t generation,
		      struct config *config)
{
	const struct config_line *line = trust_first_user(config);
	const struct config_value *value;
	char why[CONFIG_ERROR_LEN] = "";
	int rc = config_value_file(syntax, syntax->root, "trust-store", &value);

	if (rc < 0)
		return rc;
	config->trust = store_new(generation);
	if (!config->trust)
		return -ENOMEM;
	if (!value && line)
		return config_syntax_refuse(syntax, syntax->root, 0,
					    "trust-store is missing, and line '%s' at level '%s' "
					    "needs one; write trust-store = \"/path/to/folder\"",
					    line->name, level_name(line->rule.level));
	if (!value)
		return 0;
	rc = config_source_add(config, value->text);
	if (rc == 0)
		rc = trust_load(value->text, now, config->trust, &config->trust_report, why, sizeof(why));
	if (rc == 0 && line && !trust_report_usable(&config->trust_report)) {
		trust_explain_empty(value->text, &config->trust_report, why, sizeof(why));
		rc = -EINVAL;
	}
	if (rc == -EINVAL)
		return config_syntax_refuse(syntax, syntax->root, value->line, "trust-store: %s",
					    why);
	return rc;
}
