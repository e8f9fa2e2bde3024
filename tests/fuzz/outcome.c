// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/outcome.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <string.h>

#include "tests/fuzz/target.h"

static bool outcome_lets_pass(const struct check_result *result)
{
	return result->outcome == OUTCOME_PASSED || result->outcome == OUTCOME_NOT_APPLICABLE;
}

/* what is written to the record can be read again */
static void outcome_require_names(const struct check_result *result)
{
	enum check check;

	REQUIRE(check_parse(check_name(result->check), &check) == 0 && check == result->check);
	REQUIRE(check_reference(result->check) && outcome_name(result->outcome));
	REQUIRE(refusal_name(result->refusal));
	REQUIRE_TEXT(result->reason);
}

/* each check that was asked for has a result, in order, and no other has one */
static void outcome_require_results(check_set checks, const struct verdict *verdict)
{
	const struct check_result *first = NULL, *result = verdict->results;

	for (enum check check = 0; check < CHECK_COUNT; check++) {
		if (!(checks & CHECK_BIT(check)))
			continue;
		REQUIRE(result < verdict->results + verdict->result_count);
		REQUIRE(result->check == check);
		REQUIRE(outcome_lets_pass(result) || result->outcome == OUTCOME_FAILED);
		outcome_require_names(result);
		if (!first && !outcome_lets_pass(result))
			first = result;
		result++;
	}
	REQUIRE(result == verdict->results + verdict->result_count);
	REQUIRE(verdict->accepted == !first);
	REQUIRE(verdict->failed == (first ? first->check : CHECK_COUNT));
	REQUIRE(!first || verdict->refusal == first->refusal);
	REQUIRE(strcmp(verdict->reason, first ? first->reason : verdict->results[0].reason) == 0);
}

static void outcome_require_facts(const struct facts *facts)
{
	REQUIRE(facts->present == facts->examined);
	REQUIRE_TEXT_OR_EMPTY(facts->leaf.serial);
	REQUIRE_TEXT_OR_EMPTY(facts->leaf.subject);
	REQUIRE_TEXT_OR_EMPTY(facts->leaf.issuer);
	REQUIRE_TEXT_OR_EMPTY(facts->leaf.usage.eku_text);
	REQUIRE_TEXT_OR_EMPTY(facts->critical.oid);
	REQUIRE_TEXT_OR_EMPTY(facts->critical.subject);
	REQUIRE_TEXT_OR_EMPTY(facts->path.fault_subject);
	REQUIRE_TEXT_OR_EMPTY(facts->path.detail);
	REQUIRE_TEXT_OR_EMPTY(facts->path.root);
	REQUIRE_TEXT_OR_EMPTY(facts->path.weakest_subject);
	REQUIRE_TEXT_OR_EMPTY(facts->path.sha1_subject);
	REQUIRE_TEXT_OR_EMPTY(facts->path.revocation.stale_issuer);
	REQUIRE_TEXT_OR_EMPTY(facts->path.revocation.staple.detail);
	REQUIRE(path_state_name(facts->path.state));
	REQUIRE(facts->path.length <= PATH_DEPTH_MAX);
	REQUIRE(!(facts->reflected && facts->own_key));
	REQUIRE(!facts->present || (facts->leaf.subject[0] && facts->leaf.issuer[0]));
}

void outcome_require_texts(const struct verdict *verdict)
{
	REQUIRE_TEXT(verdict->reason);
	REQUIRE(refusal_name(verdict->refusal) && refusal_alert(verdict->refusal));
	REQUIRE(refusal_x509_error(verdict->refusal) != X509_V_OK);
	REQUIRE(verdict->note_count <= VERDICT_NOTES_MAX);
	for (size_t i = 0; i < verdict->note_count; i++)
		REQUIRE_TEXT(verdict->notes[i]);
}

void outcome_require(int err, const struct rule *rule, int64_t now, const struct verdict *verdict,
		     const struct facts *facts)
{
	check_set checks = rule_checks(rule);

	outcome_require_texts(verdict);
	outcome_require_facts(facts);
	/* libssl takes what is left in the queue for an error of its own */
	REQUIRE(!ERR_peek_error());
	if (err) {
		REQUIRE(err == -EBADMSG || err == -E2BIG);
		REQUIRE(!verdict->accepted && !verdict->result_count && !facts->present);
		return;
	}
	REQUIRE(verdict->level == rule->level);
	if (facts->present)
		REQUIRE(facts->path.window.from <= now && now <= facts->path.window.until);
	if (!checks || checks & ~CHECK_ALL ||
	    (rule->peer != PEER_SERVER && rule->peer != PEER_CLIENT)) {
		REQUIRE(!verdict->accepted && !verdict->result_count);
		return;
	}
	checks |= CHECK_BIT(CHECK_CERTIFICATE_PRESENT);
	outcome_require_results(checks, verdict);
	if (verdict->accepted && checks & CHECK_BIT(CHECK_IN_DATE))
		REQUIRE(verdict->holds_until >= now);
	if (verdict->accepted && !facts->present)
		REQUIRE(rule->ask != ASK_REQUIRE && verdict->holds_until == INT64_MAX);
}
