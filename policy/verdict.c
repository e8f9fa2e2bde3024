// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stdio.h>

#include "policy/verdict.h"

static void __attribute__((format(printf, 2, 3)))
verdict_note(struct verdict *verdict, const char *format, ...)
{
	va_list args;

	if (verdict->note_count == VERDICT_NOTES_MAX)
		return;
	va_start(args, format);
	vsnprintf(verdict->notes[verdict->note_count++], VERDICT_NOTE_MAX, format, args);
	va_end(args);
}

/* an exception is named only where it made the difference */
static void verdict_note_exceptions(const struct facts *facts, const struct rule *rule,
				    struct verdict *out)
{
	struct rule plain = *rule;

	for (uint32_t i = 0; i < out->result_count; i++) {
		struct check_result without;

		plain.options = rule->options &
				~(RULE_ACCEPT_SERVER_AUTH_CLIENT | RULE_ACCEPT_MISSING_KEY_USAGE);
		if (out->results[i].check != CHECK_PURPOSE &&
		    out->results[i].check != CHECK_KEY_USAGE)
			continue;
		check_evaluate(out->results[i].check, facts, &plain, 0, &without);
		if (without.outcome == OUTCOME_FAILED && out->results[i].outcome == OUTCOME_PASSED)
			verdict_note(out, "exception used: %s",
				     rule_option_name(out->results[i].check == CHECK_PURPOSE ?
							      RULE_ACCEPT_SERVER_AUTH_CLIENT :
							      RULE_ACCEPT_MISSING_KEY_USAGE));
	}
	if (rule->options & RULE_BEFORE_R11_1_3 && !rule->checks &&
	    level_checks(rule->level, true) != level_checks(rule->level, false))
		verdict_note(out,
			     "%s as before R11.1.3: key usage, purpose and critical extensions "
			     "are not checked",
			     level_name(rule->level));
}

/* what lists and a stapled response did, or could not do */
static void verdict_note_revocation(const struct revocation_facts *revocation, struct verdict *out)
{
	if (revocation->stale_issuer[0])
		verdict_note(out, "revocation list out of date: %.200s", revocation->stale_issuer);
	if (revocation->staple.state == STAPLE_UNUSABLE)
		verdict_note(out, "stapled OCSP response ignored: %s", revocation->staple.detail);
	if (revocation->staple.state == STAPLE_GOOD)
		verdict_note(out, "stapled OCSP response: not revoked");
	if (revocation->proven)
		verdict_note(out, "not revoked by current revocation lists: %u of the chain",
			     revocation->proven);
}

/* what no check of a level asks, and an operator should know */
static void verdict_note_facts(const struct facts *facts, struct verdict *out)
{
	const struct usage_facts *usage = &facts->leaf.usage;
	const struct key_facts *weakest = &facts->path.weakest;

	if (facts->own_key)
		verdict_note(out, "another certificate over our own public key");
	if (usage->key_usage_present && !usage->malformed &&
	    !(usage->key_usage & USAGE_DIGITAL_SIGNATURE))
		verdict_note(out, "key usage without digitalSignature: TLS 1.3 and (EC)DHE sign");
	if (facts->path.sha1_subject[0])
		verdict_note(out, "signature over SHA-1: %.160s", facts->path.sha1_subject);
	if (facts->path.state == PATH_TRUSTED && !facts->path.root_self_signed)
		verdict_note(out,
			     "the chain ends at a CA whose own issuer is not in the store: %.160s",
			     facts->path.root);
	if (facts->path.length && weakest->rsa_bits < facts->leaf.key.rsa_bits)
		verdict_note(out, "weakest key of the chain: %s %u bits (%.160s)",
			     key_type_name(weakest->type), weakest->bits,
			     facts->path.weakest_subject);
}

static bool verdict_lets_pass(enum outcome outcome)
{
	return outcome == OUTCOME_PASSED || outcome == OUTCOME_NOT_APPLICABLE;
}

/* a check that failed is why, before one that nobody looked at */
static bool verdict_says_more(const struct check_result *result, const struct check_result *than)
{
	return !than || (than->outcome == OUTCOME_NOT_EVALUATED &&
			 result->outcome != OUTCOME_NOT_EVALUATED);
}

/* runs every check; true when all let pass */
static bool verdict_run_checks(const struct facts *facts, const struct rule *rule, int64_t now,
			       check_set checks, struct verdict *out)
{
	const struct check_result *why = NULL;

	for (int i = 0; i < CHECK_COUNT; i++) {
		if (!(checks & CHECK_BIT(i)))
			continue;

		struct check_result *result = &out->results[out->result_count++];

		check_evaluate(i, facts, rule, now, result);
		if (!verdict_lets_pass(result->outcome) && verdict_says_more(result, why))
			why = result;
	}
	if (!why)
		return true;
	out->failed = why->check;
	out->refusal = why->refusal;
	snprintf(out->reason, sizeof(out->reason), "%s", why->reason);
	return false;
}

bool verdict_is_denied(const struct verdict *verdict)
{
	for (size_t i = 0; i < verdict->result_count; i++)
		if (verdict->results[i].check == CHECK_NOT_DENIED)
			return !verdict_lets_pass(verdict->results[i].outcome);
	return false;
}

static int64_t verdict_end(const struct facts *facts, check_set checks)
{
	const struct path_facts *path = &facts->path;
	int64_t end = facts->leaf.not_after;

	if (!facts->present)
		return INT64_MAX;
	if (!(checks & CHECK_BIT(CHECK_TRUST_CHAIN)))
		return end;
	if (path->not_after < end)
		end = path->not_after;
	return path->revocation.until < end ? path->revocation.until : end;
}

void policy_decide(const struct facts *facts, const struct rule *rule, int64_t now,
		   struct verdict *out)
{
	check_set checks = rule_checks(rule);

	*out = (struct verdict){ .level = rule->level };
	snprintf(out->reason, sizeof(out->reason),
		 "the rule has no level, no role, or unknown checks");
	if (!checks || checks & ~CHECK_ALL ||
	    (rule->peer != PEER_SERVER && rule->peer != PEER_CLIENT))
		return;

	checks |= CHECK_BIT(CHECK_CERTIFICATE_PRESENT);
	if (facts->denied_known)
		checks |= CHECK_BIT(CHECK_NOT_DENIED);
	bool pass = verdict_run_checks(facts, rule, now, checks, out);

	out->holds_until = verdict_end(facts, checks);
	if (facts->present) {
		verdict_note_exceptions(facts, rule, out);
		verdict_note_revocation(&facts->path.revocation, out);
		verdict_note_facts(facts, out);
	}
	if (!pass)
		return;
	out->failed = CHECK_COUNT;
	snprintf(out->reason, sizeof(out->reason), "%s", out->results[0].reason);
	out->accepted = true;
}
