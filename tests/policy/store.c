// SPDX-License-Identifier: Apache-2.0
/* The trusted certificate store: what it takes, what it refuses, and whole or not at all. */
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

#include "policy/bundle.h"
#include "policy/cache.h"
#include "policy/crl.h"
#include "tests/harness.h"
#include "tests/policy/maker.h"

static int add(struct store *store, const char *text, char error[STORE_ERROR_MAX])
{
	return store_add_bytes(store, "file", text, strlen(text), error, STORE_ERROR_MAX);
}

FIXTURE(store)
{
	const struct made *root, *ca;
	struct store *store;
	char pem[8192], error[STORE_ERROR_MAX];
};

FIXTURE_SETUP(store)
{
	self->root = make(NULL, (struct recipe){ .name = "Root", .ca = true });
	self->ca = make(self->root, (struct recipe){ .name = "CA", .ca = true });
	self->store = store_new(7);
	strcpy(self->pem, "a comment\n");
	make_pem(self->root, self->pem, sizeof(self->pem));
	strcat(self->pem, "another\n");
	make_pem(self->ca, self->pem, sizeof(self->pem));
}

FIXTURE_TEARDOWN(store)
{
	store_free(self->store);
}

TEST_F(store, takes_pem)
{
	EXPECT_EQ(2, add(self->store, self->pem, self->error));
	EXPECT_EQ(2, store_count(self->store));
	EXPECT_EQ(7, store_generation(self->store));
	EXPECT_STREQ("file", store_certificate_name(self->store, 1));
	EXPECT_NULL(store_certificate(self->store, 2));
	EXPECT_NULL(store_certificate_name(self->store, 2));
	EXPECT_TRUE(store_has(self->store, self->ca->certificate));
	EXPECT_FALSE(
		store_has(self->store, make(NULL, (struct recipe){ .name = "Root" })->certificate));
}

TEST_F(store, fingerprints)
{
	uint8_t sha256[STORE_SHA256];

	ASSERT_EQ(2, add(self->store, self->pem, self->error));
	for (size_t i = 0; i < 2; i++) {
		X509 *certificate = store_certificate(self->store, i);

		ASSERT_EQ(1, X509_digest(certificate, EVP_sha256(), sha256, NULL));
		ASSERT_NOT_NULL(store_fingerprint(self->store, certificate));
		EXPECT_MEMEQ(sha256, store_fingerprint(self->store, certificate), STORE_SHA256);
		EXPECT_TRUE(store_has_fingerprint(self->store, sha256));
	}
	/* the same certificate in another object is not the store's to vouch for */
	EXPECT_NULL(store_fingerprint(self->store, self->ca->certificate));
	sha256[0] ^= 1;
	EXPECT_FALSE(store_has_fingerprint(self->store, sha256));
}

TEST_F(store, takes_der)
{
	unsigned char der[4096], *at = der;

	i2d_X509(self->root->certificate, &at);
	EXPECT_EQ(1, store_add_bytes(self->store, "der", der, (size_t)(at - der), self->error,
				     sizeof(self->error)));
	EXPECT_EQ(-EBADMSG, store_add_bytes(self->store, "der", der, (size_t)(at - der) + 1,
					    self->error, sizeof(self->error)));
	EXPECT_EQ(1, store_count(self->store));
}

TEST_F(store, tolerates_duplicates)
{
	EXPECT_EQ(2, add(self->store, self->pem, self->error));
	EXPECT_EQ(0, add(self->store, self->pem, self->error));
	EXPECT_EQ(2, store_count(self->store));
}

TEST_F(store, refuses_what_holds_none)
{
	EXPECT_EQ(-EINVAL, add(self->store, "", self->error));
	EXPECT_STREQ("no certificate", self->error);
	EXPECT_EQ(-EINVAL, add(self->store, "text alone\n", self->error));
	EXPECT_EQ(-EINVAL, add(self->store, "see -----BEGIN CERTIFICATE-----\n", self->error));
	EXPECT_EQ(-E2BIG, store_add_bytes(self->store, "big", self->pem, STORE_BYTES_MAX + 1,
					  self->error, sizeof(self->error)));
	/* without room for an error */
	EXPECT_EQ(-EINVAL, store_add_bytes(self->store, "file", "x", 1, NULL, 0));
	EXPECT_EQ(0, store_count(self->store));
}

/* the good one before the broken one is not kept */
TEST_F(store, whole_or_not_at_all)
{
	char *second = strstr(strstr(self->pem, "another"), "MII");

	second[100] = '!';
	EXPECT_EQ(-EBADMSG, add(self->store, self->pem, self->error));
	EXPECT_STREQ("PEM block 2 is broken", self->error);
	EXPECT_EQ(0, store_count(self->store));

	second[100] = 'A';
	second[0] = 'A'; /* no SEQUENCE */
	EXPECT_EQ(-EBADMSG, add(self->store, self->pem, self->error));
	EXPECT_STREQ("certificate 2 cannot be read", self->error);
	EXPECT_EQ(0, store_count(self->store));
}

/* one too many, after one that fitted: neither is kept */
TEST_F(store, full)
{
	unsigned char *bytes _cleanup_free_ = malloc(STORE_BYTES_MAX);
	unsigned char *at = bytes, *one;
	size_t len;

	for (unsigned int i = 0; i < STORE_CERTIFICATES_MAX + 1; i++) {
		one = at;
		i2d_X509(self->root->certificate, &at);
		/* within the signature, which nobody has looked at yet */
		memcpy(at - sizeof(i), &i, sizeof(i));
		len = (size_t)(at - one);
	}
	EXPECT_EQ(-E2BIG, store_add_bytes(self->store, "der", bytes, (size_t)(at - bytes),
					  self->error, sizeof(self->error)));
	EXPECT_EQ(0, store_count(self->store));
	EXPECT_EQ(STORE_CERTIFICATES_MAX - 1,
		  store_add_bytes(self->store, "der", bytes, (size_t)(at - bytes) - 2 * len,
				  self->error, sizeof(self->error)));
	EXPECT_EQ(-E2BIG, store_add_bytes(self->store, "der", at - 2 * len, 2 * len, self->error,
					  sizeof(self->error)));
	EXPECT_STREQ("the store is full", self->error);
	EXPECT_EQ(STORE_CERTIFICATES_MAX - 1, store_count(self->store));
}

TEST_F(store, full_of_lists)
{
	unsigned char *bytes _cleanup_free_ = malloc(STORE_BYTES_MAX);
	struct store *store = make_store(self->root);
	const struct crl *crl;
	unsigned char *at = bytes;
	size_t index = 0, one;

	make_crl(store, self->root, (struct crl_recipe){ 0 });
	crl = store_find_crl(store, X509_get_subject_name(self->root->certificate), &index);
	ASSERT_NOT_NULL(crl);
	one = (size_t)i2d_X509_CRL(crl->list, &at);
	for (int i = 1; i < STORE_CRLS_MAX; i++)
		i2d_X509_CRL(crl->list, &at);
	EXPECT_EQ(-E2BIG, store_add_bytes(store, "lists", bytes, (size_t)(at - bytes), self->error,
					  sizeof(self->error)));
	EXPECT_STREQ("the store is full", self->error);
	EXPECT_EQ(0, store_add_bytes(self->store, "lists", bytes, (size_t)(at - bytes), NULL, 0));
	EXPECT_EQ(-E2BIG, store_add_bytes(self->store, "lists", bytes, one, self->error,
					  sizeof(self->error)));
}

TEST_F(store, nothing_to_free)
{
	store_free(NULL);
	cache_free(NULL);
	EXPECT_EQ(0, store_count(self->store));
}

/* nobody has read as much, so that nobody touches it */
TEST(store_bundle_of_too_many_bytes)
{
	char error[STORE_ERROR_MAX];
	struct bundle bundle;

	EXPECT_EQ(-E2BIG, bundle_parse("0", (size_t)INT_MAX + 1, 1, &bundle, error, sizeof(error)));
	EXPECT_STREQ("too many bytes", error);
}

TEST_F(store, refuses_a_private_key)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;

	PEM_write_bio_PrivateKey(bio, self->root->key, NULL, NULL, 0, NULL, NULL);
	BIO_write(bio, "", 1);
	BIO_get_mem_data(bio, &text);
	EXPECT_EQ(-EBADMSG, add(self->store, text, self->error));
	EXPECT_STREQ("PEM block 1 is a PRIVATE KEY, not a certificate", self->error);
	BIO_free(bio);
}

/* what a peer calls its PEM block does not reach a terminal as it is */
TEST_F(store, escapes_block_names)
{
	EXPECT_EQ(-EBADMSG,
		  add(self->store, "-----BEGIN A\x1b[2J-----\nAAAA\n-----END A\x1b[2J-----\n",
		      self->error));
	EXPECT_STREQ("PEM block 1 is a A\\x1b[2J, not a certificate", self->error);
}

/* two certificates in one block: the second would go unseen */
TEST_F(store, refuses_a_block_of_two)
{
	unsigned char der[4096], *at = der;
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;

	i2d_X509(self->root->certificate, &at);
	i2d_X509(self->ca->certificate, &at);
	PEM_write_bio(bio, PEM_STRING_X509, "", der, at - der);
	BIO_write(bio, "", 1);
	BIO_get_mem_data(bio, &text);
	EXPECT_EQ(-EBADMSG, add(self->store, text, self->error));
	EXPECT_STREQ("PEM block 1 has more than a certificate", self->error);
	BIO_free(bio);
}

TEST_F(store, refuses_half_a_block)
{
	char *end = strstr(self->pem, "-----END");

	EXPECT_EQ(-EINVAL, store_add_bytes(self->store, "file", self->pem,
					   (size_t)(strstr(self->pem, "-----BEGIN") - self->pem),
					   self->error, sizeof(self->error)));
	EXPECT_EQ(-EBADMSG,
		  store_add_bytes(self->store, "file", self->pem, (size_t)(end - self->pem),
				  self->error, sizeof(self->error)));
}

static void expect_no_errors(const char *what)
{
	EXPECT_EQ(0, ERR_peek_error()) { TH_LOG("%s: %s", what,
						ERR_reason_error_string(ERR_peek_error())); }
	ERR_clear_error();
}

static void add_unreadable(struct store *store, const struct made *made)
{
	char pem[4096] = "", error[STORE_ERROR_MAX];

	make_pem(made, pem, sizeof(pem));
	EXPECT_EQ(1, add(store, pem, error));
}

/* libssl would take what is left in the thread's queue for an error of a connection */
TEST_F(store, leaves_no_errors)
{
	static const char *const texts[] = {
		"",
		"text alone\n",
		"-----BEGIN CERTIFICATE-----\nAAAA\n",
		"-----BEGIN CERTIFICATE-----\nA!\n-----END CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
		"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n",
		"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
		"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: X,00\n\nAAAA\n"
		"-----END RSA PRIVATE KEY-----\n",
		"0",
		"0\x80\x01\x02",
	};
	static const char *const scopes[] = {
		"critical,onlyuser:TRUE", "DER:0500", "critical,DER:3003010100",
	};
	struct recipe recipe = { .name = "odd", .ca = true };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		EXPECT_GT(0, add(self->store, texts[i], self->error));
		expect_no_errors(texts[i]);
	}
	EXPECT_EQ(2, add(self->store, self->pem, self->error));
	expect_no_errors("certificates");
	for (size_t i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++) {
		make_crl(self->store, self->root, (struct crl_recipe){ .scope = scopes[i] });
		expect_no_errors(scopes[i]);
	}
	recipe.names = "DER:0500";
	add_unreadable(self->store, make(self->root, recipe));
	recipe.names = NULL;
	recipe.extended_key_usage = "DER:0500";
	add_unreadable(self->store, make(self->root, recipe));
	recipe.name_constraints = "DER:0500";
	add_unreadable(self->store, make(self->root, recipe));
	expect_no_errors("extensions that cannot be read");
}

/* what was there before is the caller's, and stays */
TEST_F(store, leaves_the_errors_of_others)
{
	ERR_raise(ERR_LIB_USER, 7);
	EXPECT_EQ(-EBADMSG, add(self->store, "-----BEGIN CERTIFICATE-----\nAAAA\n", self->error));
	EXPECT_EQ(2, add(self->store, self->pem, self->error));
	EXPECT_EQ(7, ERR_GET_REASON(ERR_get_error()));
	EXPECT_EQ(0, ERR_peek_error());
}

/* nor does a decision, whatever cannot be read in what a peer sent */
TEST_F(store, decision_leaves_no_errors)
{
	struct recipe recipes[] = {
		{ .name = "good", .names = "DNS:a.example" },
		{ .name = "a", .names = "DER:0500" },
		{ .name = "b", .extended_key_usage = "DER:0500" },
		{ .name = "c", .key_usage = "DER:0500" },
		{ .name = "d", .name_constraints = "DER:0500" },
		{ .name = "e", .basic_constraints = "critical,DER:0500" },
		{ .name = "f", .crl_points = "DER:0500" },
		{ .name = "g", .bad_signature = true },
		{ .name = "h", .unknown_critical = "1.2.3.4" },
		{ .name = "i", .key_type = "secp160r1" },
		{ 0 },
	};
	static const struct staple staple = { (const uint8_t *)"x", 1 };
	const struct rule rule = { .level = LEVEL_HIGH_REMOTE, .peer = PEER_CLIENT,
				   .crl = CRL_REQUIRE };
	struct cache *cache _cleanup_(cleanup_cache_free) = cache_new(4, 1 << 20);
	struct verdict verdict;

	ASSERT_EQ(2, add(self->store, self->pem, self->error));
	make_crl(self->store, self->root,
		 (struct crl_recipe){ .scope = "critical,DER:3003010100" });
	make_crl(self->store, self->ca, (struct crl_recipe){ .bad_signature = true });
	for (size_t i = 0; i < 2 * sizeof(recipes) / sizeof(recipes[0]); i++) {
		const struct made *leaf = make(i % 2 ? self->ca : NULL, recipes[i / 2]);
		const struct evidence evidence = {
			.store = self->store,
			.leaf = leaf->certificate,
			.untrusted = make_stack(leaf),
			.staple = staple,
			.cache = cache,
		};

		make_check(&evidence, &rule, MAKER_NOW, &verdict, NULL);
		EXPECT_FALSE(verdict.accepted);
		expect_no_errors(recipes[i / 2].name);
	}
}

static void expect_chain(const struct store *store, const struct made *certificate,
			 const struct made *const *expected)
{
	STACK_OF(X509) *chain = NULL;
	int count = 0;

	ASSERT_OK(store_chain(store, certificate->certificate, &chain));
	for (; expected[count]; count++) {
		ASSERT_LT(count, sk_X509_num(chain));
		EXPECT_EQ(0, X509_cmp(sk_X509_value(chain, count), expected[count]->certificate));
	}
	EXPECT_EQ(count, sk_X509_num(chain));
	EXPECT_EQ(0, ERR_peek_error());
	sk_X509_pop_free(chain, X509_free);
}
#define EXPECT_CHAIN(store, certificate, ...)                                                      \
	expect_chain(store, certificate, (const struct made *[]){ __VA_ARGS__, NULL })

/* from the identity upwards, without the root (RFC 8446 4.4.2) */
TEST_F(store, chain)
{
	const struct made *below = make(self->ca, (struct recipe){ .name = "Below", .ca = true });
	const struct made *leaf = make(below, (struct recipe){ .name = "leaf" });
	const struct made *stranger = make(make(NULL, (struct recipe){ .name = "Elsewhere" }),
					   (struct recipe){ .name = "leaf" });

	make_pem(below, self->pem, sizeof(self->pem));
	ASSERT_EQ(3, add(self->store, self->pem, self->error));
	EXPECT_CHAIN(self->store, leaf, below, self->ca);
	EXPECT_CHAIN(self->store, self->ca, NULL);
	EXPECT_CHAIN(self->store, self->root, NULL);
	EXPECT_CHAIN(self->store, stranger, NULL);
	EXPECT_CHAIN(make_store(NULL), leaf, NULL);

	/* a CA that is not there ends it */
	EXPECT_CHAIN(make_store(below, self->root), leaf, below);
	/* what is pinned, the identity too, is not offered twice */
	EXPECT_CHAIN(make_store(leaf, below), leaf, below);
}

/* of one name, a stranger is not offered */
TEST_F(store, chain_by_signature)
{
	struct recipe recipe = { .name = "CA", .ca = true };
	const struct made *leaf = make(self->ca, (struct recipe){ .name = "leaf" });

	EXPECT_CHAIN(make_store(make(self->root, recipe), self->ca), leaf, self->ca);
	EXPECT_CHAIN(make_store(make(self->root, recipe)), leaf, NULL);
}

/* of one name and key, the one that ends last, wherever it stands */
TEST_F(store, chain_of_a_renewed_ca)
{
	struct recipe recipe = { .name = "CA", .ca = true, .same_key = self->ca };
	const struct made *leaf = make(self->ca, (struct recipe){ .name = "leaf" });
	const struct made *later, *earlier;

	recipe.end = MAKER_NOW + 2 * MAKER_YEAR;
	later = make(self->root, recipe);
	recipe.end = MAKER_NOW - 1;
	earlier = make(self->root, recipe);
	EXPECT_CHAIN(make_store(earlier, self->ca, later), leaf, later);
	EXPECT_CHAIN(make_store(later, self->ca, earlier), leaf, later);
	EXPECT_CHAIN(make_store(earlier), leaf, earlier);
}

/* CAs that certified each other, and the identity among them */
TEST_F(store, chain_loop)
{
	struct recipe a = { .name = "A", .ca = true }, b = { .name = "B", .ca = true };
	const struct made *root_a = make(NULL, a), *root_b = make(NULL, b);

	a.same_key = root_a;
	b.same_key = root_b;
	const struct made *a_by_b = make(root_b, a), *b_by_a = make(root_a, b);
	const struct made *leaf = make(root_a, (struct recipe){ .name = "leaf" });
	struct store *store = make_store(a_by_b, b_by_a);

	EXPECT_CHAIN(store, leaf, a_by_b, b_by_a);
	EXPECT_CHAIN(store, a_by_b, b_by_a);
}

TEST_F(store, chain_is_bounded)
{
	const struct made *made[STORE_CHAIN_MAX + 3] = { self->root };
	STACK_OF(X509) *chain = NULL;
	int count = STORE_CHAIN_MAX + 2;

	for (int i = 1; i < count; i++) {
		char name[8];

		snprintf(name, sizeof(name), "CA %d", i);
		made[i] = make(made[i - 1], (struct recipe){ .name = name, .ca = true });
	}

	struct store *store = make_store_from(made);

	ASSERT_OK(store_chain(store, make(made[count - 1], (struct recipe){ 0 })->certificate,
			      &chain));
	EXPECT_EQ(STORE_CHAIN_MAX, sk_X509_num(chain));
	EXPECT_EQ(0, X509_cmp(sk_X509_value(chain, STORE_CHAIN_MAX - 1), made[2]->certificate));
	sk_X509_pop_free(chain, X509_free);
}
