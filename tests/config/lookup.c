// SPDX-License-Identifier: Apache-2.0
/* Which line claims a connection: as the kernel finds it, from the configuration alone. */
#include <stdio.h>
#include <string.h>

#include "tests/harness.h"
#include "userspace/config.h"
#include "userspace/config_prefix.h"

enum { LINES = 6 };

static struct config_prefix prefixes[LINES][2];
static struct config_line lines[LINES];
static struct config config = { .lines = lines, .line_count = LINES };

static void add_line(size_t i, enum direction direction, uint32_t netns, uint16_t port,
		     const char *first, const char *second)
{
	char why[256];

	lines[i] = (struct config_line){
		.direction = direction,
		.netns = netns,
		.port = port,
		.prefixes = prefixes[i],
		.prefix_count = second ? 2 : 1,
	};
	ASSERT_OK(config_prefix_parse(first, &prefixes[i][0], why, sizeof(why)));
	if (second)
		ASSERT_OK(config_prefix_parse(second, &prefixes[i][1], why, sizeof(why)));
}

FIXTURE(lookup) {
	int unused;
};

FIXTURE_VARIANT(lookup) {
	const char *to;
	uint32_t netns, line;
};

FIXTURE_VARIANT_ADD(lookup, shorter_range) { "192.0.2.1:5061", 0, 1 };
FIXTURE_VARIANT_ADD(lookup, longer_range) { "192.0.2.128:5061", 0, 2 };
FIXTURE_VARIANT_ADD(lookup, one_address) { "192.0.2.129:5061", 0, 3 };
FIXTURE_VARIANT_ADD(lookup, inbound_does_not_count) { "192.0.2.130:5061", 0, 2 };
FIXTURE_VARIANT_ADD(lookup, other_namespace) { "192.0.2.131:5061", 0, 2 };
FIXTURE_VARIANT_ADD(lookup, in_the_namespace) { "192.0.2.131:5061", 1, 5 };
FIXTURE_VARIANT_ADD(lookup, nobody_there) { "192.0.2.1:5061", 1, 0 };
FIXTURE_VARIANT_ADD(lookup, other_port) { "192.0.2.129:5071", 0, 6 };
FIXTURE_VARIANT_ADD(lookup, no_such_port) { "192.0.2.129:5062", 0, 0 };
FIXTURE_VARIANT_ADD(lookup, ipv6_does_not_claim_ipv4) { "198.51.100.1:5061", 0, 0 };
FIXTURE_VARIANT_ADD(lookup, ipv6_anything) { "[2001:db9::1]:5061", 0, 1 };
FIXTURE_VARIANT_ADD(lookup, ipv6_longer) { "[2001:db8::1]:5061", 0, 2 };
FIXTURE_VARIANT_ADD(lookup, ipv4_does_not_claim_ipv6) { "[2001:db8::1]:5071", 0, 0 };

FIXTURE_SETUP(lookup)
{
	(void)self;
	(void)variant;
	add_line(0, DIRECTION_OUTBOUND, 0, 5061, "192.0.2.0/24", "::/0");
	add_line(1, DIRECTION_OUTBOUND, 0, 5061, "192.0.2.128/25", "2001:db8::/32");
	add_line(2, DIRECTION_OUTBOUND, 0, 5061, "192.0.2.129/32", NULL);
	add_line(3, DIRECTION_INBOUND, 0, 5061, "192.0.2.130/32", NULL);
	add_line(4, DIRECTION_OUTBOUND, 1, 5061, "192.0.2.131/32", NULL);
	add_line(5, DIRECTION_OUTBOUND, 0, 5071, "0.0.0.0/0", NULL);
}

FIXTURE_TEARDOWN(lookup)
{
	(void)self;
	(void)variant;
}

TEST_F(lookup, is_of_the_longest_range)
{
	const struct config_line *found;
	struct endpoint to;

	(void)self;
	ASSERT_OK(endpoint_parse(variant->to, &to));
	found = config_line_find(&config, variant->netns, DIRECTION_OUTBOUND, to.port, &to);
	EXPECT_EQ(variant->line, found ? found - lines + 1 : 0);
}
