// SPDX-License-Identifier: Apache-2.0
#include "userspace/hkdf.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#define HKDF_BLOCK_MAX 128 /* bytes of a block of SHA-384 */
#define HKDF_CONTEXT_MAX 255
#define HKDF_PREFIX "tls13 "
#define HKDF_PREFIX_LEN (sizeof(HKDF_PREFIX) - 1)
/* struct HkdfLabel, and the number of HKDF's block */
#define HKDF_INFO_MAX (2 + 1 + HKDF_PREFIX_LEN + HKDF_LABEL_MAX + 1 + HKDF_CONTEXT_MAX + 1)

struct hkdf {
	EVP_MD *md;
	EVP_MD_CTX *ctx;
	size_t len, block;
	uint8_t of_nothing[HKDF_LEN_MAX]; /* the digest of no bytes */
};

int hkdf_new(const char *digest, struct hkdf **out)
{
	struct hkdf *hkdf = calloc(1, sizeof(*hkdf));
	int err = -ENOMEM;

	if (!hkdf)
		return err;
	hkdf->ctx = EVP_MD_CTX_new();
	if (!hkdf->ctx)
		goto fail;
	err = -ENOTSUP;
	hkdf->md = EVP_MD_fetch(NULL, digest, NULL);
	if (!hkdf->md)
		goto fail;
	hkdf->len = (size_t)EVP_MD_get_size(hkdf->md);
	hkdf->block = (size_t)EVP_MD_get_block_size(hkdf->md);
	if (hkdf->len > HKDF_LEN_MAX || hkdf->block > HKDF_BLOCK_MAX ||
	    EVP_DigestInit_ex(hkdf->ctx, hkdf->md, NULL) != 1 ||
	    EVP_DigestFinal_ex(hkdf->ctx, hkdf->of_nothing, NULL) != 1)
		goto fail;
	*out = hkdf;
	return 0;
fail:
	hkdf_free(hkdf);
	return err;
}

void hkdf_free(struct hkdf *hkdf)
{
	if (!hkdf)
		return;
	EVP_MD_CTX_free(hkdf->ctx);
	EVP_MD_free(hkdf->md);
	free(hkdf);
}

size_t hkdf_len(const struct hkdf *hkdf)
{
	return hkdf->len;
}

/* One of the two passes of HMAC (RFC 2104): the digest of the padded key and bytes. */
static bool hkdf_pass(struct hkdf *hkdf, struct hkdf_bytes key, uint8_t pad,
		      struct hkdf_bytes bytes, uint8_t *out)
{
	uint8_t block[HKDF_BLOCK_MAX];
	bool done;
	size_t i;

	memset(block, pad, hkdf->block);
	for (i = 0; i < key.len; i++)
		block[i] ^= key.bytes[i];
	done = EVP_DigestInit_ex(hkdf->ctx, hkdf->md, NULL) == 1 &&
	       EVP_DigestUpdate(hkdf->ctx, block, hkdf->block) == 1 &&
	       EVP_DigestUpdate(hkdf->ctx, bytes.bytes, bytes.len) == 1 &&
	       EVP_DigestFinal_ex(hkdf->ctx, out, NULL) == 1;
	OPENSSL_cleanse(block, sizeof(block));
	return done;
}

/* out has hkdf->len bytes */
static int hkdf_hmac(struct hkdf *hkdf, struct hkdf_bytes key, struct hkdf_bytes bytes,
		     uint8_t *out)
{
	uint8_t inner[HKDF_LEN_MAX];
	bool done;

	if (key.len > hkdf->block)
		return -EINVAL;
	done = hkdf_pass(hkdf, key, 0x36, bytes, inner) &&
	       hkdf_pass(hkdf, key, 0x5c, (struct hkdf_bytes){ inner, hkdf->len }, out);
	/* what has ended still holds what it came to */
	done = EVP_DigestInit_ex(hkdf->ctx, hkdf->md, NULL) == 1 && done;
	OPENSSL_cleanse(inner, sizeof(inner));
	return done ? 0 : -EIO;
}

static size_t hkdf_put(uint8_t *at, const void *bytes, size_t len)
{
	if (len)
		memcpy(at, bytes, len);
	return len;
}

int hkdf_expand_label(struct hkdf *hkdf, struct hkdf_bytes secret, struct hkdf_bytes label,
		      struct hkdf_bytes context, size_t len, uint8_t *out)
{
	uint8_t info[HKDF_INFO_MAX], block[HKDF_LEN_MAX];
	size_t at = 0;
	int err;

	if (!secret.len || len > hkdf->len || label.len > HKDF_LABEL_MAX ||
	    context.len > HKDF_CONTEXT_MAX)
		return -EINVAL;
	info[at++] = 0;
	info[at++] = (uint8_t)len;
	info[at++] = (uint8_t)(HKDF_PREFIX_LEN + label.len);
	at += hkdf_put(info + at, HKDF_PREFIX, HKDF_PREFIX_LEN);
	at += hkdf_put(info + at, label.bytes, label.len);
	info[at++] = (uint8_t)context.len;
	at += hkdf_put(info + at, context.bytes, context.len);
	info[at++] = 1;
	err = hkdf_hmac(hkdf, secret, (struct hkdf_bytes){ info, at }, block);
	if (!err)
		memcpy(out, block, len);
	OPENSSL_cleanse(block, sizeof(block));
	return err;
}

int hkdf_extract(struct hkdf *hkdf, struct hkdf_bytes before, struct hkdf_bytes label,
		 struct hkdf_bytes input, uint8_t *out)
{
	static const uint8_t zeros[HKDF_LEN_MAX];
	uint8_t salt[HKDF_LEN_MAX] = { 0 };
	int err = 0;

	if (!input.bytes)
		input = (struct hkdf_bytes){ zeros, hkdf->len };
	if (before.bytes)
		err = hkdf_expand_label(hkdf, before, label,
					(struct hkdf_bytes){ hkdf->of_nothing, hkdf->len },
					hkdf->len, salt);
	if (!err)
		err = hkdf_hmac(hkdf, (struct hkdf_bytes){ salt, hkdf->len }, input, out);
	OPENSSL_cleanse(salt, sizeof(salt));
	return err;
}
