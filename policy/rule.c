// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "policy/name.h"
#include "policy/rule.h"

static const char *const rule_option_names[] = {
	"accept-server-auth-client",
	"accept-missing-key-usage",
	"strict-purpose",
	"before-r11.1.3",
};
_Static_assert(sizeof(rule_option_names) / sizeof(rule_option_names[0]) == RULE_OPTION_COUNT,
	       "a name an option");
_Static_assert(RULE_BEFORE_R11_1_3 == 1 << (RULE_OPTION_COUNT - 1), "the last option is the last");

const char *rule_option_name(uint32_t option)
{
	for (unsigned int i = 0; i < RULE_OPTION_COUNT; i++) {
		if (option == UINT32_C(1) << i)
			return rule_option_names[i];
	}
	return NULL;
}

int rule_option_parse(const char *name, uint32_t *out)
{
	for (unsigned int i = 0; i < RULE_OPTION_COUNT; i++) {
		if (strcmp(rule_option_names[i], name) == 0) {
			*out = UINT32_C(1) << i;
			return 0;
		}
	}
	return -EINVAL;
}

static const char *const rule_crl_names[] = {
	[CRL_PREFER] = "prefer",
	[CRL_OFF] = "off",
	[CRL_REQUIRE] = "require",
};
_Static_assert(sizeof(rule_crl_names) / sizeof(rule_crl_names[0]) == CRL_COUNT, "a name a setting");

const char *rule_crl_name(enum rule_crl crl)
{
	return (unsigned int)crl < CRL_COUNT ? rule_crl_names[crl] : NULL;
}

int rule_crl_parse(const char *name, enum rule_crl *out)
{
	for (int i = 0; i < CRL_COUNT; i++) {
		if (strcmp(rule_crl_names[i], name) == 0) {
			*out = i;
			return 0;
		}
	}
	return -EINVAL;
}

enum rule_crl rule_revocation(const struct rule *rule)
{
	return rule_checks(rule) & CHECK_BIT(CHECK_TRUST_CHAIN) ? rule->crl : CRL_OFF;
}

check_set rule_checks(const struct rule *rule)
{
	if (rule->checks)
		return rule->checks;
	return level_checks(rule->level, rule->options & RULE_BEFORE_R11_1_3);
}

static int rule_validate_names(const char *const *names, size_t count, bool addresses)
{
	for (size_t i = 0; i < count; i++) {
		struct name_reference ref;

		if (!names[i] || name_reference_parse(names[i], &ref) < 0)
			return -EBADMSG;
		if (ref.address_len && !addresses)
			return -EBADMSG;
	}
	return 0;
}

int rule_validate(const struct rule *rule)
{
	check_set checks = rule_checks(rule);

	if (!checks || (checks & ~CHECK_ALL) || rule->options >> RULE_OPTION_COUNT ||
	    (unsigned int)rule->crl >= CRL_COUNT)
		return -EINVAL;
	if (rule->peer != PEER_SERVER && rule->peer != PEER_CLIENT)
		return -EINVAL;
	if (checks & CHECK_BIT(CHECK_SIP_DOMAIN) && rule->sip && !rule->sip_domain_count)
		return -ENODATA;
	if (checks & CHECK_BIT(CHECK_REMOTE_NAME) && !rule->sip && !rule->host_count)
		return -ENODATA;

	int err = rule_validate_names(rule->hosts, rule->host_count, true);

	if (err)
		return err;
	return rule_validate_names(rule->sip_domains, rule->sip_domain_count, false);
}
