// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "policy/check.h"
#include "policy/evaluate.h"

static const struct {
	const char *name;
	const char *reference;
	evaluate_fn *evaluate;
	enum refusal refusal; /* unless the evaluation knows a better one */
} check_table[] = {
	[CHECK_CERTIFICATE_PRESENT] = { "certificate-present", "RFC 8446 4.4.2.4",
					evaluate_certificate_present, REFUSAL_NO_CERTIFICATE },
	[CHECK_NOT_DENIED] = { "not-denied", "the operator's deny list", evaluate_not_denied,
			       REFUSAL_REVOKED },
	[CHECK_IN_DATE] = { "in-date", "RFC 5280 4.1.2.5", evaluate_in_date, REFUSAL_EXPIRED },
	[CHECK_KEY_1024] = { "key-1024", "level Low; NIST SP 800-57 part 1", evaluate_key_1024,
			     REFUSAL_BAD_CERTIFICATE },
	[CHECK_TRUST_CHAIN] = { "trust-chain", "RFC 5280 6; RFC 4158", evaluate_trust_chain,
				REFUSAL_UNKNOWN_CA },
	[CHECK_KEY_USAGE] = { "key-usage", "RFC 5280 4.2.1.3", evaluate_key_usage,
			      REFUSAL_UNSUPPORTED },
	[CHECK_PURPOSE] = { "purpose", "RFC 5280 4.2.1.3, 4.2.1.12; RFC 5924", evaluate_purpose,
			    REFUSAL_UNSUPPORTED },
	[CHECK_CRITICAL_EXTENSIONS] = { "critical-extensions", "RFC 5280 4.2",
					evaluate_critical_extensions, REFUSAL_UNSUPPORTED },
	[CHECK_KEY_2048] = { "key-2048", "level High; NIST SP 800-57 part 1", evaluate_key_2048,
			     REFUSAL_BAD_CERTIFICATE },
	[CHECK_NOT_SELF_SIGNED] = { "not-self-signed", "level High", evaluate_not_self_signed,
				    REFUSAL_NOT_ALLOWED },
	[CHECK_NOT_REFLECTED] = { "not-reflected", "level High", evaluate_not_reflected,
				  REFUSAL_NOT_ALLOWED },
	[CHECK_IN_STORE] = { "in-store", "level High", evaluate_in_store, REFUSAL_NOT_ALLOWED },
	[CHECK_REMOTE_NAME] = { "remote-name", "RFC 9525 6", evaluate_remote_name, REFUSAL_NAME },
	[CHECK_SIP_DOMAIN] = { "sip-domain", "RFC 5922 7", evaluate_sip_domain, REFUSAL_NAME },
};
_Static_assert(sizeof(check_table) / sizeof(check_table[0]) == CHECK_COUNT, "a row a check");
_Static_assert(CHECK_COUNT < 32, "a bit a check");

static const char *const outcome_names[] = {
	[OUTCOME_NOT_EVALUATED] = "not-evaluated",
	[OUTCOME_PASSED] = "passed",
	[OUTCOME_FAILED] = "failed",
	[OUTCOME_NOT_APPLICABLE] = "not-applicable",
};
_Static_assert(sizeof(outcome_names) / sizeof(outcome_names[0]) == OUTCOME_COUNT,
	       "a name an outcome");

const char *check_name(enum check check)
{
	return (unsigned int)check < CHECK_COUNT ? check_table[check].name : NULL;
}

const char *check_reference(enum check check)
{
	return (unsigned int)check < CHECK_COUNT ? check_table[check].reference : NULL;
}

int check_parse(const char *name, enum check *out)
{
	for (int i = 0; i < CHECK_COUNT; i++) {
		if (strcmp(check_table[i].name, name) == 0) {
			*out = i;
			return 0;
		}
	}
	return -EINVAL;
}

const char *outcome_name(enum outcome outcome)
{
	return (unsigned int)outcome < OUTCOME_COUNT ? outcome_names[outcome] : NULL;
}

/* it does not stand without a path; what the peer's own certificate fails, it fails with any */
static bool check_needs_path(const struct check_result *result)
{
	switch (result->check) {
	case CHECK_TRUST_CHAIN:
	case CHECK_NOT_SELF_SIGNED:
		return true;
	case CHECK_PURPOSE:
	case CHECK_CRITICAL_EXTENSIONS:
		return result->outcome != OUTCOME_FAILED;
	default:
		return false;
	}
}

void check_evaluate(enum check check, const struct facts *facts, const struct rule *rule,
		    int64_t now, struct check_result *out)
{
	*out = (struct check_result){ .check = check, .outcome = OUTCOME_FAILED };
	if ((unsigned int)check >= CHECK_COUNT) {
		evaluate_say(out, OUTCOME_FAILED, "no such check");
		return;
	}
	out->refusal = check_table[check].refusal;
	if (!facts->present && check != CHECK_CERTIFICATE_PRESENT) {
		evaluate_say(out, OUTCOME_NOT_APPLICABLE, "no certificate was received");
		return;
	}
	if (facts->present && !facts->examined) {
		evaluate_say(out, OUTCOME_FAILED, "the certificate was not examined");
		return;
	}
	check_table[check].evaluate(facts, rule, now, out);
	if (facts->path_skipped && check_needs_path(out)) {
		out->refusal = REFUSAL_UNDECIDED;
		evaluate_say(out, OUTCOME_NOT_EVALUATED,
			     "not looked at: a cheaper check failed and the host is under load");
	}
}

bool check_any_fails(check_set checks, const struct facts *facts, const struct rule *rule,
		     int64_t now)
{
	for (int i = 0; i < CHECK_COUNT; i++) {
		struct check_result result;

		if (!(checks & CHECK_BIT(i)))
			continue;
		check_evaluate(i, facts, rule, now, &result);
		if (result.outcome == OUTCOME_FAILED)
			return true;
	}
	return false;
}
