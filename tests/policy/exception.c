// SPDX-License-Identifier: Apache-2.0
/*
 * The options of a rule: off by default, each does one thing, and its use is in the record.
 */
#include <string.h>

#include "policy/purpose.h"
#include "tests/harness.h"
#include "tests/policy/maker.h"

static struct verdict check_purpose(struct recipe recipe, enum peer_role peer, bool sip,
				    uint32_t options)
{
	const struct made *leaf = make(NULL, recipe);
	struct rule rule = make_rule(CHECK_BIT(CHECK_PURPOSE) | CHECK_BIT(CHECK_KEY_USAGE));

	rule.peer = peer;
	rule.sip = sip;
	rule.options = options;
	return make_verdict(NULL, leaf, NULL, &rule);
}

static bool notes(const struct verdict *verdict, const char *note)
{
	for (size_t i = 0; i < verdict->note_count; i++) {
		if (strcmp(verdict->notes[i], note) == 0)
			return true;
	}
	return false;
}

TEST(exception_server_auth_client)
{
	static const char note[] = "exception used: accept-server-auth-client";
	struct recipe recipe = { .name = "peer", .extended_key_usage = "serverAuth" };
	struct verdict verdict;

	verdict = check_purpose(recipe, PEER_CLIENT, false, 0);
	EXPECT_FALSE(verdict.accepted);
	EXPECT_EQ(REFUSAL_UNSUPPORTED, verdict.refusal);
	EXPECT_FALSE(notes(&verdict, note));

	verdict = check_purpose(recipe, PEER_CLIENT, false, RULE_ACCEPT_SERVER_AUTH_CLIENT);
	EXPECT_TRUE(verdict.accepted);
	EXPECT_TRUE(notes(&verdict, note));

	/* not used: it is not named */
	recipe.extended_key_usage = "serverAuth,clientAuth";
	verdict = check_purpose(recipe, PEER_CLIENT, false, RULE_ACCEPT_SERVER_AUTH_CLIENT);
	EXPECT_TRUE(verdict.accepted);
	EXPECT_FALSE(notes(&verdict, note));

	/* it does nothing else */
	recipe.extended_key_usage = "emailProtection";
	verdict = check_purpose(recipe, PEER_CLIENT, false, RULE_ACCEPT_SERVER_AUTH_CLIENT);
	EXPECT_FALSE(verdict.accepted);
	recipe.extended_key_usage = "clientAuth";
	verdict = check_purpose(recipe, PEER_SERVER, false, RULE_ACCEPT_SERVER_AUTH_CLIENT);
	EXPECT_FALSE(verdict.accepted);
}

TEST(exception_missing_key_usage)
{
	static const char note[] = "exception used: accept-missing-key-usage";
	struct recipe recipe = { .name = "peer", .key_usage = "" };
	struct verdict verdict;

	verdict = check_purpose(recipe, PEER_SERVER, false, 0);
	EXPECT_FALSE(verdict.accepted);
	EXPECT_EQ(CHECK_KEY_USAGE, verdict.failed);
	verdict = check_purpose(recipe, PEER_SERVER, false, RULE_ACCEPT_MISSING_KEY_USAGE);
	EXPECT_TRUE(verdict.accepted);
	EXPECT_TRUE(notes(&verdict, note));

	/* a key usage that allows nothing is not a missing one */
	struct facts facts = { .present = true, .examined = true };
	struct rule rule = make_rule(CHECK_BIT(CHECK_KEY_USAGE));

	facts.leaf.usage.key_usage_present = true;
	rule.options = RULE_ACCEPT_MISSING_KEY_USAGE;
	policy_decide(&facts, &rule, MAKER_NOW, &verdict);
	EXPECT_FALSE(verdict.accepted);
	EXPECT_FALSE(notes(&verdict, note));
}

FIXTURE(exception_purpose)
{
	int unused;
};

/* what an extended key usage allows: letters of those that are accepted */
FIXTURE_VARIANT(exception_purpose)
{
	const char *extended_key_usage;
	/* s/c: server/client; S/C: the same on a SIP line; strict: with strict-purpose */
	const char *accepted, *accepted_strict;
};

FIXTURE_VARIANT_ADD(exception_purpose, absent) { NULL, "scSC", "scSC" };
FIXTURE_VARIANT_ADD(exception_purpose, server) { "serverAuth", "sS", "s" };
FIXTURE_VARIANT_ADD(exception_purpose, client) { "clientAuth", "cC", "c" };
FIXTURE_VARIANT_ADD(exception_purpose, both) { "serverAuth,clientAuth", "scSC", "sc" };
FIXTURE_VARIANT_ADD(exception_purpose, sip) { "1.3.6.1.5.5.7.3.20", "SC", "SC" };
FIXTURE_VARIANT_ADD(exception_purpose, any) { "anyExtendedKeyUsage", "scSC", "" };
FIXTURE_VARIANT_ADD(exception_purpose, email) { "emailProtection", "", "" };
FIXTURE_VARIANT_ADD(exception_purpose, netscape_gated) { "nsSGC", "", "" };
FIXTURE_VARIANT_ADD(exception_purpose, microsoft_gated) { "msSGC", "", "" };
FIXTURE_VARIANT_ADD(exception_purpose, unknown) { "1.2.3.4,1.2.3.5", "", "" };

FIXTURE_SETUP(exception_purpose)
{
}

FIXTURE_TEARDOWN(exception_purpose)
{
}

TEST_F(exception_purpose, table)
{
	struct recipe recipe = {
		.name = "peer",
		.extended_key_usage = variant->extended_key_usage,
	};

	for (int i = 0; i < 8; i++) {
		bool client = i & 1, sip = i & 2, strict = i & 4;
		char letter = "scSC"[i & 3];
		struct verdict verdict = check_purpose(recipe, client ? PEER_CLIENT : PEER_SERVER,
						       sip, strict ? RULE_STRICT_PURPOSE : 0);
		bool wanted = strchr(strict ? variant->accepted_strict : variant->accepted, letter);

		EXPECT_EQ(wanted, verdict.accepted) {
			TH_LOG("%c%s: %s", letter, strict ? " strict" : "", verdict.reason);
		}
	}
}

FIXTURE(exception_key_usage)
{
	int unused;
};

FIXTURE_VARIANT(exception_key_usage)
{
	const char *key_usage;
	bool server, client;
	size_t notes; /* without digitalSignature: a warning, no refusal */
};

FIXTURE_VARIANT_ADD(exception_key_usage, sign) { "digitalSignature", true, true, 0 };
FIXTURE_VARIANT_ADD(exception_key_usage, encipher) { "keyEncipherment", true, false, 1 };
FIXTURE_VARIANT_ADD(exception_key_usage, agree) { "keyAgreement", true, true, 1 };
FIXTURE_VARIANT_ADD(exception_key_usage, crl) { "cRLSign", false, false, 1 };
FIXTURE_VARIANT_ADD(exception_key_usage, cert) { "keyCertSign", false, false, 1 };
FIXTURE_VARIANT_ADD(exception_key_usage, decipher_only) { "decipherOnly", false, false, 1 };
FIXTURE_VARIANT_ADD(exception_key_usage, non_repudiation) { "nonRepudiation", false, false, 1 };

FIXTURE_SETUP(exception_key_usage)
{
}

FIXTURE_TEARDOWN(exception_key_usage)
{
}

TEST_F(exception_key_usage, table)
{
	struct recipe recipe = { .name = "peer", .key_usage = variant->key_usage };
	struct verdict verdict;

	verdict = check_purpose(recipe, PEER_SERVER, false, 0);
	EXPECT_EQ(variant->server, verdict.accepted) { TH_LOG("%s", verdict.reason); }
	EXPECT_EQ(variant->notes, verdict.note_count);
	verdict = check_purpose(recipe, PEER_CLIENT, false, 0);
	EXPECT_EQ(variant->client, verdict.accepted) { TH_LOG("%s", verdict.reason); }
}

TEST(exception_option_names)
{
	for (uint32_t i = 0; i < RULE_OPTION_COUNT; i++) {
		uint32_t option = 0;

		ASSERT_NOT_NULL(rule_option_name(1U << i));
		EXPECT_OK(rule_option_parse(rule_option_name(1U << i), &option));
		EXPECT_EQ(1U << i, option);
	}
	EXPECT_NULL(rule_option_name(0));
	EXPECT_NULL(rule_option_name(3));
	EXPECT_NULL(rule_option_name(1U << RULE_OPTION_COUNT));
}
