// SPDX-License-Identifier: Apache-2.0
#include "userspace/config_line.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "userspace/config_prefix.h"
#include "userspace/config_value.h"

#define LINE_NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

static int line_read_name(const struct config_syntax *syntax, cfg_t *section,
			  struct config_line *line)
{
	const char *name = cfg_title(section);
	size_t len = strlen(name);

	if (!len || len >= sizeof(line->name) || name[strspn(name, LINE_NAME_CHARACTERS)])
		return config_syntax_refuse(syntax, section, 0,
					    "a name has 1 to %zu letters, digits, '.', '_' or '-'",
					    sizeof(line->name) - 1);
	memcpy(line->name, name, len + 1);
	return 0;
}

static int line_read_function(const struct config_syntax *syntax, cfg_t *section,
			      struct config_line *line)
{
	const struct config_value *value;
	char names[128] = "";
	int rc = config_value_need(syntax, section, "function", "sip-line", &value);

	if (rc < 0)
		return rc;
	if (function_parse(value->text, &line->function) < 0) {
		for (enum function f = FUNCTION_NONE + 1; f < FUNCTION_COUNT; f++) {
			size_t used = strlen(names);

			snprintf(names + used, sizeof(names) - used, "%s%s", used ? ", " : "",
				 function_name(f));
		}
		return config_syntax_refuse(syntax, section, value->line,
					    "function '%s' is unknown; there are %s", value->text,
					    names);
	}
	line->rule.peer = PEER_CLIENT;
	line->rule.ask = function_ask(line->function);
	line->rule.sip = function_is_sip(line->function);
	return 0;
}

static int line_read_port(const struct config_syntax *syntax, cfg_t *section,
			  struct config_line *line)
{
	const struct config_value *value;
	unsigned int port = 0;
	int rc = config_value_need(syntax, section, "port", "5061", &value);

	if (rc == 0)
		rc = config_value_number(syntax, section, "port",
					 (struct config_range){ 1, UINT16_MAX }, &port);
	line->port = (uint16_t)port;
	return rc;
}

/* "none, low, medium or high": the levels that a function has, or all of them. */
static void line_level_names(enum function function, char *names, size_t size)
{
	enum level last = LEVEL_UNSET;
	size_t used = 0;

	*names = '\0';
	for (enum level l = LEVEL_UNSET + 1; l < LEVEL_COUNT; l++) {
		if (function_allows(function, l))
			last = l;
	}
	for (enum level l = LEVEL_UNSET + 1; l < LEVEL_COUNT && used < size; l++) {
		if (function_allows(function, l))
			used += (size_t)snprintf(names + used, size - used, "%s%s",
						 !used ? "" : l == last ? " or " : ", ",
						 level_name(l));
	}
}

static int line_read_level(const struct config_syntax *syntax, cfg_t *section,
			   struct config_line *line)
{
	const struct config_value *value;
	char names[96];
	int rc = config_value_need(syntax, section, "level", "medium", &value);

	if (rc < 0)
		return rc;
	line_level_names(line->function, names, sizeof(names));
	if (level_parse(value->text, &line->rule.level) < 0)
		return config_syntax_refuse(syntax, section, value->line,
					    "level '%s' is unknown; use %s", value->text, names);
	if (!function_allows(line->function, line->rule.level))
		return config_syntax_refuse(syntax, section, value->line,
					    "level '%s' is not available on an %s; use %s",
					    value->text, function_name(line->function), names);
	return 0;
}

static int line_read_remote(const struct config_syntax *syntax, cfg_t *section,
			    struct config_line *line)
{
	const struct config_value *value;
	size_t count = cfg_size(section, "remote");
	int rc = config_value_need(syntax, section, "remote", "{ \"192.0.2.0/24\" }", &value);

	if (rc < 0)
		return rc;
	line->prefixes = calloc(count, sizeof(*line->prefixes));
	if (!line->prefixes)
		return -ENOMEM;
	line->prefix_count = count;
	for (size_t i = 0; i < count; i++) {
		char why[256];

		value = cfg_getnptr(section, "remote", (unsigned int)i);
		if (config_prefix_parse(value->text, &line->prefixes[i], why, sizeof(why)) < 0)
			return config_syntax_refuse(syntax, section, value->line, "remote '%s' %s",
						    value->text, why);
		line->prefixes[i].at = value->line;
	}
	return 0;
}

/* The policy's own reading of a name decides, on a rule that has just this one. */
static int line_check_name(const struct config_syntax *syntax, cfg_t *section,
			   const struct config_value *value, bool is_domain)
{
	const char *name = value->text;
	struct rule trial = {
		.level = LEVEL_MEDIUM_REMOTE,
		.peer = PEER_CLIENT,
		.sip = is_domain,
		.hosts = is_domain ? NULL : &name,
		.host_count = is_domain ? 0 : 1,
		.sip_domains = is_domain ? &name : NULL,
		.sip_domain_count = is_domain ? 1 : 0,
	};

	if (rule_validate(&trial) == 0)
		return 0;
	if (is_domain)
		return config_syntax_refuse(syntax, section, value->line,
					    "'%s' is no SIP domain; write one like example.com",
					    name);
	return config_syntax_refuse(syntax, section, value->line,
				    "'%s' is neither a host name nor an address; write one like "
				    "pbx.example.com or 192.0.2.7",
				    name);
}

/* Names that nothing looks at would let an operator believe that they are checked. */
static int line_check_names(const struct config_syntax *syntax, cfg_t *section,
			    const struct config_line *line, const char *key, bool is_domain)
{
	const struct config_value *value = config_syntax_value(section, key);

	if (!value)
		return 0;
	if (is_domain && !line->rule.sip)
		return config_syntax_refuse(syntax, section, value->line,
					    "%s are not used by function '%s'; remove them", key,
					    function_name(line->function));
	if (!level_is_remote(line->rule.level))
		return config_syntax_refuse(syntax, section, value->line,
					    "%s are not checked at level '%s'; remove them, or use "
					    "level medium+remote or high+remote",
					    key, level_name(line->rule.level));
	for (unsigned int i = 0; i < cfg_size(section, key); i++) {
		int rc = line_check_name(syntax, section, cfg_getnptr(section, key, i), is_domain);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static int line_read_names(const struct config_syntax *syntax, cfg_t *section,
			   struct config_line *line)
{
	struct rule *rule = &line->rule;
	const char *key = rule->sip ? "sip-domains" : "host-names";
	char **names = NULL;
	int rc = line_check_names(syntax, section, line, "host-names", false);

	if (rc == 0)
		rc = line_check_names(syntax, section, line, "sip-domains", true);
	if (rc == 0)
		rc = config_value_list(section, "host-names", &names, &rule->host_count);
	if (rc < 0)
		return rc;
	rule->hosts = (const char *const *)names;
	rc = config_value_list(section, "sip-domains", &names, &rule->sip_domain_count);
	if (rc < 0)
		return rc;
	rule->sip_domains = (const char *const *)names;
	if (rule_validate(rule) < 0)
		return config_syntax_refuse(syntax, section,
					    config_syntax_value(section, "level")->line,
					    "level '%s' needs %s; write %s = { \"example.com\" }",
					    level_name(rule->level), key, key);
	return 0;
}

int config_line_read(const struct config_syntax *syntax, cfg_t *section, struct config_line *line)
{
	static int (*const steps[])(const struct config_syntax *, cfg_t *, struct config_line *) = {
		line_read_name,	  line_read_function, line_read_port,
		line_read_remote, line_read_level,    line_read_names,
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		int rc = steps[i](syntax, section, line);

		if (rc < 0)
			return rc;
	}
	return 0;
}

void config_line_free(struct config_line *line)
{
	free(line->prefixes);
	config_value_list_free((char **)line->rule.hosts, line->rule.host_count);
	config_value_list_free((char **)line->rule.sip_domains, line->rule.sip_domain_count);
	*line = (struct config_line){ 0 };
}
