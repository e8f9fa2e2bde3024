// SPDX-License-Identifier: Apache-2.0
/* Address ranges as text. */
#include <errno.h>
#include <string.h>

#include "tests/harness.h"
#include "userspace/config_prefix.h"

FIXTURE(prefix){
};

FIXTURE_VARIANT(prefix)
{
	const char *text;
	const char *printed; /* NULL: refused */
	const char *why;
};

FIXTURE_SETUP(prefix)
{
}

FIXTURE_TEARDOWN(prefix)
{
}

TEST_F(prefix, is_read)
{
	struct config_prefix prefix = { 0 }, again = { 0 };
	char why[256] = "", printed[CONFIG_PREFIX_LEN];

	if (!variant->printed) {
		EXPECT_EQ(-EINVAL, config_prefix_parse(variant->text, &prefix, why, sizeof(why)));
		EXPECT_STREQ(variant->why, why);
		EXPECT_EQ(0, prefix.family);
		return;
	}
	ASSERT_OK(config_prefix_parse(variant->text, &prefix, why, sizeof(why)))
	{
		TH_LOG("%s", why);
	}
	config_prefix_print(&prefix, printed);
	EXPECT_STREQ(variant->printed, printed);
	ASSERT_OK(config_prefix_parse(printed, &again, why, sizeof(why)));
	EXPECT_EQ(0, config_prefix_compare(&prefix, &again));
}

#define READ(name, from, to)                                                                       \
	FIXTURE_VARIANT_ADD(prefix, name)                                                          \
	{                                                                                          \
		.text = from, .printed = to                                                        \
	}
#define REFUSED(name, from, cause)                                                                 \
	FIXTURE_VARIANT_ADD(prefix, name)                                                          \
	{                                                                                          \
		.text = from, .why = cause                                                         \
	}
#define NO_RANGE "is no address range; write one like 192.0.2.0/24, 2001:db8::/32 or 192.0.2.7"

READ(v4_range, "192.0.2.0/24", "192.0.2.0/24");
READ(v4_bits, "192.0.2.128/25", "192.0.2.128/25");
READ(v4_address, "192.0.2.7", "192.0.2.7/32");
READ(v4_all, "0.0.0.0/0", "0.0.0.0/0");
READ(v6_range, "2001:DB8:0::/33", "2001:db8::/33");
READ(v6_address, "::1", "::1/128");
READ(v6_all, "::/0", "::/0");
REFUSED(v4_long, "192.0.2.0/33", "does not end in a length from 0 to 32");
REFUSED(v6_long, "::/129", "does not end in a length from 0 to 128");
REFUSED(length_zero, "0.0.0.0/00", "does not end in a length from 0 to 32");
REFUSED(length_none, "0.0.0.0/", "does not end in a length from 0 to 32");
REFUSED(length_mask, "192.0.2.0/255.255.255.0", "does not end in a length from 0 to 32");
REFUSED(length_sign, "192.0.2.0/+8", "does not end in a length from 0 to 32");
REFUSED(v4_host, "192.0.2.129/25",
	"has bits set after its length; write 192.0.2.128/25 for the range or 192.0.2.129/32 for "
	"the one address");
REFUSED(v6_host, "2001:db8::1/32",
	"has bits set after its length; write 2001:db8::/32 for the range or 2001:db8::1/128 for "
	"the one address");
REFUSED(v4_all_host, "1.2.3.4/0",
	"has bits set after its length; write 0.0.0.0/0 for the range or 1.2.3.4/32 for the one "
	"address");
REFUSED(v4_in_v6, "::ffff:192.0.2.0/120", "is IPv4 within IPv6; write 192.0.2.0/24");
REFUSED(v4_in_v6_all, "::ffff:0:0/96", "is IPv4 within IPv6; write 0.0.0.0/0");
REFUSED(short_v4, "192.0.2/24", NO_RANGE);
REFUSED(octal, "192.0.02.0/24", NO_RANGE);
REFUSED(name, "pbx.example.com", NO_RANGE);
REFUSED(empty, "", NO_RANGE);
REFUSED(slash, "/24", NO_RANGE);
REFUSED(scope, "fe80::1%lo/64", NO_RANGE);
REFUSED(too_long, "2001:0db8:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/24", NO_RANGE);
