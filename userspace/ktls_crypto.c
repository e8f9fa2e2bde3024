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

struct ktls_crypto {
	EVP_KDF *tls13; /* HKDF-Expand-Label */
	EVP_KDF *tls12; /* PRF */
};

DEFINE_CLEANUP(struct ktls_crypto *, ktls_crypto_free);
DEFINE_CLEANUP(EVP_KDF_CTX *, EVP_KDF_CTX_free);

int ktls_crypto_new(struct ktls_crypto **out)
{
	_cleanup_(cleanup_ktls_crypto_free) struct ktls_crypto *crypto = calloc(1, sizeof(*crypto));

	if (!crypto)
		return -ENOMEM;
	crypto->tls13 = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_TLS1_3_KDF, NULL);
	crypto->tls12 = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_TLS1_PRF, NULL);
	if (!crypto->tls13 || !crypto->tls12)
		return -ENOTSUP;
	*out = TAKE_PTR(crypto);
	return 0;
}

void ktls_crypto_free(struct ktls_crypto *crypto)
{
	if (!crypto)
		return;
	EVP_KDF_free(crypto->tls13);
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

int ktls_crypto_expand_label(const struct ktls_crypto *crypto, const char *digest,
			     const uint8_t *secret, size_t secret_len, const char *label,
			     size_t out_len, uint8_t *out)
{
	static const char prefix[] = "tls13 ";
	int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
		text(OSSL_KDF_PARAM_DIGEST, digest),
		octets(OSSL_KDF_PARAM_KEY, secret, secret_len),
		octets(OSSL_KDF_PARAM_PREFIX, prefix, sizeof(prefix) - 1),
		octets(OSSL_KDF_PARAM_LABEL, label, strlen(label)),
		OSSL_PARAM_construct_end(),
	};

	return derive(crypto->tls13, params, out_len, out);
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
