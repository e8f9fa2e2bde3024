// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/cached.h"

#include <openssl/err.h>
#include <string.h>

#include "policy/bundle.h"
#include "policy/cache.h"
#include "policy/cleanup.h"
#include "tests/fuzz/status.h"
#include "tests/fuzz/target.h"

enum { CACHED_ENTRIES = 4, CACHED_BYTES = 64 * 1024, CACHED_RULES = 8 };

static void cached_require_same(const struct verdict *a, const struct verdict *b)
{
	REQUIRE(a->accepted == b->accepted && a->refusal == b->refusal);
	REQUIRE(a->failed == b->failed && a->holds_until == b->holds_until);
	REQUIRE(strcmp(a->reason, b->reason) == 0);
	REQUIRE(a->result_count == b->result_count && a->note_count == b->note_count);
	for (size_t i = 0; i < a->result_count; i++) {
		REQUIRE(a->results[i].outcome == b->results[i].outcome);
		REQUIRE(strcmp(a->results[i].reason, b->results[i].reason) == 0);
	}
	for (size_t i = 0; i < a->note_count; i++)
		REQUIRE(strcmp(a->notes[i], b->notes[i]) == 0);
}

/* a hurry accepts nobody else, and says nothing else, but for what it did not look at */
static void cached_require_hurry(const struct evidence *evidence, const struct rule *rule,
				 int64_t now, const struct verdict *calm)
{
	struct evidence hurry = *evidence;
	struct verdict hurried;

	hurry.hurry = true;
	REQUIRE(policy_check_chain(&hurry, rule, now, &hurried, NULL) == 0);
	REQUIRE(hurried.accepted == calm->accepted);
	REQUIRE(hurried.result_count == calm->result_count);
	for (size_t i = 0; i < calm->result_count; i++) {
		if (hurried.results[i].outcome == OUTCOME_NOT_EVALUATED)
			continue;
		REQUIRE(hurried.results[i].outcome == calm->results[i].outcome);
		REQUIRE(strcmp(hurried.results[i].reason, calm->results[i].reason) == 0);
	}
	REQUIRE(hurried.accepted || !hurried.result_count ||
		hurried.refusal != REFUSAL_UNDECIDED);
}

/* with the cache first, so that it may answer out of what an earlier rule left there */
static void cached_require_rule(const struct evidence *evidence, struct cache *cache,
				const struct rule *rule, int64_t now)
{
	struct evidence with = *evidence;
	struct verdict cached, fresh;

	with.cache = cache;
	for (int i = 0; i < 2; i++) {
		REQUIRE(policy_check_chain(&with, rule, now, &cached, NULL) == 0);
		REQUIRE(policy_check_chain(evidence, rule, now, &fresh, NULL) == 0);
		cached_require_same(&cached, &fresh);
		cached_require_hurry(i ? &with : evidence, rule, now, &fresh);
	}
}

/* a rule that differs from the given one in what guides the search, or in the time */
static void cached_vary(int number, struct rule *rule, int64_t *now)
{
	switch (number) {
	case 1:
		rule->peer = rule->peer == PEER_SERVER ? PEER_CLIENT : PEER_SERVER;
		break;
	case 2:
		rule->sip = !rule->sip;
		break;
	case 3:
		rule->crl = (rule->crl + 1) % CRL_COUNT;
		break;
	case 4:
		rule->options ^= RULE_STRICT_PURPOSE;
		break;
	case 5:
		rule->checks = rule_checks(rule) ^ CHECK_BIT(CHECK_PURPOSE);
		break;
	case 6:
		rule->checks = rule_checks(rule) ^ CHECK_BIT(CHECK_TRUST_CHAIN);
		break;
	case 7:
		*now = FIXED_NOW + 2 * STATUS_DAY;
		break;
	}
}

void cached_require(const struct chain *chain)
{
	struct cache *cache _cleanup_(cleanup_cache_free) = cache_new(CACHED_ENTRIES, CACHED_BYTES);
	struct bundle bundle _cleanup_(bundle_release) = { 0 };

	REQUIRE(cache);
	if (bundle_parse(chain->bytes.chain, chain->bytes.chain_len, POLICY_CHAIN_CERTIFICATES_MAX,
			 &bundle, NULL, 0) != 0)
		return;

	const struct evidence evidence = {
		.store = chain->store,
		.leaf = sk_X509_value(bundle.certificates, 0),
		.untrusted = bundle.certificates,
		.staple = chain->bytes.staple,
	};

	for (int i = 0; i < CACHED_RULES; i++) {
		struct rule rule = chain->rule;
		int64_t now = chain->now;

		cached_vary(i, &rule, &now);
		cached_require_rule(&evidence, cache, &rule, now);
	}
	ERR_clear_error();
}
