// SPDX-License-Identifier: Apache-2.0
#include "userspace/config_line.h"

#include <errno.h>
#include <string.h>

#include "userspace/config_draft.h"
#include "userspace/config_prefix.h"
#include "userspace/config_service.h"
#include "userspace/config_value.h"

#define LINE_NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

static int line_read_name(struct config_draft *draft)
{
	const char *name = cfg_title(draft->section);
	size_t len = strlen(name);

	if (!len || len >= sizeof(draft->line.name) || name[strspn(name, LINE_NAME_CHARACTERS)])
		return config_syntax_refuse(draft->syntax, draft->section, 0,
					    "a name has 1 to %zu letters, digits, '.', '_' or '-'",
					    sizeof(draft->line.name) - 1);
	memcpy(draft->line.name, name, len + 1);
	return 0;
}

static int line_read_function(struct config_draft *draft)
{
	struct config_line *line = &draft->line;
	const char *names[FUNCTION_COUNT] = { NULL };
	unsigned int chosen = 0;
	const struct config_value *value;
	int rc = config_value_need(draft->syntax, draft->section, "function", "sip-line", &value);

	for (enum function f = FUNCTION_NONE + 1; f < FUNCTION_COUNT; f++)
		names[f - FUNCTION_NONE - 1] = function_name(f);
	if (rc == 0)
		rc = config_value_choice(draft->syntax, draft->section, "function", names, &chosen);
	if (rc < 0)
		return rc;
	line->function = FUNCTION_NONE + 1 + chosen;
	line->rule.peer = PEER_CLIENT;
	line->rule.ask = function_ask(line->function);
	line->rule.sip = function_is_sip(line->function);
	line->rule.crl = draft->config->crl;
	return 0;
}

static int line_read_prefix(const struct config_draft *draft, const char *text, unsigned int at,
			    struct config_prefix *prefix)
{
	char why[256];

	if (config_prefix_parse(text, prefix, why, sizeof(why)) < 0)
		return config_syntax_refuse(draft->syntax, draft->section, at, "remote '%s' %s",
					    text, why);
	prefix->file = draft->line.file;
	prefix->at = at;
	return 0;
}

/* Peers that come from anywhere are those whose function is to come to this host alone. */
static int line_read_remote(struct config_draft *draft)
{
	static const char *const everywhere[] = { "0.0.0.0/0", "::/0" };
	struct config_line *line = &draft->line;
	size_t count = cfg_size(draft->section, "remote");
	const struct config_value *value;
	bool all = !count && !function_connects(line->function);
	int rc = all ? 0 :
		       config_value_need(draft->syntax, draft->section, "remote",
					 "{ \"192.0.2.0/24\" }", &value);

	if (rc < 0)
		return rc;
	if (all)
		count = sizeof(everywhere) / sizeof(everywhere[0]);
	line->prefixes = calloc(count, sizeof(*line->prefixes));
	if (!line->prefixes)
		return -ENOMEM;
	line->prefix_count = count;
	for (size_t i = 0; rc == 0 && i < count; i++) {
		value = all ? NULL : cfg_getnptr(draft->section, "remote", (unsigned int)i);
		rc = line_read_prefix(draft, all ? everywhere[i] : value->text,
				      all ? line->at : value->line, &line->prefixes[i]);
	}
	return rc;
}

static int line_read_exception(struct config_draft *draft, const struct config_value *value)
{
	static const char *const names[] = { "accept-server-auth-client",
					     "accept-missing-key-usage", "strict-purpose", NULL };
	char known[128];
	uint32_t option;

	if (rule_option_parse(value->text, &option) < 0) {
		config_value_words(names, known, sizeof(known));
		return config_syntax_refuse(draft->syntax, draft->section, value->line,
					    "exception '%s' is unknown; use %s", value->text,
					    known);
	}
	if (option == RULE_BEFORE_R11_1_3)
		return config_syntax_refuse(draft->syntax, draft->section, value->line,
					    "exception '%s' is not a line's; write upgraded-host = "
					    "yes outside of the lines",
					    value->text);
	if (option == RULE_ACCEPT_SERVER_AUTH_CLIENT && !draft->inbound)
		return config_syntax_refuse(draft->syntax, draft->section, value->line,
					    "exception '%s' is about peers that connect to this "
					    "host, and this line is outbound; remove it",
					    value->text);
	draft->line.rule.options |= option;
	return 0;
}

static int line_read_exceptions(struct config_draft *draft)
{
	for (unsigned int i = 0; i < cfg_size(draft->section, "exceptions"); i++) {
		int rc = line_read_exception(draft, cfg_getnptr(draft->section, "exceptions", i));

		if (rc < 0)
			return rc;
	}
	return 0;
}

static const char *const line_deliveries[] = {
	[CONFIG_DELIVERY_AUTO] = "auto",
	[CONFIG_DELIVERY_ADOPT] = "adopt",
	[CONFIG_DELIVERY_RELAY] = "relay",
	NULL,
};

const char *config_delivery_name(enum config_delivery delivery)
{
	return line_deliveries[delivery];
}

static int line_read_delivery(struct config_draft *draft)
{
	unsigned int delivery = CONFIG_DELIVERY_AUTO;
	int rc = config_value_choice(draft->syntax, draft->section, "delivery", line_deliveries,
				     &delivery);

	draft->line.delivery = delivery;
	return rc;
}

static const char *const line_expiries[] = {
	[CONFIG_EXPIRY_END] = "end", [CONFIG_EXPIRY_RECORD] = "record", NULL
};

const char *config_on_expiry_name(enum config_on_expiry on_expiry)
{
	return line_expiries[on_expiry];
}

static int line_read_conduct(struct config_draft *draft)
{
	static const char *const modes[] = {
		[CONFIG_ENFORCE] = "enforce", [CONFIG_OBSERVE] = "observe", NULL
	};
	unsigned int mode = CONFIG_ENFORCE, on_expiry = CONFIG_EXPIRY_END;
	int rc = config_value_choice(draft->syntax, draft->section, "mode", modes, &mode);

	if (rc == 0)
		rc = config_value_choice(draft->syntax, draft->section, "on-expiry", line_expiries,
					 &on_expiry);
	draft->line.mode = mode;
	draft->line.on_expiry = on_expiry;
	if (rc == 0)
		rc = line_read_delivery(draft);
	if (rc == 0)
		rc = config_value_yes(draft->syntax, draft->section, "resumption", true,
				      &draft->line.resumption);
	return rc;
}

static int line_add(struct config_line **lines, size_t *count, struct config_line *line)
{
	struct config_line *more = reallocarray(*lines, *count + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	*lines = more;
	more[(*count)++] = *line;
	*line = (struct config_line){ 0 };
	return 0;
}

static int line_finish(struct config_draft *draft)
{
	struct config *config = draft->config;
	struct config_line made[2] = { 0 };
	size_t count = 0;
	int rc;

	if (draft->line.function == FUNCTION_ADMIN &&
	    !config_service_is_served(draft->line.security))
		return line_add(&config->closed_lines, &config->closed_line_count, &draft->line);
	rc = config_direction_split(draft, made, &count);
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = line_add(&config->lines, &config->line_count, &made[i]);
	config_line_free(&made[0]);
	config_line_free(&made[1]);
	return rc;
}

int config_line_read(const struct config_syntax *syntax, const char *file, struct config *config)
{
	static int (*const steps[])(struct config_draft *) = {
		line_read_name,	      line_read_function,    config_direction_read,
		config_service_read,  line_read_remote,	     config_level_read,
		config_names_read,    config_namespace_read, line_read_exceptions,
		line_read_conduct,    line_finish,
	};
	size_t count = cfg_size(syntax->root, "line");
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < count; i++) {
		cfg_t *section = cfg_getnsec(syntax->root, "line", (unsigned int)i);
		struct config_draft draft = {
			.syntax = syntax,
			.section = section,
			.config = config,
			.line = { .file = file, .at = (unsigned int)section->line },
		};

		for (size_t k = 0; rc == 0 && k < sizeof(steps) / sizeof(steps[0]); k++)
			rc = steps[k](&draft);
		config_line_free(&draft.line);
	}
	return rc;
}

void config_line_free(struct config_line *line)
{
	free(line->prefixes);
	free(line->server_name);
	config_names_free(&line->rule);
	*line = (struct config_line){ 0 };
}
