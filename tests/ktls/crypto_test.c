// SPDX-License-Identifier: Apache-2.0
/* The derivations against published vectors, and the table that they are driven by. */
#include <errno.h>
#include <string.h>

#include <linux/tls.h>
#include <openssl/crypto.h>

#include "tests/harness.h"
#include "userspace/ktls_keys.h"

FIXTURE(crypto) {
	struct ktls_crypto *crypto;
};

FIXTURE_SETUP(crypto)
{
	ASSERT_OK(ktls_crypto_new(&self->crypto));
}

FIXTURE_TEARDOWN(crypto)
{
	ktls_crypto_free(self->crypto);
}

static void from_hex(const char *hex, uint8_t *bytes, size_t size)
{
	size_t len;

	ASSERT_EQ(1, OPENSSL_hexstr2buf_ex(bytes, size, &len, hex, '\0'));
	ASSERT_EQ(size, len);
}

static void expect_hex(const char *hex, const uint8_t *bytes, size_t len)
{
	uint8_t expected[256];

	ASSERT_LE(len, sizeof(expected));
	from_hex(hex, expected, len);
	EXPECT_MEMEQ(expected, bytes, len);
}

/* RFC 8448 section 3: the application traffic secrets, and the keys made of them */
static const struct {
	const char *secret, *key, *iv;
} rfc8448[] = {
	{ "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643",
	  "9f02283b6c9c07efc26bb9f2ac92e356", "cf782b88dd83549aadf1e984" },
	{ "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5",
	  "17422dda596ed5d9acd890e3c63f5051", "5b78923dee08579033e523d9" },
};

TEST_F(crypto, rfc8448)
{
	const struct ktls_cipher *cipher = ktls_cipher_find(TLS1_3_VERSION, 0x1301);

	for (size_t i = 0; i < sizeof(rfc8448) / sizeof(rfc8448[0]); i++) {
		struct ktls_half half = { .seq = 0x0102030405060708 };
		struct tls12_crypto_info_aes_gcm_128 want = {
			.info = { TLS_1_3_VERSION, TLS_CIPHER_AES_GCM_128 },
			.rec_seq = { 1, 2, 3, 4, 5, 6, 7, 8 },
		};
		uint8_t info[KTLS_INFO_MAX], iv[KTLS_NONCE_LEN];

		from_hex(rfc8448[i].secret, half.secret, 32);
		from_hex(rfc8448[i].key, want.key, sizeof(want.key));
		from_hex(rfc8448[i].iv, iv, sizeof(iv));
		memcpy(want.salt, iv, sizeof(want.salt));
		memcpy(want.iv, iv + sizeof(want.salt), sizeof(want.iv));
		ASSERT_OK(ktls_keys_info(self->crypto, cipher, &half, info));
		ASSERT_EQ(sizeof(want), cipher->aead->info_size);
		EXPECT_MEMEQ(&want, info, sizeof(want));
	}
}

/* NIST CAVP, TLS 1.2 KDF with SHA-256, COUNT 0 */
TEST_F(crypto, key_block)
{
	uint8_t master[48], server[32], client[32], block[128];

	from_hex("202c88c00f84a17a20027079604787461176455539e705be730890602c289a50"
		 "01e34eeb3a043e5d52a65e66125188bf",
		 master, sizeof(master));
	from_hex("ae6c806f8ad4d80784549dff28a4b58fd837681a51d928c3e30ee5ff14f39868", server, 32);
	from_hex("62e1fd91f23f558a605f28478c58cf72637b89784d959df7e946d3f07bd1b616", client, 32);
	ASSERT_OK(ktls_crypto_key_block(self->crypto, "SHA256", master, sizeof(master), server,
					client, sizeof(block), block));
	expect_hex("d06139889fffac1e3a71865f504aa5d0d2a2e89506c6f2279b670c3e1b74f531"
		   "016a2530c51a3a0f7e1d6590d0f0566b2f387f8d11fd4f731cdd572d2eae927f"
		   "6f2f81410b25e6960be68985add6c38445ad9f8c64bf8068bf9a6679485d966f"
		   "1ad6f68b43495b10a683755ea2b858d70ccac7ec8b053c6bd41ca299d4e51928",
		   block, sizeof(block));
}

TEST_F(crypto, tls12_info)
{
	const struct ktls_cipher *gcm = ktls_cipher_find(TLS1_2_VERSION, 0xc02f);
	const struct ktls_cipher *chacha = ktls_cipher_find(TLS1_2_VERSION, 0xcca8);
	struct ktls_half half = { .seq = 1, .nonce = 0xfffffffffffffffe };
	struct tls12_crypto_info_aes_gcm_128 want_gcm = {
		.info = { TLS_1_2_VERSION, TLS_CIPHER_AES_GCM_128 },
		.iv = { 255, 255, 255, 255, 255, 255, 255, 254 },
		.rec_seq = { [7] = 1 },
	};
	struct tls12_crypto_info_chacha20_poly1305 want_chacha = {
		.info = { TLS_1_2_VERSION, TLS_CIPHER_CHACHA20_POLY1305 },
		.rec_seq = { [7] = 1 },
	};
	uint8_t info[KTLS_INFO_MAX];

	for (size_t i = 0; i < sizeof(half.secret); i++)
		half.secret[i] = (uint8_t)i;
	memcpy(want_gcm.key, half.secret, 16);
	memcpy(want_gcm.salt, half.secret + 16, 4);
	ASSERT_OK(ktls_keys_info(self->crypto, gcm, &half, info));
	EXPECT_MEMEQ(&want_gcm, info, sizeof(want_gcm));

	memcpy(want_chacha.key, half.secret, 32);
	memcpy(want_chacha.iv, half.secret + 32, 12);
	ASSERT_OK(ktls_keys_info(self->crypto, chacha, &half, info));
	EXPECT_MEMEQ(&want_chacha, info, sizeof(want_chacha));
}

TEST_F(crypto, update_is_for_tls13)
{
	const struct ktls_cipher *tls13 = ktls_cipher_find(TLS1_3_VERSION, 0x1302);
	const struct ktls_cipher *tls12 = ktls_cipher_find(TLS1_2_VERSION, 0xc030);
	struct ktls_half half = { .secret = "secret", .seq = 7 }, before = half;

	EXPECT_EQ(-EINVAL, ktls_keys_update(self->crypto, tls12, &half));
	EXPECT_MEMEQ(&before, &half, sizeof(half));
	EXPECT_OK(ktls_keys_update(self->crypto, tls13, &half));
	EXPECT_EQ(0, half.seq);
	EXPECT_NE(0, memcmp(before.secret, half.secret, 48));
}

TEST(cipher_find)
{
	const struct ktls_cipher *cipher;

	for (size_t i = 0; (cipher = ktls_cipher_at(i)); i++)
		EXPECT_EQ((uintptr_t)cipher,
			  (uintptr_t)ktls_cipher_find(cipher->version, cipher->suite));
	EXPECT_NULL(ktls_cipher_find(TLS1_2_VERSION, 0x1301));
	EXPECT_NULL(ktls_cipher_find(TLS1_3_VERSION, 0xc02f));
	EXPECT_NULL(ktls_cipher_find(TLS1_3_VERSION, 0x1304)); /* AES-128-CCM */
}

/* OpenSSL knows every name, by the number that the table has, and with that digest. */
TEST(cipher_names_are_openssls)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_method());
	SSL *ssl = SSL_new(ctx);
	const struct ktls_cipher *cipher;

	for (size_t i = 0; (cipher = ktls_cipher_at(i)); i++) {
		const uint8_t suite[] = { (uint8_t)(cipher->suite >> 8), (uint8_t)cipher->suite };
		const SSL_CIPHER *known = SSL_CIPHER_find(ssl, suite);

		ASSERT_NOT_NULL(known);
		EXPECT_STREQ(cipher->name, SSL_CIPHER_get_name(known));
		const EVP_MD *md = SSL_CIPHER_get_handshake_digest(known);
		EXPECT_TRUE(EVP_MD_is_a(md, cipher->digest));
		EXPECT_EQ(EVP_MD_get_size(md), cipher->digest_len);
	}
	SSL_free(ssl);
	SSL_CTX_free(ctx);
}

TEST(cipher_names)
{
	char names[KTLS_NAMES_MAX];

	EXPECT_OK(ktls_cipher_names(TLS1_3_VERSION, 7, sizeof(names), names));
	EXPECT_STREQ("TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256",
		     names);
	EXPECT_OK(ktls_cipher_names(TLS1_2_VERSION, 1U << KTLS_AES_128_GCM, sizeof(names), names));
	EXPECT_STREQ("ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256", names);
	EXPECT_OK(ktls_cipher_names(TLS1_2_VERSION, 7, sizeof(names), names));
	EXPECT_EQ(-ENOTSUP, ktls_cipher_names(TLS1_3_VERSION, 0, sizeof(names), names));
	EXPECT_EQ(-ENOSPC, ktls_cipher_names(TLS1_3_VERSION, 7, 30, names));
}

static void expect_offer(unsigned int aeads13, unsigned int aeads12, const char *want)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	char seen[512] = "";

	ASSERT_OK(ktls_ctx_set_ciphers(ctx, aeads13, aeads12));
	SSL *ssl = SSL_new(ctx);
	STACK_OF(SSL_CIPHER) *list = SSL_get1_supported_ciphers(ssl);
	for (int i = 0; i < sk_SSL_CIPHER_num(list); i++) {
		strcat(seen, i ? ":" : "");
		strcat(seen, SSL_CIPHER_get_name(sk_SSL_CIPHER_value(list, i)));
	}
	EXPECT_STREQ(want, seen);
	sk_SSL_CIPHER_free(list);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
}

TEST(set_ciphers)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	expect_offer(1U << KTLS_AES_256_GCM, 1U << KTLS_CHACHA20_POLY1305,
		     "TLS_AES_256_GCM_SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:"
		     "ECDHE-RSA-CHACHA20-POLY1305");
	expect_offer(1U << KTLS_AES_128_GCM, 0, "TLS_AES_128_GCM_SHA256");
	expect_offer(0, 1U << KTLS_AES_128_GCM,
		     "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256");
	EXPECT_EQ(-ENOTSUP, ktls_ctx_set_ciphers(ctx, 0, 0));
	SSL_CTX_free(ctx);
}

HARNESS_MAIN
