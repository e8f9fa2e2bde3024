// SPDX-License-Identifier: Apache-2.0
/*
 * Memory runs out inside libcrypto, at each of its allocations in turn: nothing crashes or leaks,
 * nothing is half done, and nobody is accepted who would not be with enough of it.
 */
#include <errno.h>
#include <openssl/err.h>
#include <string.h>

#include "policy/cache.h"
#include "tests/fuzz/shortage.h"
#include "tests/harness.h"
#include "tests/policy/maker.h"

FIXTURE(memory)
{
	const struct made *root, *ca, *leaf;
	struct store *store;
	unsigned char chain[4096];
	char pem[8192];
	struct policy_bytes bytes;
	struct rule rule;
};

FIXTURE_SETUP(memory)
{
	static const char *const hosts[] = { "a.example" };
	unsigned char *at = self->chain;

	self->root = make(NULL, (struct recipe){ .name = "Root", .ca = true });
	self->ca = make(self->root, (struct recipe){ .name = "CA", .ca = true });
	self->leaf = make(self->root, (struct recipe){ .name = "leaf", .names = "DNS:a.example" });
	self->store = make_store(self->root);
	make_crl(self->store, self->root, (struct crl_recipe){ 0 });
	i2d_X509(self->leaf->certificate, &at);
	self->bytes.chain = self->chain;
	self->bytes.chain_len = (size_t)(at - self->chain);
	self->rule = (struct rule){
		.level = LEVEL_MEDIUM_REMOTE,
		.peer = PEER_CLIENT,
		.crl = CRL_REQUIRE,
		.hosts = hosts,
		.host_count = 1,
	};
	make_pem(self->root, self->pem, sizeof(self->pem));
	make_pem(self->ca, self->pem, sizeof(self->pem));
}

FIXTURE_TEARDOWN(memory)
{
}

static bool is_set(const uint8_t sha256[FACTS_SHA256])
{
	static const uint8_t nothing[FACTS_SHA256];

	return memcmp(sha256, nothing, FACTS_SHA256) != 0;
}

static bool decide(FIXTURE_DATA(memory) * self, unsigned int number, struct verdict *verdict)
{
	struct facts facts;

	shortage_begin(number);

	int err = policy_check_bytes(self->store, &self->bytes, &self->rule, MAKER_NOW, verdict,
				     &facts);
	bool came = shortage_end();

	EXPECT_EQ(0, ERR_peek_error());
	EXPECT_LT(0, strlen(verdict->reason));
	for (unsigned int i = 0; verdict->accepted && i < facts.path.length; i++)
		EXPECT_TRUE(is_set(facts.path.sha256[i])) { TH_LOG("%u", number); }
	if (err) {
		EXPECT_TRUE(came && (err == -ENOMEM || err == -EBADMSG)) { TH_LOG("%d", err); }
		EXPECT_FALSE(verdict->accepted || facts.present);
	}
	facts_release(&facts);
	return came;
}

TEST_F_TIMEOUT(memory, decision, 60)
{
	struct verdict verdict;
	unsigned int number = 1;

	while (decide(self, number, &verdict))
		number++;
	EXPECT_LT(100, number);
	EXPECT_TRUE(verdict.accepted) { TH_LOG("%s", verdict.reason); }
}

/* and every certificate of its path has the fingerprint that a deny list would find it by */
TEST_F_TIMEOUT(memory, path_is_known_by_its_fingerprints, 60)
{
	unsigned char *at = self->chain;
	struct verdict verdict;
	unsigned int number = 1;

	self->leaf = make(self->ca, (struct recipe){ .name = "leaf", .names = "DNS:a.example" });
	self->rule.crl = CRL_PREFER;
	i2d_X509(self->leaf->certificate, &at);
	i2d_X509(self->ca->certificate, &at);
	self->bytes.chain_len = (size_t)(at - self->chain);
	while (decide(self, number, &verdict))
		number++;
	EXPECT_TRUE(verdict.accepted) { TH_LOG("%s", verdict.reason); }
}

/* what one list says is not lost beside another that holds */
TEST_F_TIMEOUT(memory, refusal_stays, 120)
{
	static const enum rule_crl settings[] = { CRL_PREFER, CRL_REQUIRE };
	struct verdict verdict;

	make_crl(self->store, self->root, (struct crl_recipe){ .revoked = self->leaf });
	for (int i = 0; i < 2; i++) {
		self->rule.crl = settings[i];
		for (unsigned int number = 1; decide(self, number, &verdict); number++)
			EXPECT_FALSE(verdict.accepted) { TH_LOG("%u", number); }
		EXPECT_EQ(REFUSAL_REVOKED, verdict.refusal);
	}
}

/* a certificate of its own key does not pass for another's when nobody could look */
TEST_F_TIMEOUT(memory, self_signed_stays, 60)
{
	struct verdict verdict;
	unsigned char *at = self->chain;

	self->leaf = make(NULL, (struct recipe){ .name = "leaf" });
	self->rule = make_rule(CHECK_BIT(CHECK_NOT_SELF_SIGNED));
	i2d_X509(self->leaf->certificate, &at);
	self->bytes.chain_len = (size_t)(at - self->chain);
	for (unsigned int number = 1; decide(self, number, &verdict); number++)
		EXPECT_FALSE(verdict.accepted) { TH_LOG("%u", number); }
	EXPECT_EQ(CHECK_NOT_SELF_SIGNED, verdict.failed);
}

/* an error, and the store is as it was; or everything is in it */
TEST_F(memory, store)
{
	char error[STORE_ERROR_MAX];
	bool came = true;

	for (unsigned int number = 1; came; number++) {
		shortage_begin(number);

		struct store *store _cleanup_(cleanup_store_free) = store_new(1);
		int added = store ? store_add_bytes(store, "pem", self->pem, strlen(self->pem),
						    error, sizeof(error)) :
				    -ENOMEM;

		came = shortage_end();
		if (added < 0) {
			EXPECT_TRUE(came);
			EXPECT_TRUE(added == -ENOMEM || added == -EBADMSG || added == -EINVAL);
			EXPECT_LT(0, store ? strlen(error) : 1);
		} else {
			EXPECT_EQ(2, added);
		}
		if (store)
			EXPECT_EQ(added < 0 ? 0 : 2, store_count(store));
		if (store)
			EXPECT_EQ(0, ERR_peek_error());
		ERR_clear_error();
	}
}

TEST_F(memory, store_chain)
{
	const struct made *leaf = make(self->ca, (struct recipe){ .name = "leaf" });
	struct store *store = make_store(self->root, self->ca);
	STACK_OF(X509) *chain;
	bool came = true;

	for (unsigned int number = 1; came; number++) {
		shortage_begin(number);

		int err = store_chain(store, leaf->certificate, &chain);

		came = shortage_end();
		EXPECT_TRUE(err == 0 || (came && err == -ENOMEM && !chain));
		EXPECT_EQ(0, ERR_peek_error());
		if (!came)
			EXPECT_EQ(1, sk_X509_num(chain));
		sk_X509_pop_free(chain, X509_free);
	}
}

/* without memory for a cache, or for a key of it, the peer is decided about all the same */
TEST_F(memory, cache)
{
	struct evidence evidence = {
		.store = self->store,
		.leaf = self->leaf->certificate,
		.untrusted = make_stack(self->leaf),
	};
	struct cache_key key;
	bool came = true;

	for (unsigned int number = 1; came; number++) {
		shortage_begin(number);

		struct cache *cache _cleanup_(cleanup_cache_free) = cache_new(4, 1 << 20);
		bool keyed = cache && cache_key(cache, &evidence, &self->rule, &key);

		came = shortage_end();
		EXPECT_TRUE(came || keyed);
		ERR_clear_error();
		evidence.cache = cache;
		EXPECT_TRUE(came || cache);

		struct verdict verdict;

		ASSERT_OK(policy_check_chain(&evidence, &self->rule, MAKER_NOW, &verdict, NULL));
		EXPECT_TRUE(verdict.accepted);
	}
}
