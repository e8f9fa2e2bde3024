// SPDX-License-Identifier: Apache-2.0
/* Text for logs, times, and the strengths of keys. */
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

TEST(text_key_names)
{
	for (int i = 0; i < KEY_TYPE_COUNT; i++)
		EXPECT_NOT_NULL(key_type_name(i));
	EXPECT_NULL(key_type_name(KEY_TYPE_COUNT));
	EXPECT_NULL(key_type_name(-1));
}
