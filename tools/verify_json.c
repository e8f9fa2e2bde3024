// SPDX-License-Identifier: Apache-2.0
#include <time.h>

#include "tools/verify.h"
#include "userspace/config_prefix.h"
#include "userspace/config_service.h"
#include "userspace/expiry_json.h"
#include "userspace/trust_json.h"

static const char *const verify_ciphers[] = {
	[CONFIG_CIPHERS_HIGH] = "high",
	[CONFIG_CIPHERS_MEDIUM] = "medium",
	[CONFIG_CIPHERS_LOW] = "low",
};
_Static_assert(sizeof(verify_ciphers) / sizeof(verify_ciphers[0]) == CONFIG_CIPHERS_COUNT,
	       "a name each");

static json_t *verify_remotes(const struct config_line *line)
{
	json_t *remotes = json_array();
	char prefix[CONFIG_PREFIX_LEN];

	for (size_t i = 0; i < line->prefix_count; i++) {
		config_prefix_print(&line->prefixes[i], prefix);
		json_array_append_new(remotes, json_string(prefix));
	}
	return remotes;
}

static json_t *verify_names(const char *const *names, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_string(names[i]));
	return list;
}

static json_t *verify_options(const struct config_line *line)
{
	json_t *options = json_array();

	for (unsigned int i = 0; i < RULE_OPTION_COUNT; i++) {
		if (line->rule.options & UINT32_C(1) << i)
			json_array_append_new(options,
					      json_string(rule_option_name(UINT32_C(1) << i)));
	}
	return options;
}

static void verify_add_service(json_t *object, const struct config_line *line)
{
	if (line->function != FUNCTION_ADMIN)
		return;
	json_object_set_new(object, "service_security",
			    json_string(config_service_name(line->security)));
	json_object_set_new(object, "plain_port",
			    line->plain_port ? json_integer(line->plain_port) : json_null());
}

static json_t *verify_line(const struct config *config, const struct config_line *line, bool served)
{
	const struct rule *rule = &line->rule;
	json_t *object = json_pack(
		"{s:s, s:s, s:s, s:s, s:i, s:o, s:s, s:s, s:b, s:s, s:s, s:b, s:s, s:b, s:s?, s:s, "
		"s:i}",
		"line", line->name, "function", function_name(line->function), "role",
		verify_role(line), "namespace", config->namespaces[line->netns].name, "port",
		line->port, "remote", verify_remotes(line), "certificate", verify_ask(line),
		"level", level_name(rule->level), "own_level", line->own_level, "crl",
		rule_crl_name(rule_revocation(rule)), "delivery", served ? config_delivery_name(line->delivery) : "closed",
		"observe", line->mode == CONFIG_OBSERVE, "on_expiry",
		config_on_expiry_name(line->on_expiry), "resumption", line->resumption,
		"server_name", line->server_name, "file", line->file, "at", (int)line->at);

	json_object_set_new(object, "options", verify_options(line));
	json_object_set_new(object, "host_names", verify_names(rule->hosts, rule->host_count));
	json_object_set_new(object, "sip_domains",
			    verify_names(rule->sip_domains, rule->sip_domain_count));
	json_object_set_new(object, "ciphers", json_string(verify_ciphers[line->ciphers]));
	json_object_set_new(object, "identity",
			    json_string(line->identity == &config->telephony ?
						"telephony-identity" :
						"identity"));
	verify_add_service(object, line);
	return object;
}

static json_t *verify_lines(const struct config *config)
{
	json_t *lines = json_array();

	for (size_t i = 0; i < config->line_count; i++)
		json_array_append_new(lines, verify_line(config, &config->lines[i], true));
	for (size_t i = 0; i < config->closed_line_count; i++)
		json_array_append_new(lines, verify_line(config, &config->closed_lines[i], false));
	return lines;
}

static json_t *verify_closed_ports(const struct config *config)
{
	json_t *ports = json_array();

	for (size_t i = 0; i < config->closed_port_count; i++) {
		const struct config_closed_port *port = &config->closed_ports[i];

		json_array_append_new(ports,
				      json_pack("{s:s, s:i}", "namespace",
						config->namespaces[port->netns].name, "port",
						port->port));
	}
	return ports;
}

static json_t *verify_pbxs(const struct config *config)
{
	json_t *pbxs = json_array();

	for (size_t i = 0; i < config->pbx_count; i++) {
		const struct config_pbx *pbx = &config->pbxs[i];

		json_array_append_new(pbxs, json_pack("{s:s, s:s, s:s}", "name", pbx->name, "cgroup",
						      pbx->cgroup, "unmatched",
						      pbx->block_unmatched ? "block" : "pass"));
	}
	return pbxs;
}

static json_t *verify_identities(const struct config *config)
{
	json_t *object = json_object();
	const struct {
		const char *key;
		const struct identity *identity;
	} identities[] = {
		{ "identity", &config->identity },
		{ "telephony-identity", &config->telephony },
	};

	for (size_t i = 0; i < sizeof(identities) / sizeof(identities[0]); i++) {
		const struct identity *identity = identities[i].identity;
		char subject[TEXT_NAME_MAX];

		if (!identity->certificate)
			continue;
		text_name(X509_get_subject_name(identity->certificate), subject, sizeof(subject));
		json_object_set_new(object, identities[i].key,
				    json_pack("{s:s, s:i}", "subject", subject, "offered_chain",
					      sk_X509_num(identity->chain)));
	}
	return object;
}

static json_t *verify_settings(const struct config *config)
{
	json_t *object = json_object();

	for (enum function_setting s = 0; s < FUNCTION_SETTING_COUNT; s++) {
		const char *level = level_name(config->settings[s]);

		if (function_setting_name(s))
			json_object_set_new(object, function_setting_name(s),
					    level ? json_string(level) : json_null());
	}
	return object;
}

json_t *verify_to_json(const struct config *config)
{
	const char *const *files = (const char *const *)config->files;
	const char *const *warnings = (const char *const *)config->warnings;

	return json_pack("{s:b, s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "valid", 1,
			 "crl", rule_crl_name(config->crl), "upgraded_host", config->upgraded_host,
			 "files", verify_names(files, config->file_count), "settings",
			 verify_settings(config), "identities", verify_identities(config), "lines",
			 verify_lines(config), "closed_ports", verify_closed_ports(config), "pbx",
			 verify_pbxs(config), "warnings",
			 verify_names(warnings, config->warning_count), "trust_store",
			 trust_report_to_json(&config->trust_report), "expiry",
			 expiry_to_json(config));
}
