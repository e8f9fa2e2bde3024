// SPDX-License-Identifier: Apache-2.0
#include "userspace/ktls_crypto.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/ssl.h>

#include "policy/cleanup.h"
#include "userspace/hkdf.h"

struct ktls_crypto {
	struct hkdf *sha256, *sha384;
	EVP_KDF *tls12; /* PRF */
};

DEFINE_CLEANUP(struct ktls_crypto *, ktls_crypto_free);
DEFINE_CLEANUP(EVP_KDF_CTX *, EVP_KDF_CTX_free);

int ktls_crypto_new(struct ktls_crypto **out)
{
	_cleanup_(cleanup_ktls_crypto_free) struct ktls_crypto *crypto = calloc(1, sizeof(*crypto));

	int err;

	if (!crypto)
		return -ENOMEM;
	crypto->tls12 = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_TLS1_PRF, NULL);
	if (!crypto->tls12)
		return -ENOTSUP;
	err = hkdf_new("SHA256", &crypto->sha256);
	if (!err)
		err = hkdf_new("SHA384", &crypto->sha384);
	if (err)
		return err;
	*out = TAKE_PTR(crypto);
	return 0;
}

void ktls_crypto_free(struct ktls_crypto *crypto)
{
	if (!crypto)
		return;
	hkdf_free(crypto->sha256);
	hkdf_free(crypto->sha384);
	EVP_KDF_free(crypto->tls12);
	free(crypto);
}

/* OSSL_PARAM has no const, though a derivation only reads what it is given. */
static OSSL_PARAM octets(const char *key, const void *value, size_t len)
{
	return OSSL_PARAM_construct_octet_string(key, (void *)(uintptr_t)value, len);
}

static OSSL_PARAM text(const char *key, const char *value)
{
	return OSSL_PARAM_construct_utf8_string(key, (char *)(uintptr_t)value, 0);
}

/* The context is new each time, as it keeps a copy of the secret until it is freed. */
static int derive(EVP_KDF *kdf, const OSSL_PARAM *params, size_t out_len, uint8_t *out)
{
	_cleanup_(cleanup_EVP_KDF_CTX_free) EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);

	return ctx && EVP_KDF_derive(ctx, out, out_len, params) == 1 ? 0 : -EIO;
}

int ktls_crypto_expand_label(const struct ktls_crypto *crypto, const uint8_t *secret,
			     size_t secret_len, const char *label, size_t out_len, uint8_t *out)
{
	struct hkdf *hkdf = secret_len == hkdf_len(crypto->sha384) ? crypto->sha384 : crypto->sha256;

	if (secret_len != hkdf_len(hkdf))
		return -EINVAL;
	return hkdf_expand_label(hkdf, (struct hkdf_bytes){ secret, secret_len },
				 (struct hkdf_bytes){ (const uint8_t *)label, strlen(label) },
				 (struct hkdf_bytes){ 0 }, out_len, out);
}

int ktls_crypto_key_block(const struct ktls_crypto *crypto, const char *digest,
			  const uint8_t *master, size_t master_len, const uint8_t *server_random,
			  const uint8_t *client_random, size_t out_len, uint8_t *out)
{
	static const char label[] = "key expansion";
	/* Several seeds are taken one after the other. */
	const OSSL_PARAM params[] = {
		text(OSSL_KDF_PARAM_DIGEST, digest),
		octets(OSSL_KDF_PARAM_SECRET, master, master_len),
		octets(OSSL_KDF_PARAM_SEED, label, sizeof(label) - 1),
		octets(OSSL_KDF_PARAM_SEED, server_random, SSL3_RANDOM_SIZE),
		octets(OSSL_KDF_PARAM_SEED, client_random, SSL3_RANDOM_SIZE),
		OSSL_PARAM_construct_end(),
	};

	return derive(crypto->tls12, params, out_len, out);
}
