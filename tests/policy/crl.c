// SPDX-License-Identifier: Apache-2.0
/* Revocation lists of the store: what revokes, what proves that nothing was, what does neither. */
#include <errno.h>
#include <string.h>

#include "tests/harness.h"
#include "tests/policy/maker.h"

static const struct recipe root_recipe = { .name = "Root", .ca = true };
static const struct recipe ca_recipe = { .name = "CA", .ca = true };
static const struct recipe leaf_recipe = { .name = "leaf" };

FIXTURE(crl)
{
	const struct made *root, *ca, *leaf;
	struct store *store;
	STACK_OF(X509) *stack;
	struct verdict verdict;
};

FIXTURE_SETUP(crl)
{
	self->root = make(NULL, root_recipe);
	self->ca = make(self->root, ca_recipe);
	self->leaf = make(self->ca, leaf_recipe);
	self->store = make_store(self->root);
	self->stack = make_stack(self->ca);
}

FIXTURE_TEARDOWN(crl)
{
}

#define crl_accepts(setting) crl_accepts_at(self, setting, LEVEL_MEDIUM)

static bool crl_accepts_at(FIXTURE_DATA(crl) * self, enum rule_crl setting, enum level level)
{
	const struct rule rule = { .level = level, .peer = PEER_CLIENT, .crl = setting };

	self->verdict = make_verdict(self->store, self->leaf, self->stack, &rule);
	return self->verdict.accepted;
}

static bool notes(const struct verdict *verdict, const char *note)
{
	for (size_t i = 0; i < verdict->note_count; i++) {
		if (strcmp(verdict->notes[i], note) == 0)
			return true;
	}
	return false;
}

TEST_F(crl, revoked)
{
	make_crl(self->store, self->ca, (struct crl_recipe){ .revoked = self->leaf });
	EXPECT_TRUE(crl_accepts(CRL_OFF));
	EXPECT_FALSE(crl_accepts(CRL_PREFER));
	EXPECT_EQ(REFUSAL_REVOKED, self->verdict.refusal);
	EXPECT_FALSE(crl_accepts(CRL_REQUIRE));
	EXPECT_EQ(REFUSAL_REVOKED, self->verdict.refusal);
	EXPECT_STREQ("no chain to a trusted root: CN=leaf (its issuer revoked it)",
		     self->verdict.reason);

	self->leaf = make(self->ca, leaf_recipe);
	EXPECT_TRUE(crl_accepts(CRL_PREFER));
	EXPECT_EQ(0, self->verdict.note_count);
}

TEST_F(crl, revoked_ca)
{
	make_crl(self->store, self->root, (struct crl_recipe){ .revoked = self->ca });
	EXPECT_FALSE(crl_accepts(CRL_PREFER));
	EXPECT_EQ(REFUSAL_REVOKED, self->verdict.refusal);
}

/* revocation is a matter of the trust chain: below Medium nobody asks */
TEST_F(crl, from_medium_up)
{
	make_crl(self->store, self->ca, (struct crl_recipe){ .revoked = self->leaf, .end = 1 });
	for (int level = LEVEL_NONE; level <= LEVEL_MEDIUM; level++) {
		EXPECT_EQ(level < LEVEL_MEDIUM, crl_accepts_at(self, CRL_PREFER, level));
		EXPECT_EQ(level == LEVEL_MEDIUM, self->verdict.note_count);
		EXPECT_EQ(level < LEVEL_MEDIUM, crl_accepts_at(self, CRL_REQUIRE, level));
	}
}

/* a list that another CA of the same name signed, or nobody did, revokes and proves nothing */
TEST_F(crl, of_a_stranger)
{
	make_crl(self->store, make(NULL, ca_recipe), (struct crl_recipe){ .revoked = self->leaf });
	make_crl(self->store, self->ca,
		 (struct crl_recipe){ .revoked = self->leaf, .bad_signature = true });
	make_crl(self->store, self->root, (struct crl_recipe){ 0 });
	EXPECT_TRUE(crl_accepts(CRL_PREFER));
	EXPECT_FALSE(crl_accepts(CRL_REQUIRE));
	EXPECT_STREQ("no chain to a trusted root: CN=leaf (no current revocation list of its "
		     "issuer CN=CA)",
		     self->verdict.reason);
}

/* over MD5 anybody could have signed it */
TEST_F(crl, over_a_worthless_digest)
{
	struct recipe recipe = ca_recipe;

	recipe.key_type = "RSA:2048";
	self->ca = make(self->root, recipe);
	self->stack = make_stack(self->ca);
	self->leaf = make(self->ca, leaf_recipe);
	make_crl(self->store, self->ca,
		 (struct crl_recipe){ .revoked = self->leaf, .digest = "MD5" });
	make_crl(self->store, self->root, (struct crl_recipe){ 0 });
	EXPECT_TRUE(crl_accepts(CRL_PREFER));
	EXPECT_FALSE(crl_accepts(CRL_REQUIRE));
	make_crl(self->store, self->ca, (struct crl_recipe){ .digest = "SHA1" });
	EXPECT_TRUE(crl_accepts(CRL_REQUIRE));
}

/* more lists than will be checked: then nobody knows, and nobody is accepted */
TEST_F(crl, too_many_lists)
{
	for (int i = 0; i < 140; i++)
		make_crl(self->store, self->ca,
			 (struct crl_recipe){ .revoked = self->leaf, .bad_signature = true });
	EXPECT_FALSE(crl_accepts(CRL_PREFER));
	EXPECT_STREQ("no chain to a trusted root: CN=leaf (too many signatures to check)",
		     self->verdict.reason);
}

/* a list that stands in two paths is checked once */
TEST_F(crl, checked_once)
{
	struct recipe recipe = root_recipe;
	struct facts facts _cleanup_(facts_release) = { 0 };
	const struct rule rule = { .level = LEVEL_MEDIUM, .peer = PEER_CLIENT, .crl = CRL_REQUIRE };

	recipe.same_key = self->root;
	self->store = make_store(self->root, make(NULL, recipe));
	make_crl(self->store, self->ca, (struct crl_recipe){ 0 });

	const struct evidence evidence = {
		.store = self->store,
		.leaf = self->leaf->certificate,
		.untrusted = self->stack,
	};

	make_check(&evidence, &rule, MAKER_NOW, &self->verdict, &facts);
	EXPECT_FALSE(self->verdict.accepted);
	EXPECT_EQ(2, facts.path.candidates);
	/* the leaf's, the CA's under each root, and the list's */
	EXPECT_EQ(4, facts.path.signatures);
}

/* RFC 5280 6.3.3 (f) */
TEST_F(crl, of_an_issuer_without_crl_sign)
{
	struct recipe recipe = ca_recipe;

	recipe.key_usage = "critical,keyCertSign";
	self->ca = make(self->root, recipe);
	self->stack = make_stack(self->ca);
	self->leaf = make(self->ca, leaf_recipe);
	make_crl(self->store, self->ca, (struct crl_recipe){ .revoked = self->leaf });
	EXPECT_TRUE(crl_accepts(CRL_PREFER));
	make_crl(self->store, self->root, (struct crl_recipe){ 0 });
	EXPECT_FALSE(crl_accepts(CRL_REQUIRE));
}

/* where two paths lead to a root, the one that is not revoked is found */
TEST_F(crl, another_path)
{
	struct recipe recipe = ca_recipe;

	recipe.same_key = self->ca;
	make_crl(self->store, self->root, (struct crl_recipe){ .revoked = self->ca });
	self->stack = make_stack(self->ca, make(self->root, recipe));
	EXPECT_TRUE(crl_accepts(CRL_PREFER));
}

TEST_F(crl, require_wants_one_of_every_issuer)
{
	EXPECT_FALSE(crl_accepts(CRL_REQUIRE));
	EXPECT_EQ(REFUSAL_NOT_ALLOWED, self->verdict.refusal);
	make_crl(self->store, self->ca, (struct crl_recipe){ 0 });
	EXPECT_FALSE(crl_accepts(CRL_REQUIRE));
	EXPECT_STREQ("no chain to a trusted root: CN=CA (no current revocation list of its "
		     "issuer CN=Root)",
		     self->verdict.reason);
	make_crl(self->store, self->root, (struct crl_recipe){ 0 });
	EXPECT_TRUE(crl_accepts(CRL_REQUIRE)) { TH_LOG("%s", self->verdict.reason); }
	EXPECT_TRUE(notes(&self->verdict,
			  "not revoked by current revocation lists: 2 of the chain"));
	EXPECT_TRUE(crl_accepts(CRL_PREFER));
}

/* accepted through its last second, as the same evidence is then, and not a second longer */
static void expect_until(FIXTURE_DATA(crl) * self, enum rule_crl setting, int64_t until)
{
	const struct rule rule = { .level = LEVEL_MEDIUM, .peer = PEER_CLIENT, .crl = setting };
	const struct evidence evidence = {
		.store = self->store,
		.leaf = self->leaf->certificate,
		.untrusted = self->stack,
	};
	const int64_t times[] = { MAKER_NOW, until, until + 1 };

	for (int i = 0; i < 3; i++) {
		make_check(&evidence, &rule, times[i], &self->verdict, NULL);
		EXPECT_EQ(i < 2, self->verdict.accepted) {
			TH_LOG("%d: %s", i, self->verdict.reason);
		}
		if (i < 2)
			EXPECT_EQ(until, self->verdict.holds_until);
	}
}

/* the list that ends first among those that are needed, and of two about one the later */
TEST_F(crl, holds_until)
{
	const int64_t end = MAKER_NOW + MAKER_YEAR;

	make_crl(self->store, self->ca, (struct crl_recipe){ .end = MAKER_NOW + 20 });
	make_crl(self->store, self->root, (struct crl_recipe){ .end = MAKER_NOW + 30 });
	expect_until(self, CRL_REQUIRE, MAKER_NOW + 20);
	make_crl(self->store, self->ca, (struct crl_recipe){ .end = MAKER_NOW + 40 });
	expect_until(self, CRL_REQUIRE, MAKER_NOW + 30);
	make_crl(self->store, self->root, (struct crl_recipe){ .end = MAKER_NOW + 50 });
	expect_until(self, CRL_REQUIRE, MAKER_NOW + 40);
	/* one that proves nothing makes it no longer, nor one that has ended */
	make_crl(self->store, self->ca,
		 (struct crl_recipe){ .end = MAKER_NOW + 60, .scope = "critical,onlyCA:TRUE" });
	make_crl(self->store, self->ca, (struct crl_recipe){ .end = MAKER_NOW - 1 });
	make_crl(self->store, self->ca,
		 (struct crl_recipe){ .end = MAKER_NOW + 60, .bad_signature = true });
	expect_until(self, CRL_REQUIRE, MAKER_NOW + 40);
	/* where nobody asks for a proof, its end is no end */
	expect_until(self, CRL_PREFER, end);
	expect_until(self, CRL_OFF, end);
}

/* the store's own self-signed certificate is the root of its path */
TEST_F(crl, require_nothing_of_a_root)
{
	self->leaf = make(NULL, leaf_recipe);
	self->store = make_store(self->leaf);
	EXPECT_TRUE(crl_accepts(CRL_REQUIRE)) { TH_LOG("%s", self->verdict.reason); }
}

FIXTURE(crl_proof)
{
	const struct made *root, *leaf;
	struct store *store;
};

/* a list of the root about the leaf: whether one that lists it, or does not, is worth something */
FIXTURE_VARIANT(crl_proof)
{
	struct crl_recipe recipe;
	bool proves; /* silence proves that it is not revoked */
	bool stale; /* and is named in a note */
	const char *crl_points; /* of the leaf */
};

FIXTURE_VARIANT_ADD(crl_proof, current) { .proves = true };
FIXTURE_VARIANT_ADD(crl_proof, last_second) { .recipe = { .end = MAKER_NOW }, .proves = true };
FIXTURE_VARIANT_ADD(crl_proof, first_second) { .recipe = { .begin = MAKER_NOW }, .proves = true };
FIXTURE_VARIANT_ADD(crl_proof, out_of_date) { .recipe = { .end = MAKER_NOW - 1 }, .stale = true };
FIXTURE_VARIANT_ADD(crl_proof, not_yet) { .recipe = { .begin = MAKER_NOW + 1 }, .stale = true };
FIXTURE_VARIANT_ADD(crl_proof, unknown_critical) { .recipe = { .unknown_critical = "1.2.3.4" } };
FIXTURE_VARIANT_ADD(crl_proof, delta) { .recipe = { .delta = true } };
FIXTURE_VARIANT_ADD(crl_proof, only_users)
{
	.recipe = { .scope = "critical,onlyuser:TRUE" }, .proves = true
};
FIXTURE_VARIANT_ADD(crl_proof, only_cas) { .recipe = { .scope = "critical,onlyCA:TRUE" } };
FIXTURE_VARIANT_ADD(crl_proof, only_attributes) { .recipe = { .scope = "critical,onlyAA:TRUE" } };
FIXTURE_VARIANT_ADD(crl_proof, some_reasons)
{
	.recipe = { .scope = "critical,onlysomereasons:keyCompromise" },
};
FIXTURE_VARIANT_ADD(crl_proof, indirect) { .recipe = { .scope = "critical,indirectCRL:TRUE" } };
FIXTURE_VARIANT_ADD(crl_proof, another_point)
{
	.recipe = { .scope = "critical,fullname:URI:http://crl.example/1" },
	.crl_points = "URI:http://crl.example/2",
};
FIXTURE_VARIANT_ADD(crl_proof, no_point)
{
	.recipe = { .scope = "critical,fullname:URI:http://crl.example/1" },
};
FIXTURE_VARIANT_ADD(crl_proof, its_point)
{
	.recipe = { .scope = "critical,fullname:URI:http://crl.example/1" },
	.proves = true,
	.crl_points = "URI:http://crl.example/1",
};

FIXTURE_SETUP(crl_proof)
{
	struct recipe recipe = leaf_recipe;

	recipe.crl_points = variant->crl_points;
	self->root = make(NULL, root_recipe);
	self->leaf = make(self->root, recipe);
	self->store = make_store(self->root);
}

FIXTURE_TEARDOWN(crl_proof)
{
}

TEST_F(crl_proof, silent)
{
	struct rule rule = { .level = LEVEL_MEDIUM, .peer = PEER_CLIENT };
	struct verdict verdict;

	make_crl(self->store, self->root, variant->recipe);
	verdict = make_verdict(self->store, self->leaf, NULL, &rule);
	EXPECT_TRUE(verdict.accepted) { TH_LOG("%s", verdict.reason); }
	EXPECT_EQ(variant->stale, verdict.note_count);
	if (variant->stale)
		EXPECT_STREQ("revocation list out of date: CN=Root", verdict.notes[0]);
	rule.crl = CRL_REQUIRE;
	verdict = make_verdict(self->store, self->leaf, NULL, &rule);
	EXPECT_EQ(variant->proves, verdict.accepted) { TH_LOG("%s", verdict.reason); }
	EXPECT_EQ(variant->stale, !!strstr(verdict.reason, "out of date"));

	/* beside one that proves it, whatever is wrong does not matter */
	make_crl(self->store, self->root, (struct crl_recipe){ 0 });
	verdict = make_verdict(self->store, self->leaf, NULL, &rule);
	EXPECT_TRUE(verdict.accepted) { TH_LOG("%s", verdict.reason); }
}

/* what it lists is revoked, whatever its age and scope */
TEST_F(crl_proof, lists)
{
	struct rule rule = { .level = LEVEL_MEDIUM, .peer = PEER_CLIENT };
	struct crl_recipe recipe = variant->recipe;
	struct verdict verdict;

	recipe.revoked = self->leaf;
	make_crl(self->store, self->root, recipe);
	make_crl(self->store, self->root, (struct crl_recipe){ 0 });
	for (int setting = 0; setting < CRL_COUNT; setting++) {
		rule.crl = setting;
		verdict = make_verdict(self->store, self->leaf, NULL, &rule);
		EXPECT_EQ(setting == CRL_OFF, verdict.accepted);
		EXPECT_EQ(setting == CRL_OFF ? REFUSAL_UNDECIDED : REFUSAL_REVOKED,
			  verdict.refusal);
		EXPECT_EQ(setting != CRL_OFF && variant->stale,
			  notes(&verdict, "revocation list out of date: CN=Root"));
	}
}

/* an entry that cannot be understood makes the silence about others worthless (RFC 5280 5.3) */
TEST_F(crl, unknown_critical_in_an_entry)
{
	make_crl(self->store, self->root, (struct crl_recipe){ 0 });
	make_crl(self->store, self->ca,
		 (struct crl_recipe){ .revoked = self->root, .entry_unknown_critical = "1.2.3.4" });
	EXPECT_TRUE(crl_accepts(CRL_PREFER));
	EXPECT_FALSE(crl_accepts(CRL_REQUIRE));
}

TEST(crl_setting_names)
{
	enum rule_crl setting = CRL_COUNT;

	for (int i = 0; i < CRL_COUNT; i++) {
		ASSERT_NOT_NULL(rule_crl_name(i));
		EXPECT_OK(rule_crl_parse(rule_crl_name(i), &setting));
		EXPECT_EQ(i, setting);
	}
	EXPECT_NULL(rule_crl_name(CRL_COUNT));
	EXPECT_EQ(-EINVAL, rule_crl_parse("maybe", &setting));

	struct rule rule = { .level = LEVEL_NONE, .peer = PEER_CLIENT, .crl = CRL_COUNT };

	EXPECT_EQ(-EINVAL, rule_validate(&rule));
}
