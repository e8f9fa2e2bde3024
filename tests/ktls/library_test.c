// SPDX-License-Identifier: Apache-2.0
/* The library context of handshakes: all that a peer's certificate may hold, and little else. */
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>

#include "tests/harness.h"
#include "userspace/tls_library.h"

FIXTURE(library) {
	struct tls_library library;
};

FIXTURE_VARIANT(library) {
	const char *type, *group;
	bool signs;
};

FIXTURE_VARIANT_ADD(library, rsa) { .type = "RSA", .signs = true };
FIXTURE_VARIANT_ADD(library, p256) { .type = "EC", .group = "P-256", .signs = true };
FIXTURE_VARIANT_ADD(library, p384) { .type = "EC", .group = "P-384", .signs = true };
FIXTURE_VARIANT_ADD(library, p521) { .type = "EC", .group = "P-521", .signs = true };
FIXTURE_VARIANT_ADD(library, ed25519) { .type = "ED25519", .signs = true };
FIXTURE_VARIANT_ADD(library, ed448) { .type = "ED448", .signs = true };
FIXTURE_VARIANT_ADD(library, x25519) { .type = "X25519" };

FIXTURE_SETUP(library)
{
	ASSERT_OK(tls_library_new(&self->library));
	if (!self->library.ctx)
		SKIP("this host's OpenSSL is configured for FIPS, or without its default provider");
}

FIXTURE_TEARDOWN(library)
{
	tls_library_free(&self->library);
	/* nothing is left to be freed */
	tls_library_free(&self->library);
}

static EVP_PKEY *make_key(const char *type, const char *group)
{
	if (group)
		return EVP_EC_gen(group);
	return strcmp(type, "RSA") ? EVP_PKEY_Q_keygen(NULL, NULL, type) : EVP_RSA_gen(2048);
}

/* a certificate over key, signed by signer, as bytes; the caller's to free */
static int make_certificate(EVP_PKEY *key, EVP_PKEY *signer, unsigned char **der)
{
	X509 *certificate = X509_new();
	int type = EVP_PKEY_get_base_id(signer), len;

	ASSERT_NOT_NULL(certificate);
	ASSERT_EQ(1, X509_set_pubkey(certificate, key));
	ASSERT_NOT_NULL(X509_gmtime_adj(X509_getm_notBefore(certificate), 0));
	ASSERT_NOT_NULL(X509_gmtime_adj(X509_getm_notAfter(certificate), 3600));
	ASSERT_LT(0, X509_sign(certificate, signer,
			       type == EVP_PKEY_ED25519 || type == EVP_PKEY_ED448 ? NULL :
										    EVP_sha256()));
	len = i2d_X509(certificate, der);
	ASSERT_LT(0, len);
	X509_free(certificate);
	return len;
}

TEST_F(library, reads_keys_of_certificates)
{
	EVP_PKEY *key = make_key(variant->type, variant->group), *signer = variant->signs ? key : EVP_EC_gen("P-256");
	unsigned char *der = NULL;
	int len = make_certificate(key, signer, &der);
	const unsigned char *at = der;
	X509 *read = X509_new_ex(self->library.ctx, NULL);

	ASSERT_NOT_NULL(d2i_X509(&read, &at, len));
	if (variant->signs) {
		ASSERT_NOT_NULL(X509_get0_pubkey(read));
		EXPECT_EQ(1, EVP_PKEY_eq(key, X509_get0_pubkey(read)));
		EXPECT_EQ(1, X509_verify(read, X509_get0_pubkey(read)));
	} else {
		EXPECT_TRUE(!X509_get0_pubkey(read));
	}
	X509_free(read);
	OPENSSL_free(der);
	if (signer != key)
		EVP_PKEY_free(signer);
	EVP_PKEY_free(key);
}

static bool has_cipher(const struct tls_library *library, const char *name)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(library->ctx, name, NULL);

	EVP_CIPHER_free(cipher);
	return cipher;
}

TEST(ciphers_of_kernel_tls_alone)
{
	struct tls_library library;

	ASSERT_OK(tls_library_new(&library));
	if (!library.ctx)
		SKIP("this host's OpenSSL is configured for FIPS, or without its default provider");
	EXPECT_TRUE(has_cipher(&library, "AES-128-GCM"));
	EXPECT_TRUE(has_cipher(&library, "AES-256-GCM"));
	EXPECT_TRUE(has_cipher(&library, "ChaCha20-Poly1305"));
	EXPECT_TRUE(!has_cipher(&library, "AES-128-CBC"));
	EXPECT_TRUE(!has_cipher(&library, "NULL"));
	tls_library_free(&library);
}

HARNESS_MAIN
