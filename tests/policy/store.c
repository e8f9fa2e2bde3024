// SPDX-License-Identifier: Apache-2.0
/* The trusted certificate store: what it takes, what it refuses, and whole or not at all. */
#include <errno.h>
#include <openssl/pem.h>
#include <string.h>

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

TEST_F(store, refuses_a_trailing_object)
{
	char *end = strstr(self->pem, "-----END");

	/* two certificates in one block: the second would go unseen */
	EXPECT_EQ(-EINVAL, store_add_bytes(self->store, "file", self->pem,
					   (size_t)(strstr(self->pem, "-----BEGIN") - self->pem),
					   self->error, sizeof(self->error)));
	EXPECT_EQ(-EBADMSG,
		  store_add_bytes(self->store, "file", self->pem, (size_t)(end - self->pem),
				  self->error, sizeof(self->error)));
}

TEST_F(store, issuers)
{
	const struct made *leaf = make(self->ca, (struct recipe){ .name = "leaf" });
	STACK_OF(X509) *chain = NULL;

	ASSERT_EQ(2, add(self->store, self->pem, self->error));
	ASSERT_OK(store_issuers(self->store, leaf->certificate, 8, &chain));
	EXPECT_EQ(2, sk_X509_num(chain));
	EXPECT_EQ(0, X509_cmp(sk_X509_value(chain, 0), self->ca->certificate));
	EXPECT_EQ(0, X509_cmp(sk_X509_value(chain, 1), self->root->certificate));
	sk_X509_pop_free(chain, X509_free);

	ASSERT_OK(store_issuers(self->store, leaf->certificate, 1, &chain));
	EXPECT_EQ(1, sk_X509_num(chain));
	sk_X509_pop_free(chain, X509_free);

	ASSERT_OK(store_issuers(self->store, self->root->certificate, 8, &chain));
	EXPECT_EQ(0, sk_X509_num(chain));
	sk_X509_pop_free(chain, X509_free);
}

/* a stranger of the issuer's name is not offered, and a loop ends */
TEST_F(store, issuers_by_key)
{
	struct recipe a = { .name = "A", .ca = true }, b = { .name = "B", .ca = true };
	const struct made *root_a = make(NULL, a), *root_b = make(NULL, b);

	a.same_key = root_a;
	b.same_key = root_b;
	struct store *store = make_store(make(NULL, (struct recipe){ .name = "A", .ca = true }),
					 make(root_b, a), make(root_a, b));
	const struct made *leaf = make(root_a, (struct recipe){ .name = "leaf" });
	STACK_OF(X509) *chain = NULL;

	ASSERT_OK(store_issuers(store, leaf->certificate, 100, &chain));
	EXPECT_EQ(2, sk_X509_num(chain));
	sk_X509_pop_free(chain, X509_free);
}
