// SPDX-License-Identifier: Apache-2.0
#include "userspace/ktls_cipher.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/tls.h>
#include <openssl/ssl.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define MEMBER_SIZE(type, member) sizeof(((type *)0)->member)

/* Where the fields of a struct tls12_crypto_info_* are; all of them have the same names. */
#define AEAD_LAYOUT(info)                                                                          \
	.key_len = MEMBER_SIZE(info, key), .salt_len = MEMBER_SIZE(info, salt),                    \
	.iv_len = MEMBER_SIZE(info, iv), .key_at = offsetof(info, key),                            \
	.salt_at = offsetof(info, salt), .iv_at = offsetof(info, iv),                              \
	.seq_at = offsetof(info, rec_seq), .info_size = sizeof(info)

#define AEAD_FITS(info)                                                                            \
	_Static_assert(sizeof(info) <= KTLS_INFO_MAX &&                                            \
			       MEMBER_SIZE(info, key) <= KTLS_KEY_MAX &&                           \
			       MEMBER_SIZE(info, salt) + MEMBER_SIZE(info, iv) ==                  \
				       KTLS_NONCE_LEN &&                                           \
			       MEMBER_SIZE(info, rec_seq) == sizeof(uint64_t),                     \
		       "another layout than the code expects")

AEAD_FITS(struct tls12_crypto_info_aes_gcm_128);
AEAD_FITS(struct tls12_crypto_info_aes_gcm_256);
AEAD_FITS(struct tls12_crypto_info_chacha20_poly1305);

/* RFC 8446 section 5.5: about 2^24.5; what is on its way then comes on top */
#define GCM_RECORDS_MAX (1U << 24)

static const struct ktls_aead aeads[] = {
	[KTLS_AES_128_GCM] = {
		.name = "AES-128-GCM",
		.type = TLS_CIPHER_AES_GCM_128,
		.records_max = GCM_RECORDS_MAX,
		.explicit_len = 8,
		AEAD_LAYOUT(struct tls12_crypto_info_aes_gcm_128),
	},
	[KTLS_AES_256_GCM] = {
		.name = "AES-256-GCM",
		.type = TLS_CIPHER_AES_GCM_256,
		.records_max = GCM_RECORDS_MAX,
		.explicit_len = 8,
		AEAD_LAYOUT(struct tls12_crypto_info_aes_gcm_256),
	},
	[KTLS_CHACHA20_POLY1305] = {
		.name = "CHACHA20-POLY1305",
		.type = TLS_CIPHER_CHACHA20_POLY1305,
		.records_max = 0, /* RFC 8446 section 5.5: the record number would overflow before */
		.explicit_len = 0, /* RFC 7905 section 2: as in TLS 1.3 */
		AEAD_LAYOUT(struct tls12_crypto_info_chacha20_poly1305),
	},
};

_Static_assert(ARRAY_SIZE(aeads) == KTLS_AEAD_COUNT, "an AEAD without a row");

#define TLS13(id, suite_name, md, md_len, aead_id)                                                 \
	{ .version = TLS1_3_VERSION, .suite = (id), .name = (suite_name), .digest = (md),          \
	  .digest_len = (md_len), .aead = &aeads[aead_id] }
#define TLS12(id, suite_name, md, md_len, aead_id)                                                 \
	{ .version = TLS1_2_VERSION, .suite = (id), .name = (suite_name), .digest = (md),          \
	  .digest_len = (md_len), .aead = &aeads[aead_id] }

#define STATIC_RSA(id, suite_name, md, md_len, aead_id)                                            \
	{ .version = TLS1_2_VERSION, .suite = (id), .name = (suite_name), .digest = (md),          \
	  .digest_len = (md_len), .static_rsa = true, .aead = &aeads[aead_id] }

/* In order of preference. What has no forward secrecy is offered where a line asks for it. */
static const struct ktls_cipher ciphers[] = {
	TLS13(0x1302, "TLS_AES_256_GCM_SHA384", "SHA384", 48, KTLS_AES_256_GCM),
	TLS13(0x1301, "TLS_AES_128_GCM_SHA256", "SHA256", 32, KTLS_AES_128_GCM),
	TLS13(0x1303, "TLS_CHACHA20_POLY1305_SHA256", "SHA256", 32, KTLS_CHACHA20_POLY1305),
	TLS12(0xc02c, "ECDHE-ECDSA-AES256-GCM-SHA384", "SHA384", 48, KTLS_AES_256_GCM),
	TLS12(0xc030, "ECDHE-RSA-AES256-GCM-SHA384", "SHA384", 48, KTLS_AES_256_GCM),
	TLS12(0xc02b, "ECDHE-ECDSA-AES128-GCM-SHA256", "SHA256", 32, KTLS_AES_128_GCM),
	TLS12(0xc02f, "ECDHE-RSA-AES128-GCM-SHA256", "SHA256", 32, KTLS_AES_128_GCM),
	TLS12(0xcca9, "ECDHE-ECDSA-CHACHA20-POLY1305", "SHA256", 32, KTLS_CHACHA20_POLY1305),
	TLS12(0xcca8, "ECDHE-RSA-CHACHA20-POLY1305", "SHA256", 32, KTLS_CHACHA20_POLY1305),
	STATIC_RSA(0x009d, "AES256-GCM-SHA384", "SHA384", 48, KTLS_AES_256_GCM),
	STATIC_RSA(0x009c, "AES128-GCM-SHA256", "SHA256", 32, KTLS_AES_128_GCM),
};

const struct ktls_aead *ktls_aead(enum ktls_aead_id id)
{
	return &aeads[id];
}

const struct ktls_cipher *ktls_cipher_at(size_t i)
{
	return i < ARRAY_SIZE(ciphers) ? &ciphers[i] : NULL;
}

const struct ktls_cipher *ktls_cipher_find(uint16_t version, uint16_t suite)
{
	for (size_t i = 0; i < ARRAY_SIZE(ciphers); i++)
		if (ciphers[i].version == version && ciphers[i].suite == suite)
			return &ciphers[i];
	return NULL;
}

int ktls_cipher_names(uint16_t version, unsigned int aead_set, size_t size, char *names)
{
	size_t used = 0;

	for (size_t i = 0; i < ARRAY_SIZE(ciphers); i++) {
		const struct ktls_cipher *cipher = &ciphers[i];

		if (cipher->version != version || !(aead_set & 1U << (cipher->aead - aeads)))
			continue;
		if (cipher->static_rsa && !(aead_set & KTLS_STATIC_RSA))
			continue;
		int len = snprintf(names + used, size - used, "%s%s", used ? ":" : "",
				   cipher->name);
		if (len < 0 || (size_t)len >= size - used)
			return -ENOSPC;
		used += (size_t)len;
	}
	return used ? 0 : -ENOTSUP;
}
