// SPDX-License-Identifier: Apache-2.0
/* Text for logs, times, and the strengths of keys. */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <string.h>

#include "policy/key.h"
#include "policy/text.h"
#include "policy/validity.h"
#include "tests/harness.h"
#include "tests/policy/maker.h"

static void expect_escaped(const char *expected, const char *in, size_t len, size_t size)
{
	char out[64];

	memset(out, 'x', sizeof(out));
	text_escape(in, len, out, size);
	EXPECT_STREQ(expected, out);
	EXPECT_EQ('x', out[size]);
}

TEST(text_escapes)
{
	expect_escaped("plain", "plain", 5, 32);
	expect_escaped("", "", 0, 32);
	expect_escaped("\\x1b[2J\\x0a\\x00\\x5c\\xc3\\x7f", "\x1b[2J\n\0\\\xc3\x7f", 9, 32);
	expect_escaped("1234567", "1234567", 7, 8);
	expect_escaped("1234...", "12345678", 8, 8);
	expect_escaped("\\x01...", "\x01\x02", 2, 8);
	expect_escaped("...", "\x01\x02", 2, 5);
	expect_escaped("", "ab", 2, 1);
}

/* what text_escape() makes and nothing else, whatever stands behind its end */
TEST(text_printable)
{
	static const char raw[][8] = {
		"\x1b[2J", "a\n", "\x7f", "\xc3\xbc", "\x1f", "\t", "a\x80",
	};
	char all[2] = "";
	char escaped[64];

	EXPECT_TRUE(text_is_printable("", 1));
	EXPECT_TRUE(text_is_printable(" ~\\x1b", 7));
	EXPECT_TRUE(text_is_printable("ok\0\x1b", 5));
	EXPECT_FALSE(text_is_printable("endless", 7));
	EXPECT_FALSE(text_is_printable("", 0));
	for (size_t i = 0; i < sizeof(raw) / sizeof(raw[0]); i++) {
		EXPECT_FALSE(text_is_printable(raw[i], sizeof(raw[i]))) { TH_LOG("%zu", i); }
		text_escape(raw[i], strlen(raw[i]), escaped, sizeof(escaped));
		EXPECT_TRUE(text_is_printable(escaped, sizeof(escaped)));
	}
	for (int byte = 1; byte < 256; byte++) {
		all[0] = (char)byte;
		EXPECT_EQ(byte >= ' ' && byte <= '~', text_is_printable(all, sizeof(all)));
	}
}

/* a value with a comma is one value, and nothing in it moves the cursor */
TEST(text_distinguished_names)
{
	char text[TEXT_NAME_MAX];
	const struct made *odd =
		make(NULL, (struct recipe){ .name = "a, O=b\x1b\\c\xc3\xbc" });

	text_name(X509_get_subject_name(odd->certificate), text, sizeof(text));
	EXPECT_STREQ("CN=a\\, O=b\\x1b\\\\c\\xc3\\xbc", text);
	text_name(X509_get_subject_name(make(NULL, (struct recipe){ 0 })->certificate), text,
		  sizeof(text));
	EXPECT_STREQ("(empty)", text);
}

TEST(text_times)
{
	static const struct {
		int64_t seconds;
		const char *text;
	} times[] = {
		{ 0, "1970-01-01T00:00:00Z" },
		{ -1, "1969-12-31T23:59:59Z" },
		{ 951782400, "2000-02-29T00:00:00Z" },
		{ 4107542400, "2100-03-01T00:00:00Z" },
		{ 253402300799, "9999-12-31T23:59:59Z" },
		{ -62135596800, "0001-01-01T00:00:00Z" },
	};
	char text[TEXT_TIME_MAX];

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		text_time(times[i].seconds, text, sizeof(text));
		EXPECT_STREQ(times[i].text, text);
	}
	/* what no certificate can say does not crash */
	text_time(INT64_MAX, text, sizeof(text));
	EXPECT_EQ('9', text[0]);
	text_time(INT64_MIN, text, sizeof(text));
	EXPECT_EQ('0', text[0]);
}

TEST(text_validity_forms)
{
	static const struct {
		int type;
		const char *text;
		int64_t seconds; /* -1: refused */
	} forms[] = {
		{ V_ASN1_UTCTIME, "700101000000Z", 0 },
		{ V_ASN1_UTCTIME, "491231235959Z", 2524607999 },
		{ V_ASN1_UTCTIME, "500101000000Z", -631152000 },
		{ V_ASN1_GENERALIZEDTIME, "20500101000000Z", 2524608000 },
		{ V_ASN1_GENERALIZEDTIME, "20240229000000Z", 1709164800 },
		{ V_ASN1_GENERALIZEDTIME, "20230229000000Z", -1 },
		{ V_ASN1_GENERALIZEDTIME, "20231301000000Z", -1 },
		{ V_ASN1_GENERALIZEDTIME, "20230100000000Z", -1 },
		{ V_ASN1_GENERALIZEDTIME, "20230101240000Z", -1 },
		{ V_ASN1_GENERALIZEDTIME, "20230101000060Z", -1 },
		{ V_ASN1_GENERALIZEDTIME, "00000101000000Z", -1 },
		{ V_ASN1_GENERALIZEDTIME, "20230101000000.5Z", -1 },
		{ V_ASN1_GENERALIZEDTIME, "20230101000000+0000", -1 },
		{ V_ASN1_UTCTIME, "7001010000Z", -1 },
		{ V_ASN1_UTCTIME, "700101000000+0100", -1 },
		{ V_ASN1_UTCTIME, "70010100000 Z", -1 },
		{ V_ASN1_UTCTIME, "", -1 },
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		ASN1_STRING *time = ASN1_STRING_type_new(forms[i].type);
		int64_t seconds = -1;

		ASN1_STRING_set(time, forms[i].text, -1);

		int err = validity_seconds(time, &seconds);

		EXPECT_EQ(forms[i].seconds == -1, err != 0) { TH_LOG("%s", forms[i].text); }
		EXPECT_EQ(forms[i].seconds, seconds) { TH_LOG("%s", forms[i].text); }
		ASN1_STRING_free(time);
	}
}

FIXTURE(text_key)
{
	int unused;
};

FIXTURE_VARIANT(text_key)
{
	const char *type;
	enum key_type expected;
	unsigned int bits, rsa_bits;
};

FIXTURE_VARIANT_ADD(text_key, rsa_768) { "RSA:768", KEY_RSA, 768, 768 };
FIXTURE_VARIANT_ADD(text_key, rsa_1023) { "RSA:1023", KEY_RSA, 1023, 1023 };
FIXTURE_VARIANT_ADD(text_key, rsa_1024) { "RSA:1024", KEY_RSA, 1024, 1024 };
FIXTURE_VARIANT_ADD(text_key, rsa_2048) { "RSA:2048", KEY_RSA, 2048, 2048 };
FIXTURE_VARIANT_ADD(text_key, p192) { "P-192", KEY_EC, 192, 1536 };
FIXTURE_VARIANT_ADD(text_key, p224) { "P-224", KEY_EC, 224, 2048 };
FIXTURE_VARIANT_ADD(text_key, p256) { "P-256", KEY_EC, 256, 3072 };
FIXTURE_VARIANT_ADD(text_key, p384) { "P-384", KEY_EC, 384, 7680 };
FIXTURE_VARIANT_ADD(text_key, p521) { "P-521", KEY_EC, 521, 15360 };
FIXTURE_VARIANT_ADD(text_key, secp160r1) { "secp160r1", KEY_EC, 161, 1024 };
FIXTURE_VARIANT_ADD(text_key, secp112r1) { "secp112r1", KEY_EC, 112, 512 };
FIXTURE_VARIANT_ADD(text_key, brainpool) { "brainpoolP320r1", KEY_EC, 320, 3072 };
FIXTURE_VARIANT_ADD(text_key, ed25519) { "ED25519", KEY_ED25519, 256, 3072 };
FIXTURE_VARIANT_ADD(text_key, ed448) { "ED448", KEY_ED448, 448, 7680 };

FIXTURE_SETUP(text_key)
{
}

FIXTURE_TEARDOWN(text_key)
{
}

TEST_F(text_key, strength)
{
	const struct made *made =
		make(NULL, (struct recipe){ .name = "key", .key_type = variant->type });
	struct key_facts key;

	key_describe(made->certificate, &key);
	EXPECT_EQ(variant->expected, key.type);
	EXPECT_EQ(variant->bits, key.bits);
	EXPECT_EQ(variant->rsa_bits, key.rsa_bits);
}

/* a DSA key of any numbers, of so many bits: nobody will sign with it */
static EVP_PKEY *dsa_key(int prime_bits, int group_bits)
{
	static const char *const names[] = {
		OSSL_PKEY_PARAM_FFC_P, OSSL_PKEY_PARAM_FFC_Q, OSSL_PKEY_PARAM_FFC_G,
		OSSL_PKEY_PARAM_PUB_KEY,
	};
	const int bits[] = { prime_bits, group_bits, 16, 16 };
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "DSA", NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *numbers[4];
	EVP_PKEY *key = NULL;

	for (int i = 0; i < 4; i++) {
		numbers[i] = BN_new();
		ASSERT_EQ(1, BN_rand(numbers[i], bits[i], BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD));
		ASSERT_EQ(1, OSSL_PARAM_BLD_push_BN(build, names[i], numbers[i]));
	}

	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);

	ASSERT_EQ(1, EVP_PKEY_fromdata_init(ctx));
	ASSERT_EQ(1, EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params));
	for (int i = 0; i < 4; i++)
		BN_free(numbers[i]);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* NIST SP 800-57 part 1 table 2: the weaker of prime and subgroup */
TEST(text_key_dsa)
{
	static const struct {
		int prime, group;
		unsigned int rsa_bits;
	} sizes[] = {
		{ 1024, 160, 1024 }, { 2048, 160, 1024 }, { 2048, 224, 2048 },
		{ 2048, 256, 2048 }, { 3072, 256, 3072 },
	};
	const struct made *ca = make(NULL, (struct recipe){ .name = "CA", .ca = true });

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct made dsa = { .key = dsa_key(sizes[i].prime, sizes[i].group) };
		struct recipe recipe = { .name = "dsa", .same_key = &dsa };
		struct key_facts key;

		key_describe(make(ca, recipe)->certificate, &key);
		EXPECT_EQ(KEY_DSA, key.type);
		EXPECT_EQ(sizes[i].prime, key.bits);
		EXPECT_EQ(sizes[i].rsa_bits, key.rsa_bits) { TH_LOG("%zu", i); }
		EVP_PKEY_free(dsa.key);
	}
}

static EVP_PKEY *dh_key(void)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "DH", NULL);
	EVP_PKEY *key = NULL;

	ASSERT_EQ(1, EVP_PKEY_keygen_init(ctx));
	ASSERT_EQ(1, EVP_PKEY_CTX_set_group_name(ctx, "ffdhe2048"));
	ASSERT_EQ(1, EVP_PKEY_generate(ctx, &key));
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* the same with a public key that is no point of its curve */
static X509 *without_key(const struct made *made)
{
	unsigned char *der = NULL, *key = NULL;
	int len = i2d_X509(made->certificate, &der);
	int key_len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(made->certificate), &key);
	unsigned char *at = memmem(der, (size_t)len, key, (size_t)key_len);

	ASSERT_NOT_NULL(at);
	at[key_len - 1] ^= 1;

	const unsigned char *in = der;
	X509 *certificate = d2i_X509(NULL, &in, len);

	ASSERT_NOT_NULL(certificate);
	OPENSSL_free(der);
	OPENSSL_free(key);
	return certificate;
}

/* keys of which nothing is known have no strength: of another kind, or not readable */
TEST(text_key_unknown)
{
	const struct made *ca = make(NULL, (struct recipe){ .name = "CA", .ca = true });
	struct made dh = { .key = dh_key() };
	struct key_facts key = { .type = KEY_RSA, .rsa_bits = 2048 };
	X509 *unreadable = without_key(ca);

	key_describe(make(ca, (struct recipe){ .name = "dh", .same_key = &dh })->certificate, &key);
	EXPECT_EQ(KEY_UNKNOWN, key.type);
	EXPECT_EQ(0, key.rsa_bits);

	key = (struct key_facts){ .type = KEY_RSA, .rsa_bits = 2048 };
	key_describe(unreadable, &key);
	EXPECT_EQ(KEY_UNKNOWN, key.type);
	EXPECT_EQ(0, key.rsa_bits);
	X509_free(unreadable);
	EVP_PKEY_free(dh.key);
}

TEST(text_key_names)
{
	for (int i = 0; i < KEY_TYPE_COUNT; i++)
		EXPECT_NOT_NULL(key_type_name(i));
	EXPECT_NULL(key_type_name(KEY_TYPE_COUNT));
	EXPECT_NULL(key_type_name(-1));
}
