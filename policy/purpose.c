// SPDX-License-Identifier: Apache-2.0
#include "policy/purpose.h"

enum purpose_result purpose_extended(const struct usage_facts *usage, const struct rule *rule)
{
	bool strict = rule->options & RULE_STRICT_PURPOSE;
	uint16_t allowed = strict ? 0 : EKU_ANY;

	if (usage->malformed || (rule->peer != PEER_SERVER && rule->peer != PEER_CLIENT))
		return PURPOSE_REFUSED;
	if (!usage->eku_present)
		return PURPOSE_ALLOWED;

	if (rule->sip)
		allowed |= EKU_SIP_DOMAIN;
	if (!(rule->sip && strict))
		allowed |= rule->peer == PEER_SERVER ? EKU_SERVER_AUTH : EKU_CLIENT_AUTH;
	if (usage->eku & allowed)
		return PURPOSE_ALLOWED;
	if (rule->peer == PEER_CLIENT && usage->eku & EKU_SERVER_AUTH &&
	    rule->options & RULE_ACCEPT_SERVER_AUTH_CLIENT)
		return PURPOSE_BY_EXCEPTION;
	return PURPOSE_REFUSED;
}

bool purpose_key_usage(const struct usage_facts *usage, const struct rule *rule)
{
	uint16_t allowed = USAGE_DIGITAL_SIGNATURE | USAGE_KEY_AGREEMENT;

	if (usage->malformed)
		return false;
	if (!usage->key_usage_present)
		return true;
	if (rule->peer == PEER_SERVER)
		allowed |= USAGE_KEY_ENCIPHERMENT;
	return usage->key_usage & allowed;
}
