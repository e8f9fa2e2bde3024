// SPDX-License-Identifier: Apache-2.0
/* SIP domain identities (RFC 5922 section 7), from names as they may stand in a certificate. */
#include <string.h>

#include "policy/sip.h"
#include "tests/harness.h"

enum { NAMES_MAX = 4 };

/* an entry of a literal, which may hold a NUL */
#define ENTRY(kind, text) { kind, (const uint8_t *)(text), sizeof(text) - 1 }

FIXTURE(sip)
{
	struct san_entry entries[NAMES_MAX];
	struct san_list san;
};

/* the names of a certificate, and the domains for which it is authoritative */
FIXTURE_VARIANT(sip)
{
	struct san_entry names[NAMES_MAX];
	const char *common_name;
	bool no_extension, malformed;
	const char *yes, *no; /* domains */
	enum sip_source source;
};

FIXTURE_VARIANT_ADD(sip, uri)
{
	{ ENTRY(SAN_URI, "sip:example.com") }, .yes = "EXAMPLE.com", .no = "a.example.com",
	.source = SIP_SOURCE_URI,
};
FIXTURE_VARIANT_ADD(sip, uri_scheme_case)
{
	{ ENTRY(SAN_URI, "SiP:example.com") }, .yes = "example.com", .source = SIP_SOURCE_URI,
};
FIXTURE_VARIANT_ADD(sip, uri_port_and_parameters)
{
	{ ENTRY(SAN_URI, "sip:example.com:5061;transport=tls?x=y") }, .yes = "example.com",
	.source = SIP_SOURCE_URI,
};
FIXTURE_VARIANT_ADD(sip, uri_hides_dns)
{
	{ ENTRY(SAN_DNS, "a.example"), ENTRY(SAN_URI, "sip:b.example") }, .yes = "b.example",
	.no = "a.example", .source = SIP_SOURCE_URI,
};
FIXTURE_VARIANT_ADD(sip, several_uris)
{
	{ ENTRY(SAN_URI, "sip:a.example"), ENTRY(SAN_URI, "sip:b.example") }, .yes = "b.example",
	.source = SIP_SOURCE_URI,
};
FIXTURE_VARIANT_ADD(sip, sips_is_none)
{
	{ ENTRY(SAN_URI, "sips:example.com") }, .no = "example.com", .source = SIP_SOURCE_NONE,
};
FIXTURE_VARIANT_ADD(sip, sips_hides_no_dns)
{
	{ ENTRY(SAN_URI, "sips:b.example"), ENTRY(SAN_DNS, "a.example") }, .yes = "a.example",
	.no = "b.example", .source = SIP_SOURCE_DNS,
};
FIXTURE_VARIANT_ADD(sip, userinfo)
{
	{ ENTRY(SAN_URI, "sip:alice@example.com") }, .no = "example.com", .source = SIP_SOURCE_NONE,
};
FIXTURE_VARIANT_ADD(sip, userinfo_hides_no_dns)
{
	{ ENTRY(SAN_URI, "sip:alice@b.example"), ENTRY(SAN_DNS, "a.example") }, .yes = "a.example",
	.source = SIP_SOURCE_DNS,
};
FIXTURE_VARIANT_ADD(sip, userinfo_with_parameters)
{
	{ ENTRY(SAN_URI, "sip:example.com;x=a@evil.example") }, .no = "example.com",
	.source = SIP_SOURCE_NONE,
};
FIXTURE_VARIANT_ADD(sip, uri_nul)
{
	{ ENTRY(SAN_URI, "sip:example.com\0.evil.example") }, .no = "example.com",
	.source = SIP_SOURCE_URI,
};
FIXTURE_VARIANT_ADD(sip, uri_nul_after_parameter)
{
	{ ENTRY(SAN_URI, "sip:example.com;\0") }, .no = "example.com", .source = SIP_SOURCE_URI,
};
FIXTURE_VARIANT_ADD(sip, uri_space)
{
	{ ENTRY(SAN_URI, "sip:example.com ") }, .no = "example.com", .source = SIP_SOURCE_URI,
};
FIXTURE_VARIANT_ADD(sip, uri_slashes)
{
	{ ENTRY(SAN_URI, "sip://example.com") }, .no = "example.com", .source = SIP_SOURCE_URI,
};
FIXTURE_VARIANT_ADD(sip, uri_wildcard)
{
	{ ENTRY(SAN_URI, "sip:*.example.com") }, .no = "a.example.com", .source = SIP_SOURCE_URI,
};
FIXTURE_VARIANT_ADD(sip, uri_empty)
{
	{ ENTRY(SAN_URI, "sip:"), ENTRY(SAN_DNS, "a.example") }, .no = "a.example",
	.source = SIP_SOURCE_URI,
};
FIXTURE_VARIANT_ADD(sip, uri_too_short)
{
	{ ENTRY(SAN_URI, "sip") }, .no = "example.com", .source = SIP_SOURCE_NONE,
};
FIXTURE_VARIANT_ADD(sip, dns)
{
	{ ENTRY(SAN_DNS, "Example.com") }, .yes = "example.com", .no = "www.example.com",
	.source = SIP_SOURCE_DNS,
};
FIXTURE_VARIANT_ADD(sip, dns_wildcard)
{
	{ ENTRY(SAN_DNS, "*.example.com") }, .no = "a.example.com", .source = SIP_SOURCE_DNS,
};
FIXTURE_VARIANT_ADD(sip, dns_nul)
{
	{ ENTRY(SAN_DNS, "example.com\0") }, .no = "example.com", .source = SIP_SOURCE_DNS,
};
FIXTURE_VARIANT_ADD(sip, address)
{
	{ ENTRY(SAN_IP, "\xc0\x00\x02\x07") }, .no = "192.0.2.7", .source = SIP_SOURCE_NONE,
};
FIXTURE_VARIANT_ADD(sip, address_as_dns)
{
	{ ENTRY(SAN_DNS, "192.0.2.7") }, .no = "192.0.2.7", .source = SIP_SOURCE_DNS,
};
FIXTURE_VARIANT_ADD(sip, email)
{
	{ ENTRY(SAN_EMAIL, "a@example.com") }, .no = "example.com", .common_name = "example.com",
	.source = SIP_SOURCE_NONE,
};
FIXTURE_VARIANT_ADD(sip, common_name)
{
	.common_name = "example.com", .no_extension = true, .yes = "example.com",
	.source = SIP_SOURCE_COMMON_NAME,
};
FIXTURE_VARIANT_ADD(sip, common_name_is_no_dns_name)
{
	.common_name = "example.com (PBX)", .no_extension = true, .no = "example.com",
	.source = SIP_SOURCE_COMMON_NAME,
};
FIXTURE_VARIANT_ADD(sip, common_name_beside_an_empty_extension)
{
	.common_name = "example.com", .no = "example.com", .source = SIP_SOURCE_NONE,
};
FIXTURE_VARIANT_ADD(sip, common_name_beside_another_name)
{
	{ ENTRY(SAN_DNS, "a.example") }, .common_name = "example.com", .no = "example.com",
	.source = SIP_SOURCE_DNS,
};
FIXTURE_VARIANT_ADD(sip, malformed)
{
	.common_name = "example.com", .malformed = true, .no = "example.com",
	.source = SIP_SOURCE_NONE,
};

FIXTURE_SETUP(sip)
{
	self->san = (struct san_list){
		.present = !variant->no_extension,
		.malformed = variant->malformed,
		.entries = self->entries,
		.common_name = (const uint8_t *)variant->common_name,
		.common_name_len = variant->common_name ? strlen(variant->common_name) : 0,
	};
	for (; self->san.count < NAMES_MAX && variant->names[self->san.count].bytes;
	     self->san.count++)
		self->entries[self->san.count] = variant->names[self->san.count];
}

FIXTURE_TEARDOWN(sip)
{
}

TEST_F(sip, identity)
{
	struct name_reference ref;

	EXPECT_EQ(variant->source, sip_identity_source(&self->san));
	if (variant->yes) {
		ASSERT_OK(name_reference_parse(variant->yes, &ref));
		EXPECT_TRUE(sip_is_authoritative(&self->san, &ref));
	}
	if (variant->no) {
		ASSERT_OK(name_reference_parse(variant->no, &ref));
		EXPECT_FALSE(sip_is_authoritative(&self->san, &ref));
	}
}
