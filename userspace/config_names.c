// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "policy/name.h"
#include "userspace/config_draft.h"
#include "userspace/config_value.h"

/* The policy's own reading of a name decides, on a rule that has just this one. */
static int names_check_one(const struct config_draft *draft, const struct config_value *value,
			   bool is_domain)
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
		return config_syntax_refuse(draft->syntax, draft->section, value->line,
					    "'%s' is no SIP domain; write one like example.com",
					    name);
	return config_syntax_refuse(draft->syntax, draft->section, value->line,
				    "'%s' is neither a host name nor an address; write one like "
				    "pbx.example.com or 192.0.2.7",
				    name);
}

/* Names that nothing looks at would let an operator believe that they are checked. */
static int names_check(const struct config_draft *draft, const char *key, bool is_domain)
{
	const struct config_value *value = config_syntax_value(draft->section, key);
	const struct rule *rule = &draft->line.rule;

	if (!value)
		return 0;
	if (is_domain && !rule->sip)
		return config_syntax_refuse(draft->syntax, draft->section, value->line,
					    "%s are not used by function '%s'; remove them", key,
					    function_name(draft->line.function));
	if (!level_is_remote(rule->level) && !draft->outbound)
		return config_syntax_refuse(draft->syntax, draft->section, value->line,
					    "%s are not checked at level '%s'; remove them, or use "
					    "level medium+remote or high+remote",
					    key, level_name(rule->level));
	for (unsigned int i = 0; i < cfg_size(draft->section, key); i++) {
		int rc = names_check_one(draft, cfg_getnptr(draft->section, key, i), is_domain);

		if (rc < 0)
			return rc;
	}
	return 0;
}

int config_names_read(struct config_draft *draft)
{
	struct rule *rule = &draft->line.rule;
	const struct config_value *level = config_syntax_value(draft->section, "level");
	const char *key = rule->sip ? "sip-domains" : "host-names";
	char **names = NULL;
	int rc = names_check(draft, "host-names", false);

	if (rc == 0)
		rc = names_check(draft, "sip-domains", true);
	if (rc == 0)
		rc = config_value_list(draft->section, "host-names", &names, &rule->host_count);
	if (rc < 0)
		return rc;
	rule->hosts = (const char *const *)names;
	rc = config_value_list(draft->section, "sip-domains", &names, &rule->sip_domain_count);
	if (rc < 0)
		return rc;
	rule->sip_domains = (const char *const *)names;
	if (rule_validate(rule) < 0)
		return config_syntax_refuse(draft->syntax, draft->section, level ? level->line : 0,
					    "level '%s' needs %s; write %s = { \"example.com\" }",
					    level_name(rule->level), key, key);
	return 0;
}

static int names_copy_list(const char *const **names, size_t *count)
{
	char **list = *count ? calloc(*count, sizeof(*list)) : NULL;
	size_t n = *count;

	*count = 0;
	if (n && !list) {
		*names = NULL;
		return -ENOMEM;
	}
	for (; *count < n; ++*count) {
		list[*count] = strdup((*names)[*count]);
		if (!list[*count])
			break;
	}
	*names = (const char *const *)list;
	return *count < n ? -ENOMEM : 0;
}

int config_names_copy(struct rule *rule)
{
	int hosts = names_copy_list(&rule->hosts, &rule->host_count);
	int domains = names_copy_list(&rule->sip_domains, &rule->sip_domain_count);

	if (hosts == 0 && domains == 0)
		return 0;
	config_names_free(rule);
	return -ENOMEM;
}

void config_names_free(struct rule *rule)
{
	config_value_list_free((char **)rule->hosts, rule->host_count);
	config_value_list_free((char **)rule->sip_domains, rule->sip_domain_count);
	rule->hosts = NULL;
	rule->host_count = 0;
	rule->sip_domains = NULL;
	rule->sip_domain_count = 0;
}

/* RFC 6066 section 3: A-labels, no final dot, and no address. */
static const char *names_first(const char *const *names, size_t count,
			       struct name_reference *reference)
{
	for (size_t i = 0; i < count; i++) {
		if (name_reference_parse(names[i], reference) == 0 && !reference->address_len)
			return reference->dns;
	}
	return NULL;
}

int config_names_server(const struct rule *rule, char **out)
{
	struct name_reference reference;
	const char *name = names_first(rule->sip_domains, rule->sip_domain_count, &reference);

	if (!name)
		name = names_first(rule->hosts, rule->host_count, &reference);
	*out = name ? strdup(name) : NULL;
	return name && !*out ? -ENOMEM : 0;
}
