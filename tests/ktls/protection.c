// SPDX-License-Identifier: Apache-2.0
#include "tests/ktls/protection.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include <openssl/evp.h>

#include "policy/cleanup.h"
#include "tests/harness.h"

#define TAG 16
#define HEADER 5

DEFINE_CLEANUP(EVP_CIPHER *, EVP_CIPHER_free);
DEFINE_CLEANUP(EVP_CIPHER_CTX *, EVP_CIPHER_CTX_free);

void protection_init(struct protection *protection, const struct ktls_crypto *crypto,
		     const struct ktls_cipher *cipher, const struct ktls_half *half)
{
	const struct ktls_aead *aead = cipher->aead;
	uint8_t info[KTLS_INFO_MAX];
	uint64_t seq;

	ASSERT_OK(ktls_keys_info(crypto, cipher, half, info));
	protection->cipher = cipher;
	memcpy(protection->key, info + aead->key_at, aead->key_len);
	memcpy(protection->nonce, info + aead->salt_at, aead->salt_len);
	memcpy(protection->nonce + aead->salt_len, info + aead->iv_at, aead->iv_len);
	memcpy(&seq, info + aead->seq_at, sizeof(seq));
	protection->seq = be64toh(seq);
}

/* Bytes of the nonce that travel in the record. */
static size_t explicit_len(const struct protection *protection)
{
	return protection->cipher->version == TLS1_3_VERSION ?
		       0 :
		       protection->cipher->aead->explicit_len;
}

/* RFC 8446 section 5.3 and RFC 7905 section 2; or RFC 5288 section 3 */
static void make_nonce(const struct protection *protection, uint8_t *nonce)
{
	memcpy(nonce, protection->nonce, KTLS_NONCE_LEN);
	if (explicit_len(protection))
		return;
	for (int i = 0; i < 8; i++)
		nonce[KTLS_NONCE_LEN - 1 - i] ^= (uint8_t)(protection->seq >> 8 * i);
}

/* RFC 8446 section 5.2: the header; RFC 5246 section 6.2.3.3: that with the length of the data */
static size_t make_aad(const struct protection *protection, const uint8_t *header, size_t len,
		       uint8_t *aad)
{
	uint64_t seq = htobe64(protection->seq);

	if (protection->cipher->version == TLS1_3_VERSION) {
		memcpy(aad, header, HEADER);
		return HEADER;
	}
	memcpy(aad, &seq, sizeof(seq));
	memcpy(aad + 8, header, 3);
	aad[11] = (uint8_t)(len >> 8);
	aad[12] = (uint8_t)len;
	return 13;
}

/* Encrypts or decrypts in one go; the tag stands behind the ciphertext. */
static int run_aead(const struct protection *protection, int encrypt, const uint8_t *header,
		    const uint8_t *nonce, const uint8_t *in, size_t len, uint8_t *out)
{
	_cleanup_(cleanup_EVP_CIPHER_free) EVP_CIPHER *aead =
		EVP_CIPHER_fetch(NULL, protection->cipher->aead->name, NULL);
	_cleanup_(cleanup_EVP_CIPHER_CTX_free) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t aad[13], tag[TAG];
	size_t aad_len = make_aad(protection, header, len, aad);
	int n;

	ASSERT_EQ(1, EVP_CipherInit_ex2(ctx, aead, protection->key, nonce, encrypt, NULL));
	ASSERT_EQ(1, EVP_CipherUpdate(ctx, NULL, &n, aad, (int)aad_len));
	ASSERT_EQ(1, EVP_CipherUpdate(ctx, out, &n, in, (int)len));
	if (encrypt) {
		ASSERT_EQ(1, EVP_CipherFinal_ex(ctx, out + n, &n));
		ASSERT_EQ(1, EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG, out + len));
		return 0;
	}
	memcpy(tag, in + len, TAG);
	ASSERT_EQ(1, EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG, tag));
	return EVP_CipherFinal_ex(ctx, out + n, &n) == 1 ? 0 : -EBADMSG;
}

size_t protection_seal(struct protection *protection, uint8_t type, const void *data, size_t len,
		       uint8_t *record)
{
	bool is_tls13 = protection->cipher->version == TLS1_3_VERSION;
	size_t explicit = explicit_len(protection);
	size_t inner = len + is_tls13;
	size_t body = explicit + inner + TAG;
	uint8_t plain[PROTECTION_RECORD_MAX], nonce[KTLS_NONCE_LEN];

	ASSERT_LE(HEADER + body, PROTECTION_RECORD_MAX);
	memcpy(plain, data, len);
	plain[len] = type;
	memcpy(record, (const uint8_t[]){ is_tls13 ? SSL3_RT_APPLICATION_DATA : type, 3, 3 }, 3);
	record[3] = (uint8_t)(body >> 8);
	record[4] = (uint8_t)body;
	make_nonce(protection, nonce);
	memcpy(record + HEADER, nonce + KTLS_NONCE_LEN - explicit, explicit);
	run_aead(protection, 1, record, nonce, plain, inner, record + HEADER + explicit);
	protection->seq++;
	/* Of eight bytes the lowest alone: no test seals more than a few records. */
	protection->nonce[KTLS_NONCE_LEN - 1] += explicit != 0;
	return HEADER + body;
}

ssize_t protection_open(struct protection *protection, const uint8_t *record, size_t len,
			uint8_t *type, uint8_t *data)
{
	size_t explicit = explicit_len(protection);
	uint8_t nonce[KTLS_NONCE_LEN];
	size_t inner = len - HEADER - explicit - TAG;

	ASSERT_GE(len, HEADER + explicit + TAG);
	ASSERT_EQ(len - HEADER, (size_t)(record[3] << 8 | record[4]));
	make_nonce(protection, nonce);
	memcpy(nonce + KTLS_NONCE_LEN - explicit, record + HEADER, explicit);
	if (run_aead(protection, 0, record, nonce, record + HEADER + explicit, inner, data))
		return -EBADMSG;
	protection->seq++;
	*type = record[0];
	if (protection->cipher->version == TLS1_3_VERSION)
		*type = data[--inner];
	return (ssize_t)inner;
}
