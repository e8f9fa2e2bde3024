// SPDX-License-Identifier: Apache-2.0
/*
 * Under load: no signature is checked of a peer that a cheaper check refuses, and nothing is said
 * of what was not looked at. That nobody else is accepted is part of make_check().
 */
#include <string.h>

#include "policy/cache.h"
#include "tests/harness.h"
#include "tests/policy/maker.h"

#define NOT_LOOKED_AT "not looked at: a cheaper check failed and the host is under load"

static const char *const good_host[] = { "a.example" }, *const bad_host[] = { "b.example" };

FIXTURE(hurry)
{
	const struct made *ca;
	struct rule rule;
	struct verdict verdict;
	struct facts facts;
};

/* a peer, and the check that refuses it; CHECK_COUNT: none that is cheap */
FIXTURE_VARIANT(hurry)
{
	struct recipe recipe;
	enum check refuses;
	bool not_in_store, reflected, bad_name, sip;
};

FIXTURE_VARIANT_ADD(hurry, good) { .refuses = CHECK_COUNT };
FIXTURE_VARIANT_ADD(hurry, no_chain) { .recipe.bad_signature = true, .refuses = CHECK_COUNT };
FIXTURE_VARIANT_ADD(hurry, expired) { .recipe.end = MAKER_NOW - 1, .refuses = CHECK_IN_DATE };
FIXTURE_VARIANT_ADD(hurry, key) { .recipe.key_type = "P-192", .refuses = CHECK_KEY_2048 };
FIXTURE_VARIANT_ADD(hurry, small_key) { .recipe.key_type = "RSA:768", .refuses = CHECK_KEY_1024 };
FIXTURE_VARIANT_ADD(hurry, key_usage) { .recipe.key_usage = "", .refuses = CHECK_KEY_USAGE };
FIXTURE_VARIANT_ADD(hurry, purpose)
{
	.recipe.extended_key_usage = "emailProtection", .refuses = CHECK_PURPOSE
};
FIXTURE_VARIANT_ADD(hurry, critical)
{
	.recipe.unknown_critical = "1.2.3.4", .refuses = CHECK_CRITICAL_EXTENSIONS
};
FIXTURE_VARIANT_ADD(hurry, reflected) { .reflected = true, .refuses = CHECK_NOT_REFLECTED };
FIXTURE_VARIANT_ADD(hurry, not_in_store) { .not_in_store = true, .refuses = CHECK_IN_STORE };
FIXTURE_VARIANT_ADD(hurry, name) { .bad_name = true, .refuses = CHECK_REMOTE_NAME };
FIXTURE_VARIANT_ADD(hurry, sip_domain)
{
	.bad_name = true, .sip = true, .refuses = CHECK_SIP_DOMAIN
};

static void decide(FIXTURE_DATA(hurry) * self, const struct evidence *evidence)
{
	facts_release(&self->facts);
	ASSERT_OK(policy_check_chain(evidence, &self->rule, MAKER_NOW, &self->verdict,
				     &self->facts));
}

FIXTURE_SETUP(hurry)
{
	const char *const *names = variant->bad_name ? bad_host : good_host;

	self->ca = make(NULL, (struct recipe){ .name = "CA", .ca = true });
	self->rule = (struct rule){
		.level = LEVEL_HIGH_REMOTE,
		.peer = PEER_SERVER,
		.hosts = names,
		.host_count = !variant->sip,
		.sip = variant->sip,
		.sip_domains = names,
		.sip_domain_count = variant->sip,
	};
}

FIXTURE_TEARDOWN(hurry)
{
	facts_release(&self->facts);
}

/* the outcomes of a verdict whose path was skipped */
static void expect_skipped(const struct verdict *verdict, enum check refuses)
{
	EXPECT_FALSE(verdict->accepted);
	EXPECT_EQ(refuses, verdict->failed);
	EXPECT_NE(REFUSAL_UNDECIDED, verdict->refusal);
	EXPECT_STRNE(NOT_LOOKED_AT, verdict->reason);
	for (size_t i = 0; i < verdict->result_count; i++) {
		const struct check_result *result = &verdict->results[i];
		bool needs_path = result->check == CHECK_TRUST_CHAIN ||
				  result->check == CHECK_NOT_SELF_SIGNED ||
				  result->check == CHECK_PURPOSE ||
				  result->check == CHECK_CRITICAL_EXTENSIONS;

		if (result->check == refuses)
			EXPECT_EQ(OUTCOME_FAILED, result->outcome);
		else if (needs_path)
			EXPECT_EQ(OUTCOME_NOT_EVALUATED, result->outcome);
		if (result->outcome == OUTCOME_NOT_EVALUATED)
			EXPECT_STREQ(NOT_LOOKED_AT, result->reason);
	}
}

TEST_F(hurry, skips_the_path)
{
	struct recipe recipe = variant->recipe;

	recipe.name = "peer";
	recipe.names = variant->sip ? "URI:sip:a.example" : "DNS:a.example";
	const struct made *leaf = make(self->ca, recipe);
	const struct made *own = make(NULL, (struct recipe){ .name = "own" });
	struct cache *cache _cleanup_(cleanup_cache_free) = cache_new(4, 1 << 20);
	struct cache_counts counts;
	struct evidence evidence = {
		.store = make_store(self->ca, variant->not_in_store ? NULL : leaf),
		.leaf = leaf->certificate,
		.own = (const X509 *[]){ variant->reflected ? leaf->certificate :
							      own->certificate },
		.own_count = 1,
	};
	bool skipped = variant->refuses != CHECK_COUNT;

	make_check(&evidence, &self->rule, MAKER_NOW, &self->verdict, NULL);
	evidence.cache = cache;
	evidence.hurry = true;
	decide(self, &evidence);
	EXPECT_EQ(skipped, self->facts.path_skipped);
	EXPECT_EQ(skipped, self->facts.path.signatures == 0);
	if (skipped)
		expect_skipped(&self->verdict, variant->refuses);
	/* a flood of those that are refused does not drive out what is known of others */
	cache_count(cache, &counts);
	EXPECT_EQ(!skipped, counts.entries);

	/* once there is time, it is looked at; and what is known then costs nothing in a hurry */
	evidence.hurry = false;
	for (int i = 0; i < 2; i++) {
		decide(self, &evidence);
		EXPECT_FALSE(self->facts.path_skipped);
		EXPECT_LT(0, self->facts.path.signatures);
		for (size_t j = 0; j < self->verdict.result_count; j++)
			EXPECT_NE(OUTCOME_NOT_EVALUATED, self->verdict.results[j].outcome);
		evidence.hurry = true;
	}
	/* our own certificates are no part of what is known */
	evidence.own_count = 0;
	decide(self, &evidence);
	EXPECT_FALSE(self->facts.own_known || self->facts.reflected);
}

/* what nobody looked at lets nobody pass, whatever the other facts say */
TEST(hurry_not_evaluated_is_no_pass)
{
	const check_set path_checks = MAKER_CHAIN | CHECK_BIT(CHECK_NOT_SELF_SIGNED);
	const struct facts facts = {
		.present = true,
		.examined = true,
		.path_skipped = true,
		.leaf.usage = { .key_usage_present = true, .key_usage = USAGE_DIGITAL_SIGNATURE },
		.path.state = PATH_TRUSTED,
	};

	for (int i = 0; i < CHECK_COUNT; i++) {
		struct rule rule = make_rule(CHECK_BIT(i));
		struct verdict verdict;

		if (!(path_checks & CHECK_BIT(i)))
			continue;
		policy_decide(&facts, &rule, MAKER_NOW, &verdict);
		EXPECT_FALSE(verdict.accepted);
		EXPECT_EQ(i, verdict.failed);
		EXPECT_EQ(REFUSAL_UNDECIDED, verdict.refusal);
		EXPECT_STREQ(NOT_LOOKED_AT, verdict.reason);
	}
}
