// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stdio.h>

#include "policy/evaluate.h"
#include "policy/purpose.h"
#include "policy/text.h"

void evaluate_say(struct check_result *out, enum outcome outcome, const char *format, ...)
{
	va_list args;

	out->outcome = outcome;
	va_start(args, format);
	vsnprintf(out->reason, sizeof(out->reason), format, args);
	va_end(args);
}

void evaluate_certificate_present(const struct facts *facts, const struct rule *rule, int64_t now,
				  struct check_result *out)
{
	(void)now;
	if (facts->present)
		evaluate_say(out, OUTCOME_PASSED, "a certificate was received: %.160s",
			     facts->leaf.subject);
	else if (rule->ask == ASK_REQUEST)
		evaluate_say(out, OUTCOME_NOT_APPLICABLE,
			     "no certificate was received; it was requested, not required");
	else if (rule->ask == ASK_NONE)
		evaluate_say(out, OUTCOME_NOT_APPLICABLE, "no certificate was asked for");
	else
		evaluate_say(out, OUTCOME_FAILED, "no certificate was received, one is required");
}

void evaluate_in_date(const struct facts *facts, const struct rule *rule, int64_t now,
		      struct check_result *out)
{
	char begin[TEXT_TIME_MAX], end[TEXT_TIME_MAX];

	(void)rule;
	text_time(facts->leaf.not_before, begin, sizeof(begin));
	text_time(facts->leaf.not_after, end, sizeof(end));
	if (!facts->leaf.times_valid) {
		out->refusal = REFUSAL_BAD_CERTIFICATE;
		evaluate_say(out, OUTCOME_FAILED, "its validity cannot be read");
	} else if (now < facts->leaf.not_before) {
		evaluate_say(out, OUTCOME_FAILED, "not valid before %s", begin);
	} else if (now > facts->leaf.not_after) {
		evaluate_say(out, OUTCOME_FAILED, "expired after %s", end);
	} else {
		evaluate_say(out, OUTCOME_PASSED, "valid from %s through %s", begin, end);
	}
}

static void evaluate_key(const struct key_facts *key, unsigned int least, struct check_result *out)
{
	enum outcome outcome = key->rsa_bits >= least ? OUTCOME_PASSED : OUTCOME_FAILED;

	if (key->type == KEY_UNKNOWN)
		evaluate_say(out, OUTCOME_FAILED,
			     "a key of unknown kind and strength, RSA %u bits or as strong needed",
			     least);
	else if (key->bits == key->rsa_bits)
		evaluate_say(out, outcome, "%s %u bits, %u needed", key_type_name(key->type),
			     key->bits, least);
	else
		evaluate_say(out, outcome, "%s %u bits, as strong as RSA %u bits, %u needed",
			     key_type_name(key->type), key->bits, key->rsa_bits, least);
}

void evaluate_key_1024(const struct facts *facts, const struct rule *rule, int64_t now,
		       struct check_result *out)
{
	(void)rule;
	(void)now;
	evaluate_key(&facts->leaf.key, 1024, out);
}

void evaluate_key_2048(const struct facts *facts, const struct rule *rule, int64_t now,
		       struct check_result *out)
{
	(void)rule;
	(void)now;
	evaluate_key(&facts->leaf.key, 2048, out);
}

/* a chain that fails is "unknown CA" unless the fault is one that the peer can be told of */
static enum refusal evaluate_path_refusal(enum path_state state)
{
	switch (state) {
	case PATH_DATE:
		return REFUSAL_EXPIRED;
	case PATH_SIGNATURE:
	case PATH_INVALID:
		return REFUSAL_BAD_CERTIFICATE;
	case PATH_CRITICAL:
	case PATH_PURPOSE:
		return REFUSAL_UNSUPPORTED;
	case PATH_REVOKED:
		return REFUSAL_REVOKED;
	case PATH_UNKNOWN_STATUS:
		return REFUSAL_NOT_ALLOWED;
	default:
		return REFUSAL_UNKNOWN_CA;
	}
}

void evaluate_trust_chain(const struct facts *facts, const struct rule *rule, int64_t now,
			  struct check_result *out)
{
	const struct path_facts *path = &facts->path;

	(void)rule;
	(void)now;
	if (path->state == PATH_TRUSTED) {
		evaluate_say(out, OUTCOME_PASSED, "chain of %u to the trusted root %.160s",
			     path->length, path->root);
		return;
	}
	out->refusal = evaluate_path_refusal(path->state);
	if (path->state == PATH_NOT_BUILT)
		evaluate_say(out, OUTCOME_FAILED, "no chain to a trusted root");
	else
		evaluate_say(out, OUTCOME_FAILED, "no chain to a trusted root: %.100s (%s)",
			     path->fault_subject, path->detail);
}

void evaluate_key_usage(const struct facts *facts, const struct rule *rule, int64_t now,
			struct check_result *out)
{
	const struct usage_facts *usage = &facts->leaf.usage;
	char text[EXTENSION_LIST_MAX];

	(void)now;
	extension_key_usage_text(usage->key_usage, text, sizeof(text));
	if (usage->key_usage_present && usage->malformed)
		evaluate_say(out, OUTCOME_FAILED, "its key usage cannot be read");
	else if (usage->key_usage_present && !usage->key_usage)
		evaluate_say(out, OUTCOME_FAILED, "its key usage extension allows nothing");
	else if (usage->key_usage_present)
		evaluate_say(out, OUTCOME_PASSED, "key usage: %s", text);
	else if (rule->options & RULE_ACCEPT_MISSING_KEY_USAGE)
		evaluate_say(out, OUTCOME_PASSED,
			     "no key usage extension; allowed by accept-missing-key-usage");
	else
		evaluate_say(out, OUTCOME_FAILED,
			     "no key usage extension; some telephony peers issue certificates "
			     "without one");
}

/* what the extended key usage would have to hold, for the reason */
static const char *evaluate_wanted(const struct rule *rule)
{
	bool strict = rule->options & RULE_STRICT_PURPOSE;

	if (rule->sip && strict)
		return "sipDomain";
	if (rule->peer == PEER_SERVER)
		return rule->sip ? "serverAuth or sipDomain" : "serverAuth";
	return rule->sip ? "clientAuth or sipDomain" : "clientAuth";
}

void evaluate_purpose(const struct facts *facts, const struct rule *rule, int64_t now,
		      struct check_result *out)
{
	const struct usage_facts *usage = &facts->leaf.usage;
	const char *role = rule->peer == PEER_SERVER ? "server" : "client";
	enum purpose_result extended = purpose_extended(usage, rule);
	char text[EXTENSION_LIST_MAX];

	(void)now;
	extension_key_usage_text(usage->key_usage, text, sizeof(text));
	if (usage->malformed)
		evaluate_say(out, OUTCOME_FAILED,
			     "its key usage or extended key usage cannot be read");
	else if (!purpose_key_usage(usage, rule))
		evaluate_say(out, OUTCOME_FAILED, "key usage allows no TLS %s: %s", role, text);
	else if (extended == PURPOSE_REFUSED)
		evaluate_say(out, OUTCOME_FAILED, "used as %s, %s needed; extended key usage is %s",
			     role, evaluate_wanted(rule), usage->eku_text);
	else if (facts->path.state == PATH_PURPOSE)
		evaluate_say(out, OUTCOME_FAILED, "used as %s, not allowed by the CA %.100s: %s",
			     role, facts->path.fault_subject, facts->path.detail);
	else if (extended == PURPOSE_BY_EXCEPTION)
		evaluate_say(out, OUTCOME_PASSED,
			     "a client with serverAuth; allowed by accept-server-auth-client");
	else
		evaluate_say(out, OUTCOME_PASSED, "used as %s; extended key usage: %s", role,
			     usage->eku_present ? usage->eku_text : "any, none given");
}

void evaluate_critical_extensions(const struct facts *facts, const struct rule *rule, int64_t now,
				  struct check_result *out)
{
	const struct critical_facts *critical = &facts->critical;

	(void)rule;
	(void)now;
	if (!critical->found)
		evaluate_say(out, OUTCOME_PASSED, "no unknown critical extension");
	else if (critical->depth == 0)
		evaluate_say(out, OUTCOME_FAILED, "unknown critical extension %s", critical->oid);
	else
		evaluate_say(out, OUTCOME_FAILED, "unknown critical extension %s in the CA %.100s",
			     critical->oid, critical->subject);
}
