// SPDX-License-Identifier: Apache-2.0
/*
 * The verification cache: the second time costs no signature checks, and is decided as if
 * it were the first whatever has changed in between.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/cache.h"
#include "tests/harness.h"
#include "tests/policy/maker.h"

enum { ENTRIES = 4, BYTES = 1 << 20 };

static const struct recipe root_recipe = { .name = "Root", .ca = true };
static const struct recipe ca_recipe = { .name = "CA", .ca = true };
static const struct recipe leaf_recipe = {
	.name = "leaf",
	.extended_key_usage = "serverAuth",
	.names = "DNS:a.example,DNS:b.example",
};

FIXTURE(cache)
{
	const struct made *root, *ca, *leaf;
	struct cache *cache;
	struct evidence evidence;
	struct rule rule;
	int64_t now;
	struct verdict verdict;
	unsigned int signatures; /* that were checked for it */
};

FIXTURE_SETUP(cache)
{
	self->root = make(NULL, root_recipe);
	self->ca = make(self->root, ca_recipe);
	self->leaf = make(self->ca, leaf_recipe);
	self->cache = cache_new(ENTRIES, BYTES);
	ASSERT_NOT_NULL(self->cache);
	self->evidence = (struct evidence){
		.store = make_store(self->root),
		.leaf = self->leaf->certificate,
		.untrusted = make_stack(self->ca),
		.cache = self->cache,
	};
	self->rule = (struct rule){ .level = LEVEL_MEDIUM, .peer = PEER_SERVER };
	self->now = MAKER_NOW;
}

FIXTURE_TEARDOWN(cache)
{
	cache_free(self->cache);
}

/* decides, and expects what it finds to be what is found without the cache; true for a hit */
static bool decide(FIXTURE_DATA(cache) * self)
{
	struct facts facts _cleanup_(facts_release) = { 0 };
	struct facts plain_facts _cleanup_(facts_release) = { 0 };
	struct evidence plain = self->evidence;
	struct cache_counts before, after;
	static struct verdict verdict;

	plain.cache = NULL;
	cache_count(self->cache, &before);
	make_check(&self->evidence, &self->rule, self->now, &self->verdict,
				     &facts);
	cache_count(self->cache, &after);
	make_check(&plain, &self->rule, self->now, &verdict, &plain_facts);
	EXPECT_MEMEQ(&verdict, &self->verdict, sizeof(verdict)) {
		TH_LOG("cached: %s; plain: %s", self->verdict.reason, verdict.reason);
	}
	EXPECT_EQ(plain_facts.san.count, facts.san.count);
	EXPECT_MEMEQ(plain_facts.leaf.sha256, facts.leaf.sha256, sizeof(facts.leaf.sha256));
	EXPECT_EQ(plain_facts.path.state, facts.path.state);
	EXPECT_LE(after.bytes, BYTES);
	self->signatures = facts.path.signatures;
	return after.hits > before.hits;
}

TEST_F(cache, hits)
{
	EXPECT_FALSE(decide(self));
	EXPECT_TRUE(self->verdict.accepted) { TH_LOG("%s", self->verdict.reason); }
	EXPECT_TRUE(decide(self));
	EXPECT_TRUE(self->verdict.accepted);

	/* the same bytes in other objects */
	self->evidence.leaf = X509_dup(self->leaf->certificate);
	EXPECT_TRUE(decide(self));
	X509_free(self->evidence.leaf);
}

TEST_F(cache, keeps_refusals)
{
	self->evidence.untrusted = NULL;
	EXPECT_FALSE(decide(self));
	EXPECT_FALSE(self->verdict.accepted);
	EXPECT_TRUE(decide(self));
	EXPECT_EQ(REFUSAL_UNKNOWN_CA, self->verdict.refusal);
}

/* every end and beginning in the path, in both directions */
TEST_F(cache, dates)
{
	const int64_t begin[] = { 0, MAKER_NOW - 50, MAKER_NOW - 20, MAKER_NOW - 90 };
	const int64_t end[] = { 0, MAKER_NOW + 20, MAKER_NOW + 50, MAKER_NOW + 90 };

	for (int i = 0; i < 4; i++) {
		struct recipe root = root_recipe, ca = ca_recipe, leaf = leaf_recipe;

		root.begin = begin[i], root.end = end[i];
		ca.begin = begin[(i + 1) % 4], ca.end = end[(i + 1) % 4];
		leaf.begin = begin[(i + 2) % 4], leaf.end = end[(i + 2) % 4];
		self->root = make(NULL, root);
		self->ca = make(self->root, ca);
		self->evidence.leaf = make(self->ca, leaf)->certificate;
		self->evidence.store = make_store(self->root);
		self->evidence.untrusted = make_stack(self->ca);
		for (int64_t at = -100; at <= 100; at += 5) {
			for (int64_t d = -1; d <= 1; d++) {
				self->now = MAKER_NOW + at + d;
				decide(self);
			}
		}
		self->now = MAKER_NOW;
		decide(self);
		EXPECT_TRUE(self->verdict.accepted) { TH_LOG("%s", self->verdict.reason); }
	}
}

TEST_F(cache, expires_between_two_uses)
{
	struct recipe recipe = ca_recipe;

	recipe.end = MAKER_NOW + 10;
	self->ca = make(self->root, recipe);
	self->evidence.leaf = make(self->ca, leaf_recipe)->certificate;
	self->evidence.untrusted = make_stack(self->ca);
	EXPECT_FALSE(decide(self));
	self->now = MAKER_NOW + 10;
	EXPECT_TRUE(decide(self));
	EXPECT_TRUE(self->verdict.accepted);
	self->now = MAKER_NOW + 11;
	EXPECT_FALSE(decide(self));
	EXPECT_EQ(REFUSAL_EXPIRED, self->verdict.refusal);
	/* the clock goes back: the refusal does not hold there either */
	self->now = MAKER_NOW + 10;
	EXPECT_FALSE(decide(self));
	EXPECT_TRUE(self->verdict.accepted);
}

/* one that the failed search saw, and that was not valid yet, may be what is missing later */
TEST_F(cache, refusal_ends_when_an_issuer_begins)
{
	struct recipe recipe = ca_recipe;

	recipe.begin = MAKER_NOW + 10;
	self->ca = make(self->root, recipe);
	self->evidence.leaf = make(self->ca, leaf_recipe)->certificate;
	self->evidence.untrusted = make_stack(self->ca);
	EXPECT_FALSE(decide(self));
	EXPECT_FALSE(self->verdict.accepted);
	self->now = MAKER_NOW + 9;
	EXPECT_TRUE(decide(self));
	self->now = MAKER_NOW + 10;
	EXPECT_FALSE(decide(self));
	EXPECT_TRUE(self->verdict.accepted);
}

TEST_F(cache, revocation_list_ends)
{
	struct store *store = (struct store *)self->evidence.store;

	make_crl(store, self->root, (struct crl_recipe){ .end = MAKER_NOW + 10 });
	make_crl(store, self->ca, (struct crl_recipe){ .end = MAKER_NOW + 20 });
	self->rule.crl = CRL_REQUIRE;
	EXPECT_FALSE(decide(self));
	EXPECT_TRUE(self->verdict.accepted) { TH_LOG("%s", self->verdict.reason); }
	EXPECT_TRUE(decide(self));
	self->now = MAKER_NOW + 11;
	EXPECT_FALSE(decide(self));
	EXPECT_FALSE(self->verdict.accepted);
	/* another setting is another question */
	self->rule.crl = CRL_OFF;
	EXPECT_FALSE(decide(self));
	EXPECT_TRUE(self->verdict.accepted);
}

TEST_F(cache, generation_changes)
{
	struct cache_counts counts;

	EXPECT_FALSE(decide(self));
	EXPECT_TRUE(self->verdict.accepted);
	struct store *store _cleanup_(cleanup_store_free) = store_new(2);

	self->evidence.store = store;
	EXPECT_FALSE(decide(self));
	EXPECT_FALSE(self->verdict.accepted);
	cache_count(self->cache, &counts);
	EXPECT_EQ(1, counts.entries);
	EXPECT_TRUE(decide(self));
}

/* what depends on the connection is decided anew, from the same entry */
TEST_F(cache, connection)
{
	static const char *const good[] = { "a.example" }, *const bad[] = { "c.example" };
	const X509 *own[] = { self->leaf->certificate };

	EXPECT_FALSE(decide(self));
	self->rule.level = LEVEL_MEDIUM_REMOTE;
	self->rule.hosts = good;
	self->rule.host_count = 1;
	EXPECT_TRUE(decide(self));
	EXPECT_TRUE(self->verdict.accepted) { TH_LOG("%s", self->verdict.reason); }
	self->rule.hosts = bad;
	EXPECT_TRUE(decide(self));
	EXPECT_EQ(REFUSAL_NAME, self->verdict.refusal);

	/* High: in the store, and not our own */
	self->rule.level = LEVEL_HIGH;
	EXPECT_TRUE(decide(self));
	EXPECT_EQ(CHECK_IN_STORE, self->verdict.failed);
	self->evidence.own = own;
	self->evidence.own_count = 1;
	EXPECT_TRUE(decide(self));
	EXPECT_EQ(CHECK_NOT_REFLECTED, self->verdict.failed);
	own[0] = self->ca->certificate;
	EXPECT_TRUE(decide(self));
	EXPECT_EQ(CHECK_IN_STORE, self->verdict.failed);
	self->rule.level = LEVEL_MEDIUM;
	own[0] = make(NULL, (struct recipe){ .same_key = self->leaf })->certificate;
	EXPECT_TRUE(decide(self));
	EXPECT_STREQ("another certificate over our own public key", self->verdict.notes[0]);
}

/* what guides the search is part of the question */
TEST_F(cache, rule)
{
	EXPECT_FALSE(decide(self));
	self->rule.peer = PEER_CLIENT;
	EXPECT_FALSE(decide(self));
	EXPECT_FALSE(self->verdict.accepted);
	self->rule.options = RULE_ACCEPT_SERVER_AUTH_CLIENT;
	EXPECT_FALSE(decide(self));
	EXPECT_TRUE(self->verdict.accepted);
	self->rule.sip = true;
	EXPECT_FALSE(decide(self));
	self->rule.level = LEVEL_NONE;
	EXPECT_FALSE(decide(self));
	self->evidence.staple = (struct staple){ (const uint8_t *)"x", 1 };
	self->rule.level = LEVEL_MEDIUM;
	EXPECT_FALSE(decide(self));
}

/* a CA for another purpose matters only to a rule that asks for the purpose */
TEST_F(cache, checks)
{
	struct recipe recipe = ca_recipe;

	recipe.extended_key_usage = "emailProtection";
	self->ca = make(self->root, recipe);
	self->evidence.leaf = make(self->ca, leaf_recipe)->certificate;
	self->evidence.untrusted = make_stack(self->ca);
	self->rule.level = LEVEL_UNSET;
	self->rule.checks = CHECK_BIT(CHECK_TRUST_CHAIN);
	EXPECT_FALSE(decide(self));
	EXPECT_TRUE(self->verdict.accepted);
	self->rule.checks |= CHECK_BIT(CHECK_PURPOSE);
	EXPECT_FALSE(decide(self));
	EXPECT_FALSE(self->verdict.accepted);
}

TEST_F(cache, own_dates_of_the_peer)
{
	struct recipe recipe = leaf_recipe;

	recipe.begin = MAKER_NOW - 10;
	recipe.end = MAKER_NOW + 10;
	self->evidence.leaf = make(self->ca, recipe)->certificate;
	EXPECT_FALSE(decide(self));
	self->now = MAKER_NOW + 11;
	EXPECT_FALSE(decide(self));
	EXPECT_EQ(REFUSAL_EXPIRED, self->verdict.refusal);
	self->now = MAKER_NOW - 11;
	EXPECT_FALSE(decide(self));
	EXPECT_EQ(REFUSAL_EXPIRED, self->verdict.refusal);
}

/* no two chains share an answer: not in another order, not with one more, not with one byte else */
TEST_F(cache, chain)
{
	const struct made *other = make(self->root, ca_recipe);
	STACK_OF(X509) *const stacks[] = {
		make_stack(self->ca), make_stack(other),	   NULL,
		make_stack(self->ca, other), make_stack(other, self->ca),
	};
	struct recipe recipe = leaf_recipe;

	cache_free(self->cache);
	self->cache = cache_new(16, BYTES);
	self->evidence.cache = self->cache;
	for (size_t i = 0; i < sizeof(stacks) / sizeof(stacks[0]); i++) {
		self->evidence.untrusted = stacks[i];
		EXPECT_FALSE(decide(self));
		EXPECT_EQ(i != 1 && i != 2, self->verdict.accepted);
	}
	self->evidence.untrusted = stacks[0];
	EXPECT_TRUE(decide(self));
	/* libssl's stack has the peer's own certificate too */
	self->evidence.untrusted = make_stack(self->leaf, self->ca);
	EXPECT_TRUE(decide(self));

	recipe.same_key = self->leaf;
	recipe.bad_signature = true;
	self->evidence.leaf = make(self->ca, recipe)->certificate;
	EXPECT_FALSE(decide(self));
	EXPECT_EQ(REFUSAL_BAD_CERTIFICATE, self->verdict.refusal);
}

/* another peer of the same authority is met for the first time: its own signature is checked */
TEST_F(cache, authoritys_signature)
{
	struct recipe recipe = leaf_recipe;

	EXPECT_FALSE(decide(self));
	EXPECT_EQ(2, self->signatures);
	self->evidence.leaf = make(self->ca, recipe)->certificate;
	EXPECT_FALSE(decide(self));
	EXPECT_TRUE(self->verdict.accepted) { TH_LOG("%s", self->verdict.reason); }
	EXPECT_EQ(1, self->signatures);

	recipe.bad_signature = true;
	self->evidence.leaf = make(self->ca, recipe)->certificate;
	EXPECT_FALSE(decide(self));
	EXPECT_EQ(REFUSAL_BAD_CERTIFICATE, self->verdict.refusal);
}

/* what is known of an authority's certificate holds for its bytes and for that key alone */
TEST_F(cache, authoritys_signature_forged)
{
	struct recipe root = root_recipe, ca = ca_recipe;
	const struct made *good;

	root.no_key_ids = ca.no_key_ids = true;
	good = make(self->root, ca);
	self->evidence.leaf = make(good, leaf_recipe)->certificate;
	self->evidence.untrusted = make_stack(good);
	EXPECT_FALSE(decide(self));
	EXPECT_TRUE(self->verdict.accepted) { TH_LOG("%s", self->verdict.reason); }

	/* an issuer of the same name that has not signed it */
	self->evidence.store = make_store(make(NULL, root));
	self->evidence.leaf = make(good, leaf_recipe)->certificate;
	EXPECT_FALSE(decide(self));
	EXPECT_EQ(REFUSAL_BAD_CERTIFICATE, self->verdict.refusal);
	EXPECT_EQ(2, self->signatures);

	self->evidence.store = make_store(self->root);
	ca.same_key = good;
	ca.bad_signature = true;
	self->evidence.untrusted = make_stack(make(self->root, ca));
	EXPECT_FALSE(decide(self));
	EXPECT_EQ(REFUSAL_BAD_CERTIFICATE, self->verdict.refusal);
	EXPECT_EQ(2, self->signatures);
}

/* a chain that does not hold leaves nothing; nor does a peer's own certificate */
TEST_F(cache, authoritys_signature_untrusted)
{
	const struct made *self_made = make(NULL, (struct recipe){ .name = "Self", .ca = true });
	const struct made *ca = make(self_made, ca_recipe);

	self->evidence.leaf = make(ca, leaf_recipe)->certificate;
	self->evidence.untrusted = make_stack(ca, self_made);
	EXPECT_FALSE(decide(self));
	EXPECT_EQ(REFUSAL_UNKNOWN_CA, self->verdict.refusal);
	EXPECT_FALSE(cache_has_signature(self->cache, ca->certificate, self_made->certificate));
	cache_keep_signature(self->cache, self->leaf->certificate, self->ca->certificate);
	EXPECT_FALSE(
		cache_has_signature(self->cache, self->leaf->certificate, self->ca->certificate));
}

TEST_F(cache, authoritys_signature_oldest_goes)
{
	X509 *root = self->root->certificate, *first = self->ca->certificate, *ca = first;

	for (int i = 0; i < CACHE_SIGNATURES_MAX; i++) {
		EXPECT_FALSE(cache_has_signature(self->cache, ca, root));
		/* the second time takes no place */
		cache_keep_signature(self->cache, ca, root);
		cache_keep_signature(self->cache, ca, root);
		EXPECT_TRUE(cache_has_signature(self->cache, ca, root));
		ca = make(self->root, ca_recipe)->certificate;
	}
	EXPECT_TRUE(cache_has_signature(self->cache, first, root));
	cache_keep_signature(self->cache, ca, root);
	EXPECT_FALSE(cache_has_signature(self->cache, first, root));
	EXPECT_TRUE(cache_has_signature(self->cache, ca, root));
}

/* leaf A with B sent along is not leaf B with A sent along */
TEST_F(cache, roles)
{
	EXPECT_FALSE(decide(self));
	self->evidence.leaf = self->ca->certificate;
	self->evidence.untrusted = make_stack(self->leaf);
	EXPECT_FALSE(decide(self));
}

TEST_F(cache, eviction)
{
	const struct made *leaves[ENTRIES + 1];
	struct cache_counts counts;

	for (int i = 0; i < ENTRIES; i++) {
		leaves[i] = make(self->ca, leaf_recipe);
		self->evidence.leaf = leaves[i]->certificate;
		EXPECT_FALSE(decide(self));
	}
	/* the first is used again, so that the second goes */
	self->evidence.leaf = leaves[0]->certificate;
	EXPECT_TRUE(decide(self));
	self->evidence.leaf = make(self->ca, leaf_recipe)->certificate;
	EXPECT_FALSE(decide(self));
	cache_count(self->cache, &counts);
	EXPECT_EQ(ENTRIES, counts.entries);
	EXPECT_EQ(1, counts.evictions);
	self->evidence.leaf = leaves[0]->certificate;
	EXPECT_TRUE(decide(self));
	self->evidence.leaf = leaves[1]->certificate;
	EXPECT_FALSE(decide(self));
}

TEST_F(cache, bounded_bytes)
{
	struct cache_counts counts;

	EXPECT_FALSE(decide(self));
	cache_count(self->cache, &counts);

	size_t one = counts.bytes;

	/* room for one and a half */
	cache_free(self->cache);
	self->cache = self->evidence.cache = cache_new(ENTRIES, one + one / 2);
	for (int i = 0; i < 3; i++) {
		self->evidence.leaf = make(self->ca, leaf_recipe)->certificate;
		EXPECT_FALSE(decide(self));
		EXPECT_TRUE(decide(self));
		cache_count(self->cache, &counts);
		EXPECT_EQ(1, counts.entries);
		EXPECT_GE(one + one / 2, counts.bytes);
	}

	/* room for none: it works all the same */
	cache_free(self->cache);
	self->cache = self->evidence.cache = cache_new(ENTRIES, one - 1);
	EXPECT_FALSE(decide(self));
	EXPECT_FALSE(decide(self));
	EXPECT_TRUE(self->verdict.accepted);
}

/* without a store, or for a story of the paths, nothing is kept */
TEST_F(cache, bypassed)
{
	self->evidence.store = NULL;
	EXPECT_FALSE(decide(self));
	EXPECT_FALSE(decide(self));
	self->evidence.leaf = NULL;
	EXPECT_FALSE(decide(self));
}

/* what is too large is decided, and not kept */
TEST_F(cache, too_large)
{
	enum { NAMES = 1200, TEXT = NAMES * 24 };
	char *names _cleanup_free_ = calloc(1, TEXT);
	STACK_OF(X509) *stack = make_stack(self->ca);
	struct recipe recipe = leaf_recipe;
	struct cache_key key;
	size_t n = 0;

	for (int i = 0; i < NAMES; i++)
		n += (size_t)snprintf(names + n, TEXT - n, "%sDNS:a%d.example", i ? "," : "", i);
	recipe.names = names;
	self->evidence.leaf = make(self->ca, recipe)->certificate;
	EXPECT_FALSE(cache_key(self->cache, &self->evidence, &self->rule, &key));
	EXPECT_FALSE(decide(self));
	EXPECT_FALSE(decide(self));
	EXPECT_TRUE(self->verdict.accepted);

	self->evidence.untrusted = make_stack(make(self->ca, recipe));
	self->evidence.leaf = self->leaf->certificate;
	EXPECT_FALSE(cache_key(self->cache, &self->evidence, &self->rule, &key));

	self->evidence.untrusted = stack;
	for (int i = 1; i < CACHE_CERTIFICATES_MAX; i++)
		sk_X509_push(stack, self->ca->certificate);
	EXPECT_TRUE(cache_key(self->cache, &self->evidence, &self->rule, &key));
	sk_X509_push(stack, self->ca->certificate);
	EXPECT_FALSE(cache_key(self->cache, &self->evidence, &self->rule, &key));

	self->evidence.untrusted = NULL;
	self->evidence.staple = (struct staple){ (const uint8_t *)names, STAPLE_BYTES_MAX + 1 };
	EXPECT_FALSE(cache_key(self->cache, &self->evidence, &self->rule, &key));
}

/* the same question twice: the later answer stands, and takes no second place */
TEST_F(cache, put_again)
{
	struct facts facts _cleanup_(facts_release) = { 0 };
	struct cache_counts counts;
	struct cache_key key;

	ASSERT_TRUE(cache_key(self->cache, &self->evidence, &self->rule, &key));
	ASSERT_OK(facts_extract(&self->evidence, &self->rule, MAKER_NOW, &facts));
	facts.path.candidates = 7;
	cache_put(self->cache, &key, &facts);
	cache_count(self->cache, &counts);
	EXPECT_EQ(1, counts.entries);

	const struct facts *known = cache_find(self->cache, 1, &key, MAKER_NOW);

	ASSERT_NOT_NULL(known);
	EXPECT_EQ(7, known->path.candidates);
}
