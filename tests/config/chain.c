// SPDX-License-Identifier: Apache-2.0
/* How the chain of an identity is completed from the trust store. */
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "tests/harness.h"
#include "userspace/identity.h"

enum { CHAIN_ROOT, CHAIN_UPPER, CHAIN_MIDDLE, CHAIN_LEAF, CHAIN_COUNT };

FIXTURE(chain)
{
	X509 *certificates[CHAIN_COUNT]; /* each issued by the one before it */
	EVP_PKEY *keys[CHAIN_COUNT];
	struct store *store;
	struct identity identity;
};

static X509 *chain_issue(int number, EVP_PKEY *key, const X509 *issuer, EVP_PKEY *issuer_key)
{
	static const char *const names[] = { "root", "upper", "middle", "leaf" };
	X509 *made = X509_new();
	X509_NAME *name = X509_get_subject_name(made);
	X509_EXTENSION *ca =
		X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:TRUE");

	ASSERT_EQ(1, X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
						(const unsigned char *)names[number], -1, -1, 0));
	ASSERT_EQ(1, X509_set_issuer_name(made, issuer ? X509_get_subject_name(issuer) : name));
	ASSERT_EQ(1, X509_set_version(made, X509_VERSION_3));
	ASSERT_EQ(1, ASN1_INTEGER_set(X509_get_serialNumber(made), number + 1));
	ASN1_TIME_set(X509_getm_notBefore(made), 0);
	ASN1_TIME_set(X509_getm_notAfter(made), 1 << 30);
	ASSERT_EQ(1, X509_set_pubkey(made, key));
	ASSERT_EQ(1, X509_add_ext(made, ca, -1));
	ASSERT_LT(0, X509_sign(made, issuer_key, EVP_sha256()));
	X509_EXTENSION_free(ca);
	return made;
}

FIXTURE_SETUP(chain)
{
	for (int i = 0; i < CHAIN_COUNT; i++) {
		self->keys[i] = EVP_EC_gen("P-256");
		ASSERT_NOT_NULL(self->keys[i]);
		self->certificates[i] = chain_issue(i, self->keys[i],
						    i ? self->certificates[i - 1] : NULL,
						    self->keys[i ? i - 1 : 0]);
	}
	self->store = store_new(1);
	self->identity.certificate = self->certificates[CHAIN_LEAF];
	self->identity.chain = sk_X509_new_null();
}

FIXTURE_TEARDOWN(chain)
{
	sk_X509_pop_free(self->identity.chain, X509_free);
	for (int i = 0; i < CHAIN_COUNT; i++) {
		X509_free(self->certificates[i]);
		EVP_PKEY_free(self->keys[i]);
	}
	store_free(self->store);
}

static void chain_trust(FIXTURE_DATA(chain) *self, int number)
{
	unsigned char *der = NULL;
	int len = i2d_X509(self->certificates[number], &der);

	ASSERT_LT(0, len);
	ASSERT_EQ(1, store_add_bytes(self->store, "a", der, (size_t)len, NULL, 0));
	OPENSSL_free(der);
}

/* What stands in the identity's own file. */
static void chain_own(FIXTURE_DATA(chain) *self, int number)
{
	ASSERT_EQ(1, X509_up_ref(self->certificates[number]));
	ASSERT_LT(0, sk_X509_push(self->identity.chain, self->certificates[number]));
	self->identity.chain_own++;
}

static void chain_expect(FIXTURE_DATA(chain) *self, int first, int second)
{
	ASSERT_OK(identity_complete_chain(&self->identity, self->store));
	ASSERT_EQ(2, sk_X509_num(self->identity.chain));
	EXPECT_EQ(0, X509_cmp(self->certificates[first],
			      sk_X509_value(self->identity.chain, 0)));
	EXPECT_EQ(0, X509_cmp(self->certificates[second],
			      sk_X509_value(self->identity.chain, 1)));
}

TEST_F(chain, all_of_the_store)
{
	chain_trust(self, CHAIN_ROOT);
	chain_trust(self, CHAIN_UPPER);
	chain_trust(self, CHAIN_MIDDLE);
	chain_expect(self, CHAIN_MIDDLE, CHAIN_UPPER);
}

/* the store does not have what the file has, only what comes after it */
TEST_F(chain, after_its_own)
{
	chain_own(self, CHAIN_MIDDLE);
	chain_trust(self, CHAIN_UPPER);
	chain_expect(self, CHAIN_MIDDLE, CHAIN_UPPER);
	EXPECT_EQ(1, self->identity.chain_own);
}

/* a file in another order is offered as it is, and nothing of it twice */
TEST_F(chain, order_of_the_file)
{
	chain_own(self, CHAIN_UPPER);
	chain_own(self, CHAIN_MIDDLE);
	chain_trust(self, CHAIN_UPPER);
	chain_expect(self, CHAIN_UPPER, CHAIN_MIDDLE);
}
