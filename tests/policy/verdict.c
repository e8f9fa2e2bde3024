// SPDX-License-Identifier: Apache-2.0
/*
 * The decision without certificates: facts in, verdict out. The table of what each level asks is
 * written out here again, on purpose: it is the contract, not what level.c happens to say.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "policy/verdict.h"
#include "tests/harness.h"

#define NOW INT64_C(1780272000)

#define NONE "certificate-present in-date"
#define LOW NONE " key-1024"
#define MEDIUM LOW " trust-chain key-usage purpose critical-extensions"
#define MEDIUM_OLD LOW " trust-chain"
#define HIGH_ONLY " key-2048 not-self-signed not-reflected in-store"
#define REMOTE " remote-name sip-domain"

static const char *const host_names[] = { "pbx.example.com" };
static const char *const sip_domains[] = { "example.net", "example.com" };

/* a certificate with which nothing is wrong */
static void good_facts(struct facts *facts)
{
	static const struct san_entry names[] = {
		{ SAN_DNS, (const uint8_t *)"pbx.example.com", 15 },
		{ SAN_URI, (const uint8_t *)"sip:example.net", 15 },
	};

	*facts = (struct facts){
		.present = true,
		.examined = true,
		.leaf = {
			.not_before = NOW - 100,
			.not_after = NOW + 100,
			.times_valid = true,
			.key = { KEY_RSA, 2048, 2048 },
			.usage = {
				.key_usage_present = true,
				.eku_present = true,
				.key_usage = USAGE_DIGITAL_SIGNATURE,
				.eku = EKU_SERVER_AUTH | EKU_CLIENT_AUTH,
				.eku_text = "serverAuth, clientAuth",
			},
			.subject = "CN=pbx.example.com",
			.issuer = "CN=CA",
		},
		.san = { .present = true, .entries = (struct san_entry *)names, .count = 2 },
		.path = {
			.state = PATH_TRUSTED,
			.length = 3,
			.root = "CN=Root",
			.root_self_signed = true,
			.not_after = NOW + 50,
			.weakest = { KEY_RSA, 2048, 2048 },
			.revocation.until = INT64_MAX,
		},
		.in_store = true,
		.own_known = true,
	};
}

static struct rule good_rule(enum level level, enum peer_role peer)
{
	return (struct rule){
		.level = level,
		.peer = peer,
		.hosts = host_names,
		.host_count = 1,
		.sip = true,
		.sip_domains = sip_domains,
		.sip_domain_count = 2,
	};
}

static void break_present(struct facts *facts)
{
	*facts = (struct facts){ 0 };
}

static void break_in_date(struct facts *facts)
{
	facts->leaf.not_after = NOW - 1;
}

static void break_not_yet(struct facts *facts)
{
	facts->leaf.not_before = NOW + 1;
}

static void break_times(struct facts *facts)
{
	facts->leaf.times_valid = false;
}

static void break_key_1024(struct facts *facts)
{
	facts->leaf.key = (struct key_facts){ KEY_RSA, 1023, 1023 };
}

static void break_key_unknown(struct facts *facts)
{
	facts->leaf.key = (struct key_facts){ 0 };
}

static void break_trust_chain(struct facts *facts)
{
	facts->path.state = PATH_NO_ISSUER;
}

static void break_path_not_built(struct facts *facts)
{
	facts->path = (struct path_facts){ 0 };
}

static void break_key_usage(struct facts *facts)
{
	facts->leaf.usage.key_usage_present = false;
	facts->leaf.usage.key_usage = 0;
}

static void break_purpose(struct facts *facts)
{
	facts->leaf.usage.eku = EKU_OTHER;
}

static void break_purpose_key_usage(struct facts *facts)
{
	facts->leaf.usage.key_usage = USAGE_CRL_SIGN;
}

static void break_critical(struct facts *facts)
{
	facts->critical.found = true;
}

static void break_key_2048(struct facts *facts)
{
	facts->leaf.key = (struct key_facts){ KEY_EC, 192, 1536 };
}

static void break_self_signed(struct facts *facts)
{
	facts->leaf.self_signed = true;
}

static void break_reflected(struct facts *facts)
{
	facts->reflected = true;
}

static void break_in_store(struct facts *facts)
{
	facts->in_store = false;
}

static void break_remote_name(struct facts *facts)
{
	facts->san.entries++;
	facts->san.count--;
}

static void break_sip_domain(struct facts *facts)
{
	facts->san.count--;
}

static void break_denied(struct facts *facts)
{
	facts->denied_known = facts->denied = true;
}

static void break_san(struct facts *facts)
{
	facts->san.malformed = true;
}

/* each breaks one check, and the first that it breaks is named; two of them break a pair */
static const struct {
	const char *check;
	void (*break_it)(struct facts *facts);
	enum refusal refusal;
	const char *also;
} breaks[] = {
	{ "certificate-present", break_present, REFUSAL_NO_CERTIFICATE, "" },
	{ "in-date", break_in_date, REFUSAL_EXPIRED, "" },
	{ "in-date", break_not_yet, REFUSAL_EXPIRED, "" },
	{ "in-date", break_times, REFUSAL_BAD_CERTIFICATE, "" },
	{ "key-1024", break_key_1024, REFUSAL_BAD_CERTIFICATE, "key-2048" },
	{ "key-1024", break_key_unknown, REFUSAL_BAD_CERTIFICATE, "key-2048" },
	{ "trust-chain", break_trust_chain, REFUSAL_UNKNOWN_CA, "" },
	{ "trust-chain", break_path_not_built, REFUSAL_UNKNOWN_CA, "" },
	{ "key-usage", break_key_usage, REFUSAL_UNSUPPORTED, "" },
	{ "purpose", break_purpose, REFUSAL_UNSUPPORTED, "" },
	{ "purpose", break_purpose_key_usage, REFUSAL_UNSUPPORTED, "" },
	{ "critical-extensions", break_critical, REFUSAL_UNSUPPORTED, "" },
	{ "key-2048", break_key_2048, REFUSAL_BAD_CERTIFICATE, "" },
	{ "not-self-signed", break_self_signed, REFUSAL_NOT_ALLOWED, "" },
	{ "not-denied", break_denied, REFUSAL_REVOKED, "" },
	{ "not-reflected", break_reflected, REFUSAL_NOT_ALLOWED, "" },
	{ "in-store", break_in_store, REFUSAL_NOT_ALLOWED, "" },
	{ "remote-name", break_remote_name, REFUSAL_NAME, "" },
	{ "sip-domain", break_sip_domain, REFUSAL_NAME, "" },
	{ "remote-name", break_san, REFUSAL_NAME, "sip-domain" },
};

/* whether a list of names holds one */
static bool lists(const char *list, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = list; len && (at = strstr(at, name)); at += len) {
		if ((at == list || at[-1] == ' ') && (at[len] == ' ' || !at[len]))
			return true;
	}
	return false;
}

static void expect_complete(const struct verdict *verdict, const char *checks)
{
	size_t count = 0;

	for (int i = 0; i < CHECK_COUNT; i++)
		count += lists(checks, check_name(i));
	EXPECT_EQ(count, verdict->result_count);
	for (size_t i = 0; i < verdict->result_count; i++) {
		const struct check_result *result = &verdict->results[i];

		EXPECT_TRUE(lists(checks, check_name(result->check)));
		EXPECT_NE(OUTCOME_NOT_EVALUATED, result->outcome);
		EXPECT_LT(0, strlen(result->reason));
		if (i)
			EXPECT_LT(verdict->results[i - 1].check, result->check);
	}
	EXPECT_LT(0, strlen(verdict->reason));
}

/* every break at this level: refused exactly when the level asks the check */
static void expect_table(enum level level, enum peer_role peer, uint32_t options,
			 const char *checks)
{
	struct rule rule = good_rule(level, peer);

	rule.options = options;
	for (size_t i = 0; i < sizeof(breaks) / sizeof(breaks[0]); i++) {
		bool asked = lists(checks, breaks[i].check), also = lists(checks, breaks[i].also);
		struct verdict verdict;
		struct facts facts;

		good_facts(&facts);
		breaks[i].break_it(&facts);
		if (facts.denied_known) /* no level's: tests/policy/denied.c */
			continue;
		policy_decide(&facts, &rule, NOW, &verdict);
		expect_complete(&verdict, checks);
		EXPECT_EQ(!asked && !also, verdict.accepted) {
			TH_LOG("%s without %s: %s", level_name(level), breaks[i].check,
			       verdict.reason);
		}
		if (asked) {
			EXPECT_STREQ(breaks[i].check, check_name(verdict.failed));
			EXPECT_EQ(breaks[i].refusal, verdict.refusal);
		}
		for (size_t j = 0; j < verdict.result_count; j++) {
			const char *name = check_name(verdict.results[j].check);
			bool broken = lists(breaks[i].check, name) || lists(breaks[i].also, name);

			if (broken)
				EXPECT_EQ(OUTCOME_FAILED, verdict.results[j].outcome);
			else if (facts.present)
				EXPECT_EQ(OUTCOME_PASSED, verdict.results[j].outcome) {
					TH_LOG("%s: %s", name, verdict.results[j].reason);
				}
		}
	}
}

FIXTURE(verdict)
{
	int unused;
};

FIXTURE_VARIANT(verdict)
{
	enum level level;
	const char *checks, *checks_before_r11_1_3;
};

FIXTURE_VARIANT_ADD(verdict, none) { LEVEL_NONE, NONE, NONE };
FIXTURE_VARIANT_ADD(verdict, low) { LEVEL_LOW, LOW, LOW };
FIXTURE_VARIANT_ADD(verdict, medium) { LEVEL_MEDIUM, MEDIUM, MEDIUM_OLD };
FIXTURE_VARIANT_ADD(verdict, high) { LEVEL_HIGH, MEDIUM HIGH_ONLY, MEDIUM_OLD HIGH_ONLY };
FIXTURE_VARIANT_ADD(verdict, medium_remote)
{
	LEVEL_MEDIUM_REMOTE, MEDIUM REMOTE, MEDIUM_OLD REMOTE
};
FIXTURE_VARIANT_ADD(verdict, high_remote)
{
	LEVEL_HIGH_REMOTE, MEDIUM HIGH_ONLY REMOTE, MEDIUM_OLD HIGH_ONLY REMOTE
};

FIXTURE_SETUP(verdict)
{
}

FIXTURE_TEARDOWN(verdict)
{
}

TEST_F(verdict, accepts_the_good)
{
	for (int peer = PEER_SERVER; peer <= PEER_CLIENT; peer++) {
		struct rule rule = good_rule(variant->level, peer);
		struct verdict verdict;
		struct facts facts;

		good_facts(&facts);
		policy_decide(&facts, &rule, NOW, &verdict);
		EXPECT_TRUE(verdict.accepted) { TH_LOG("%s", verdict.reason); }
		EXPECT_EQ(CHECK_COUNT, verdict.failed);
		EXPECT_EQ(0, verdict.note_count) { TH_LOG("%s", verdict.notes[0]); }
		expect_complete(&verdict, variant->checks);
	}
}

TEST_F(verdict, table)
{
	expect_table(variant->level, PEER_SERVER, 0, variant->checks);
	expect_table(variant->level, PEER_CLIENT, 0, variant->checks);
}

TEST_F(verdict, table_before_r11_1_3)
{
	expect_table(variant->level, PEER_SERVER, RULE_BEFORE_R11_1_3,
		     variant->checks_before_r11_1_3);
	expect_table(variant->level, PEER_CLIENT, RULE_BEFORE_R11_1_3,
		     variant->checks_before_r11_1_3);
}

/* the old meaning is in force: the record says so, where it differs */
TEST_F(verdict, note_before_r11_1_3)
{
	struct rule rule = good_rule(variant->level, PEER_SERVER);
	struct verdict verdict;
	struct facts facts;

	rule.options = RULE_BEFORE_R11_1_3;
	good_facts(&facts);
	policy_decide(&facts, &rule, NOW, &verdict);
	EXPECT_TRUE(verdict.accepted);
	EXPECT_EQ(variant->level >= LEVEL_MEDIUM, verdict.note_count);
}

/* no check is without a break, and asked alone each refuses its own breaks and no other */
TEST(verdict_each_check_alone)
{
	struct verdict verdict;
	struct facts facts;

	for (int check = 0; check < CHECK_COUNT; check++) {
		struct rule rule = good_rule(LEVEL_UNSET, PEER_CLIENT);
		const char *name = check_name(check);
		unsigned int broken = 0;

		rule.checks = CHECK_BIT(check);
		good_facts(&facts);
		policy_decide(&facts, &rule, NOW, &verdict);
		EXPECT_TRUE(verdict.accepted) { TH_LOG("%s", name); }
		for (size_t i = 0; i < sizeof(breaks) / sizeof(breaks[0]); i++) {
			bool breaks_it = strcmp(breaks[i].check, name) == 0 ||
					 strcmp(breaks[i].also, name) == 0;

			good_facts(&facts);
			breaks[i].break_it(&facts);
			policy_decide(&facts, &rule, NOW, &verdict);
			broken += breaks_it;
			/* whatever is asked: refused without a certificate, and one on the list */
			EXPECT_EQ(facts.present && !facts.denied && !breaks_it, verdict.accepted) {
				TH_LOG("%s without %s", name, breaks[i].check);
			}
			if (breaks_it)
				EXPECT_EQ(check, verdict.failed);
		}
		EXPECT_LT(0, broken) { TH_LOG("%s", name); }
	}
}

/* a check that is not told anything does not pass */
TEST(verdict_no_check_passes_by_default)
{
	struct facts facts = { .present = true };
	struct rule rule = { .peer = PEER_SERVER, .sip = true };
	struct check_result result;
	struct verdict verdict;

	for (int i = 0; i < CHECK_COUNT; i++) {
		check_evaluate(i, &facts, &rule, NOW, &result);
		EXPECT_EQ(OUTCOME_FAILED, result.outcome) { TH_LOG("%s", check_name(i)); }
	}
	facts.present = false;
	for (int i = 0; i < CHECK_COUNT; i++) {
		check_evaluate(i, &facts, &rule, NOW, &result);
		EXPECT_NE(OUTCOME_PASSED, result.outcome) { TH_LOG("%s", check_name(i)); }
		policy_decide(&facts, &rule, NOW, &verdict);
		EXPECT_FALSE(verdict.accepted);
		rule.checks = CHECK_BIT(i);
		policy_decide(&facts, &rule, NOW, &verdict);
		EXPECT_FALSE(verdict.accepted);
	}
	check_evaluate(CHECK_COUNT, &facts, &rule, NOW, &result);
	EXPECT_EQ(OUTCOME_FAILED, result.outcome);
	check_evaluate(-1, &facts, &rule, NOW, &result);
	EXPECT_EQ(OUTCOME_FAILED, result.outcome);
}

TEST(verdict_undecided_is_refused)
{
	struct verdict verdict = { 0 };
	struct facts facts;
	struct rule rules[] = {
		{ 0 },
		{ .level = LEVEL_UNSET, .peer = PEER_SERVER },
		{ .level = LEVEL_NONE },
		{ .level = LEVEL_NONE, .peer = 3 },
		{ .level = LEVEL_COUNT, .peer = PEER_SERVER },
		{ .level = LEVEL_NONE, .peer = PEER_SERVER, .checks = CHECK_BIT(CHECK_COUNT) },
		{ .level = LEVEL_NONE, .ask = ASK_NONE },
	};

	EXPECT_FALSE(verdict.accepted);
	good_facts(&facts);
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		verdict.accepted = true;
		policy_decide(&facts, &rules[i], NOW, &verdict);
		EXPECT_FALSE(verdict.accepted);
		EXPECT_EQ(REFUSAL_UNDECIDED, verdict.refusal);
		EXPECT_NE(0, rule_validate(&rules[i]));
	}
}

FIXTURE(verdict_absent)
{
	int unused;
};

FIXTURE_VARIANT(verdict_absent)
{
	enum certificate_ask ask;
	bool accepted;
};

FIXTURE_VARIANT_ADD(verdict_absent, required) { ASK_REQUIRE, false };
FIXTURE_VARIANT_ADD(verdict_absent, requested) { ASK_REQUEST, true };
FIXTURE_VARIANT_ADD(verdict_absent, not_asked) { ASK_NONE, true };

FIXTURE_SETUP(verdict_absent)
{
}

FIXTURE_TEARDOWN(verdict_absent)
{
}

TEST_F(verdict_absent, at_every_level)
{
	for (int level = LEVEL_NONE; level < LEVEL_COUNT; level++) {
		struct rule rule = good_rule(level, PEER_CLIENT);
		struct facts facts = { 0 };
		struct verdict verdict;

		rule.ask = variant->ask;
		policy_decide(&facts, &rule, NOW, &verdict);
		EXPECT_EQ(variant->accepted, verdict.accepted);
		for (size_t i = 1; i < verdict.result_count; i++) {
			EXPECT_EQ(OUTCOME_NOT_APPLICABLE, verdict.results[i].outcome);
			EXPECT_STREQ("no certificate was received", verdict.results[i].reason);
		}
		if (!variant->accepted)
			EXPECT_EQ(REFUSAL_NO_CERTIFICATE, verdict.refusal);
		else
			EXPECT_EQ(INT64_MAX, verdict.holds_until);
	}
}

/* a certificate that was only requested, or not asked for, is checked like any other */
TEST_F(verdict_absent, presented_all_the_same)
{
	struct rule rule = good_rule(LEVEL_MEDIUM, PEER_CLIENT);
	struct verdict verdict;
	struct facts facts;

	rule.ask = variant->ask;
	good_facts(&facts);
	break_trust_chain(&facts);
	policy_decide(&facts, &rule, NOW, &verdict);
	EXPECT_FALSE(verdict.accepted);
}

TEST(verdict_dates_are_inclusive)
{
	struct rule rule = good_rule(LEVEL_NONE, PEER_SERVER);
	struct verdict verdict;
	struct facts facts;

	good_facts(&facts);
	policy_decide(&facts, &rule, facts.leaf.not_before, &verdict);
	EXPECT_TRUE(verdict.accepted);
	policy_decide(&facts, &rule, facts.leaf.not_after, &verdict);
	EXPECT_TRUE(verdict.accepted);
	EXPECT_EQ(facts.leaf.not_after, verdict.holds_until);
	policy_decide(&facts, &rule, facts.leaf.not_before - 1, &verdict);
	EXPECT_FALSE(verdict.accepted);
	EXPECT_STREQ("not valid before 2026-05-31T23:58:20Z", verdict.reason);
	policy_decide(&facts, &rule, facts.leaf.not_after + 1, &verdict);
	EXPECT_FALSE(verdict.accepted);
	EXPECT_STREQ("expired after 2026-06-01T00:01:40Z", verdict.reason);
}

/* the chain's end counts only where the chain does */
TEST(verdict_holds_until)
{
	struct verdict verdict;
	struct facts facts;

	good_facts(&facts);
	for (int level = LEVEL_NONE; level < LEVEL_COUNT; level++) {
		struct rule rule = good_rule(level, PEER_SERVER);

		policy_decide(&facts, &rule, NOW, &verdict);
		EXPECT_EQ(level >= LEVEL_MEDIUM ? NOW + 50 : NOW + 100, verdict.holds_until);
	}

	/* and so does the end of what proves that nothing was revoked */
	facts.path.revocation.until = NOW + 20;
	for (int level = LEVEL_NONE; level < LEVEL_COUNT; level++) {
		struct rule rule = good_rule(level, PEER_SERVER);

		policy_decide(&facts, &rule, NOW, &verdict);
		EXPECT_EQ(level >= LEVEL_MEDIUM ? NOW + 20 : NOW + 100, verdict.holds_until);
	}
}

TEST(verdict_reasons_name_what_was_found)
{
	struct rule rule = good_rule(LEVEL_LOW, PEER_CLIENT);
	struct verdict verdict;
	struct facts facts;

	good_facts(&facts);
	facts.leaf.key = (struct key_facts){ KEY_RSA, 512, 512 };
	policy_decide(&facts, &rule, NOW, &verdict);
	EXPECT_STREQ("RSA 512 bits, 1024 needed", verdict.reason);

	rule.level = LEVEL_MEDIUM;
	good_facts(&facts);
	break_key_usage(&facts);
	policy_decide(&facts, &rule, NOW, &verdict);
	EXPECT_STREQ("no key usage extension; some telephony peers issue certificates without one",
		     verdict.reason);

	good_facts(&facts);
	facts.leaf.usage.eku = EKU_SERVER_AUTH;
	strcpy(facts.leaf.usage.eku_text, "serverAuth");
	policy_decide(&facts, &rule, NOW, &verdict);
	EXPECT_STREQ("used as client, clientAuth or sipDomain needed; extended key usage is "
		     "serverAuth",
		     verdict.reason);
}

/* of a server only the line's own domain counts, of a client any that is allowed */
TEST(verdict_sip_domains)
{
	static const char *const domains[] = { "example.com", "example.net" };
	struct verdict verdict;
	struct facts facts;

	good_facts(&facts);
	for (int peer = PEER_SERVER; peer <= PEER_CLIENT; peer++) {
		struct rule rule = good_rule(LEVEL_MEDIUM_REMOTE, peer);

		rule.sip_domains = domains;
		policy_decide(&facts, &rule, NOW, &verdict);
		EXPECT_EQ(peer == PEER_CLIENT, verdict.accepted) { TH_LOG("%s", verdict.reason); }
	}
}

/* a SIP line needs no host name; any other line's remote check fails without one */
TEST(verdict_without_host_names)
{
	struct rule rule = good_rule(LEVEL_MEDIUM_REMOTE, PEER_CLIENT);
	struct verdict verdict;
	struct facts facts;

	good_facts(&facts);
	rule.host_count = 0;
	EXPECT_OK(rule_validate(&rule));
	policy_decide(&facts, &rule, NOW, &verdict);
	EXPECT_TRUE(verdict.accepted);
	rule.sip = false;
	rule.sip_domain_count = 0;
	EXPECT_EQ(-ENODATA, rule_validate(&rule));
	policy_decide(&facts, &rule, NOW, &verdict);
	EXPECT_FALSE(verdict.accepted);
	EXPECT_EQ(CHECK_REMOTE_NAME, verdict.failed);
	rule.sip = true;
	EXPECT_EQ(-ENODATA, rule_validate(&rule));
	policy_decide(&facts, &rule, NOW, &verdict);
	EXPECT_FALSE(verdict.accepted);
	EXPECT_EQ(CHECK_SIP_DOMAIN, verdict.failed);
}

/* every check runs though the first failed */
TEST(verdict_everything_wrong)
{
	struct rule rule = good_rule(LEVEL_HIGH_REMOTE, PEER_SERVER);
	struct verdict verdict;
	struct facts facts;

	good_facts(&facts);
	for (size_t i = 1; i < sizeof(breaks) / sizeof(breaks[0]); i++) {
		if (breaks[i].break_it != break_key_2048 && breaks[i].break_it != break_san)
			breaks[i].break_it(&facts);
	}
	policy_decide(&facts, &rule, NOW, &verdict);
	EXPECT_FALSE(verdict.accepted);
	EXPECT_EQ(CHECK_NOT_DENIED, verdict.failed);
	ASSERT_EQ(CHECK_COUNT, verdict.result_count);
	for (size_t i = 1; i < verdict.result_count; i++)
		EXPECT_EQ(OUTCOME_FAILED, verdict.results[i].outcome);
}
