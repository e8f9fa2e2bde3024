// SPDX-License-Identifier: Apache-2.0
#include "userspace/ktls_crypto.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/ssl.h>

#include "policy/cleanup.h"
#include "userspace/ktls_capture.h"

#define CRYPTO_PREFIX "tls13 "
#define CRYPTO_PREFIX_LEN (sizeof(CRYPTO_PREFIX) - 1)
#define CRYPTO_LABEL_MAX 16 /* bytes of a label without that */
/* struct HkdfLabel without a context, and the number of HKDF's block */
#define CRYPTO_INFO_MAX (2 + 1 + CRYPTO_PREFIX_LEN + CRYPTO_LABEL_MAX + 1 + 1)

struct ktls_crypto {
	EVP_MAC_CTX *sha256, *sha384; /* HMAC, each with its digest: fetched once */
	EVP_KDF *tls12; /* PRF */
};

DEFINE_CLEANUP(struct ktls_crypto *, ktls_crypto_free);
DEFINE_CLEANUP(EVP_KDF_CTX *, EVP_KDF_CTX_free);
DEFINE_CLEANUP(EVP_MAC *, EVP_MAC_free);

/* OSSL_PARAM has no const, though a derivation only reads what it is given. */
static OSSL_PARAM octets(const char *key, const void *value, size_t len)
{
	return OSSL_PARAM_construct_octet_string(key, (void *)(uintptr_t)value, len);
}

static OSSL_PARAM text(const char *key, const char *value)
{
	return OSSL_PARAM_construct_utf8_string(key, (char *)(uintptr_t)value, 0);
}

static EVP_MAC_CTX *crypto_hmac(EVP_MAC *hmac, const char *digest)
{
	const OSSL_PARAM params[] = { text(OSSL_MAC_PARAM_DIGEST, digest),
				      OSSL_PARAM_construct_end() };
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(hmac);

	if (ctx && EVP_MAC_CTX_set_params(ctx, params))
		return ctx;
	EVP_MAC_CTX_free(ctx);
	return NULL;
}

int ktls_crypto_new(struct ktls_crypto **out)
{
	_cleanup_(cleanup_ktls_crypto_free) struct ktls_crypto *crypto = calloc(1, sizeof(*crypto));
	_cleanup_(cleanup_EVP_MAC_free) EVP_MAC *hmac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);

	if (!crypto)
		return -ENOMEM;
	crypto->tls12 = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_TLS1_PRF, NULL);
	if (hmac) {
		crypto->sha256 = crypto_hmac(hmac, "SHA256");
		crypto->sha384 = crypto_hmac(hmac, "SHA384");
	}
	if (!crypto->tls12 || !crypto->sha256 || !crypto->sha384)
		return -ENOTSUP;
	*out = TAKE_PTR(crypto);
	return 0;
}

void ktls_crypto_free(struct ktls_crypto *crypto)
{
	if (!crypto)
		return;
	EVP_MAC_CTX_free(crypto->sha256);
	EVP_MAC_CTX_free(crypto->sha384);
	EVP_KDF_free(crypto->tls12);
	free(crypto);
}

/* The context is new each time, as it keeps a copy of the secret until it is freed. */
static int derive(EVP_KDF *kdf, const OSSL_PARAM *params, size_t out_len, uint8_t *out)
{
	_cleanup_(cleanup_EVP_KDF_CTX_free) EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);

	return ctx && EVP_KDF_derive(ctx, out, out_len, params) == 1 ? 0 : -EIO;
}

/* struct HkdfLabel of RFC 8446 section 7.1, and what HKDF-Expand() puts behind it for one block */
static size_t crypto_info(const char *label, size_t out_len, uint8_t info[CRYPTO_INFO_MAX])
{
	const size_t label_len = strlen(label);
	size_t at = 0;

	info[at++] = 0;
	info[at++] = (uint8_t)out_len;
	info[at++] = (uint8_t)(CRYPTO_PREFIX_LEN + label_len);
	memcpy(info + at, CRYPTO_PREFIX, CRYPTO_PREFIX_LEN);
	at += CRYPTO_PREFIX_LEN;
	memcpy(info + at, label, label_len);
	at += label_len;
	info[at++] = 0;
	info[at++] = 1;
	return at;
}

int ktls_crypto_expand_label(const struct ktls_crypto *crypto, const uint8_t *secret,
			     size_t secret_len, const char *label, size_t out_len, uint8_t *out)
{
	static const uint8_t nothing[KTLS_SECRET_MAX];
	EVP_MAC_CTX *hmac = secret_len == 48 ? crypto->sha384 : crypto->sha256;
	uint8_t info[CRYPTO_INFO_MAX], block[KTLS_SECRET_MAX];
	size_t len;
	bool done;

	if ((secret_len != 32 && secret_len != 48) || out_len > secret_len ||
	    strlen(label) > CRYPTO_LABEL_MAX)
		return -EINVAL;
	len = crypto_info(label, out_len, info);
	done = EVP_MAC_init(hmac, secret, secret_len, NULL) == 1 &&
	       EVP_MAC_update(hmac, info, len) == 1 &&
	       EVP_MAC_final(hmac, block, &len, sizeof(block)) == 1;
	/* it keeps its key until it has another one */
	done = EVP_MAC_init(hmac, nothing, secret_len, NULL) == 1 && done;
	if (done)
		memcpy(out, block, out_len);
	OPENSSL_cleanse(block, sizeof(block));
	return done ? 0 : -EIO;
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
