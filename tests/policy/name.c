// SPDX-License-Identifier: Apache-2.0
/* Host names and addresses (RFC 9525), and the A-labels of what an operator writes. */
#include <string.h>

#include "policy/name.h"
#include "tests/harness.h"

static const struct {
	const char *reference, *presented;
	bool matches;
} dns_pairs[] = {
	{ "pbx.example.com", "pbx.example.com", true },
	{ "PBX.example.com", "pbx.EXAMPLE.com", true },
	{ "pbx.example.com.", "pbx.example.com", true },
	{ "pbx.example.com", "pbx.example.com.", false },
	{ "pbx.example.com", "pbx.example.co", false },
	{ "pbx.example.com", "xpbx.example.com", false },
	{ "pbx.example.com", "example.com", false },
	{ "pbx.example.com", ".example.com", false },
	{ "pbx.example.com", "", false },
	{ "pbx.example.com", "*", false },
	{ "pbx.example.com", "*.example.com", true },
	{ "a.pbx.example.com", "*.example.com", false },
	{ "example.com", "*.example.com", false },
	{ "pbx.example.com", "p*.example.com", false },
	{ "pbx.example.com", "*x.example.com", false },
	{ "pbx.example.com", "*bx.example.com", false },
	{ "pbx.example.com", "pbx.*.com", false },
	{ "pbx.example.com", "*.*.com", false },
	{ "pbx.example.com", "**.example.com", false },
	{ "example.com", "*.com", false },
	{ "localhost", "*", false },
	{ "pbx.example.com", "*.EXAMPLE.com", true },
	{ "b\xc3\xbc" "cher.example", "xn--bcher-kva.example", true },
	{ "xn--bcher-kva.example", "xn--bcher-kva.example", true },
	{ "xn--bcher-kva.example", "b\xc3\xbc" "cher.example", false },
	{ "xn--bcher-kva.example", "xn--*.example", false },
	{ "192.0.2.7", "192.0.2.7", false },
};

TEST(name_dns)
{
	for (size_t i = 0; i < sizeof(dns_pairs) / sizeof(dns_pairs[0]); i++) {
		struct name_reference ref;

		ASSERT_OK(name_reference_parse(dns_pairs[i].reference, &ref));
		EXPECT_EQ(dns_pairs[i].matches,
			  name_matches_dns(&ref, (const uint8_t *)dns_pairs[i].presented,
					   strlen(dns_pairs[i].presented))) {
			TH_LOG("%s, %s", dns_pairs[i].reference, dns_pairs[i].presented);
		}
	}
}

/* bytes that a C string would end at, or that are no ASCII, match nothing */
TEST(name_odd_bytes)
{
	static const char name[] = "pbx.example.com";
	struct name_reference ref;

	ASSERT_OK(name_reference_parse(name, &ref));
	EXPECT_TRUE(name_equals(&ref, (const uint8_t *)name, sizeof(name) - 1));
	EXPECT_FALSE(name_equals(&ref, (const uint8_t *)name, sizeof(name)));
	EXPECT_FALSE(name_equals(&ref, (const uint8_t *)"pbx.example.com\0.evil", 21));
	for (size_t at = 0; at < sizeof(name) - 1; at++) {
		for (int byte = 0; byte < 256; byte++) {
			char changed[sizeof(name)];
			bool same = (byte | 32) == (name[at] | 32) && byte != ('.' ^ 32);

			memcpy(changed, name, sizeof(name));
			changed[at] = (char)byte;
			EXPECT_EQ(same,
				  name_equals(&ref, (const uint8_t *)changed, sizeof(name) - 1));
		}
	}
}

TEST(name_addresses)
{
	static const uint8_t v4[] = { 192, 0, 2, 7 };
	static const uint8_t v6[] = { 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7 };
	static const uint8_t mapped[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 7 };
	struct name_reference ref;

	ASSERT_OK(name_reference_parse("192.0.2.7", &ref));
	EXPECT_TRUE(name_matches_address(&ref, v4, sizeof(v4)));
	EXPECT_FALSE(name_matches_address(&ref, v4, 3));
	EXPECT_FALSE(name_matches_address(&ref, mapped, sizeof(mapped)));
	EXPECT_FALSE(name_matches_address(&ref, v6, sizeof(v6)));
	ASSERT_OK(name_reference_parse("2001:DB8::7", &ref));
	EXPECT_TRUE(name_matches_address(&ref, v6, sizeof(v6)));
	EXPECT_FALSE(name_matches_address(&ref, v6, 4));
	ASSERT_OK(name_reference_parse("host.example", &ref));
	EXPECT_FALSE(name_matches_address(&ref, v4, 0));
}

TEST(name_references_refused)
{
	static const char *const bad[] = {
		"",		".",		  "a..b",	"*.example.com", "a b",
		"host:5061",	"[2001:db8::1]",  "192.0.2",	"192.0.2.7.9",	 "1",
		"a.example.1",	"\xff.example",	  "a\xc3.com",	"a/b",		 "sip:example.com",
		".example.com", "\xc0\xaf.com",	  "\xed\xa0\x80.com",
		"0123456789012345678901234567890123456789012345678901234567890123.com",
	};
	char longest[2 * NAME_DNS_MAX];
	struct name_reference ref;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		EXPECT_NE(0, name_reference_parse(bad[i], &ref)) { TH_LOG("%s", bad[i]); }

	for (size_t i = 0; i < NAME_DNS_MAX; i++)
		longest[i] = i % 2 ? '.' : 'a';
	longest[NAME_DNS_MAX] = '\0';
	EXPECT_OK(name_reference_parse(longest, &ref));
	EXPECT_EQ(NAME_DNS_MAX, ref.dns_len);
	memcpy(longest + NAME_DNS_MAX, ".a", 3);
	EXPECT_NE(0, name_reference_parse(longest, &ref));
	EXPECT_EQ(0, ref.dns_len);
}

/* RFC 3492 section 7.1, as labels, and others whose A-label is well known */
TEST(name_a_labels)
{
	static const char *const pairs[][2] = {
		{ "m\xc3\xbcnchen", "xn--mnchen-3ya" },
		{ "\xe4\xbb\x96\xe4\xbb\xac\xe4\xb8\xba\xe4\xbb\x80\xe4\xb9\x88"
		  "\xe4\xb8\x8d\xe8\xaf\xb4\xe4\xb8\xad\xe6\x96\x87",
		  "xn--ihqwcrb4cv8a8dqg056pqjye" },
		{ "3\xe5\xb9\xb4""b\xe7\xb5\x84\xe9\x87\x91\xe5\x85\xab\xe5\x85\x88\xe7\x94\x9f",
		  "xn--3b-ww4c5e180e575a65lsy2b" },
		{ "\xe2\x98\x83", "xn--n3h" },
		{ "\xf0\x9f\x92\xa9", "xn--ls8h" },
		{ "B\xc3\xbc""cher", "xn--bcher-kva" },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct name_reference ref;

		ASSERT_OK(name_reference_parse(pairs[i][0], &ref));
		EXPECT_STREQ(pairs[i][1], ref.dns);
	}
}
