// SPDX-License-Identifier: Apache-2.0
/* One public key may be written in several ways. */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "policy/key.h"
#include "tests/harness.h"

/* a certificate that has a key and nothing else */
static X509 *with_key(EVP_PKEY *key)
{
	X509 *certificate = X509_new();

	ASSERT_NOT_NULL(certificate);
	ASSERT_EQ(1, X509_set_pubkey(certificate, key));
	return certificate;
}

/* the same one, as it is read from a certificate that has its point in this form */
static X509 *with_point(EVP_PKEY *key, const char *form)
{
	ASSERT_EQ(1, EVP_PKEY_set_utf8_string_param(
			     key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, form));
	return with_key(key);
}

static void check(bool same, X509 *a, X509 *b)
{
	EXPECT_EQ(same, key_is_same(a, b));
	EXPECT_EQ(same, key_is_same(b, a));
}

TEST(keys_that_are_the_same)
{
	EVP_PKEY *keys[] = { EVP_EC_gen("P-256"), EVP_EC_gen("P-256"), EVP_EC_gen("P-384"),
			     EVP_RSA_gen(1024), EVP_RSA_gen(1024),
			     EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"),
			     EVP_PKEY_Q_keygen(NULL, NULL, "ED25519") };
	const size_t count = sizeof(keys) / sizeof(*keys);
	X509 *none = X509_new();
	size_t i, j;

	for (i = 0; i < count; i++) {
		X509 *one = with_key(keys[i]);

		check(false, one, none);
		for (j = 0; j < count; j++) {
			X509 *other = with_key(keys[j]);

			check(i == j, one, other);
			X509_free(other);
		}
		X509_free(one);
	}
	for (i = 0; i < count; i++)
		EVP_PKEY_free(keys[i]);
	X509_free(none);
}

TEST(points_in_other_forms)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *plain = with_point(key, "uncompressed");
	X509 *compressed = with_point(key, "compressed");
	X509 *hybrid = with_point(key, "hybrid");

	EXPECT_EQ(33, ASN1_STRING_length(X509_get0_pubkey_bitstr(compressed)));
	EXPECT_EQ(65, ASN1_STRING_length(X509_get0_pubkey_bitstr(hybrid)));
	check(true, plain, compressed);
	check(true, plain, hybrid);
	check(true, compressed, hybrid);
	X509_free(plain);
	X509_free(compressed);
	X509_free(hybrid);
	EVP_PKEY_free(key);
}
