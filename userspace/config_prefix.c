// SPDX-License-Identifier: Apache-2.0
#include "userspace/config_prefix.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* IPv4-mapped addresses, RFC 4291 section 2.5.5.2 */
static const uint8_t v4_mapped[12] = { [10] = 0xff, [11] = 0xff };
#define V4_MAPPED_BITS 96

static unsigned int prefix_offset(const struct config_prefix *prefix)
{
	return prefix->family == AF_INET ? V4_MAPPED_BITS : 0;
}

static int prefix_parse_address(const char *text, struct config_prefix *prefix)
{
	memset(prefix->addr, 0, sizeof(prefix->addr));
	if (inet_pton(AF_INET6, text, prefix->addr) == 1) {
		prefix->family = AF_INET6;
		return 0;
	}
	memcpy(prefix->addr, v4_mapped, sizeof(v4_mapped));
	if (inet_pton(AF_INET, text, prefix->addr + sizeof(v4_mapped)) == 1) {
		prefix->family = AF_INET;
		return 0;
	}
	return -EINVAL;
}

/* The bits after the slash, without leading zeros; at most three digits. */
static int prefix_parse_length(const char *text, struct config_prefix *prefix)
{
	unsigned int n = 0;

	if (!*text || strlen(text) > 3 || (text[0] == '0' && text[1]))
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		n = n * 10 + (unsigned int)(*text - '0');
	}
	if (n > 128 - prefix_offset(prefix))
		return -EINVAL;
	prefix->length = n + prefix_offset(prefix);
	return 0;
}

/* Zeroes what follows the length. True when something was there. */
static bool prefix_clear_host(struct config_prefix *prefix)
{
	bool was_set = false;

	for (unsigned int i = 0; i < sizeof(prefix->addr); i++) {
		unsigned int kept = prefix->length > i * 8 ? prefix->length - i * 8 : 0;
		uint8_t host = kept >= 8 ? 0 : 0xff >> kept;

		was_set |= prefix->addr[i] & host;
		prefix->addr[i] &= (uint8_t)~host;
	}
	return was_set;
}

static int prefix_refuse_host(const struct config_prefix *address,
			      const struct config_prefix *range, char *why, size_t why_len)
{
	char one[CONFIG_PREFIX_LEN], all[CONFIG_PREFIX_LEN];

	config_prefix_print(address, one);
	config_prefix_print(range, all);
	snprintf(why, why_len,
		 "has bits set after its length; write %s for the range or %s for the one address",
		 all, one);
	return -EINVAL;
}

int config_prefix_parse(const char *text, struct config_prefix *prefix, char *why, size_t why_len)
{
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	struct config_prefix range = { .length = 128 }, address;
	char addr[INET6_ADDRSTRLEN];

	if (len >= sizeof(addr))
		len = sizeof(addr) - 1;
	snprintf(addr, sizeof(addr), "%.*s", (int)len, text);
	if (prefix_parse_address(addr, &range) < 0) {
		snprintf(why, why_len,
			 "is no address range; write one like 192.0.2.0/24, 2001:db8::/32 or "
			 "192.0.2.7");
		return -EINVAL;
	}
	if (slash && prefix_parse_length(slash + 1, &range) < 0) {
		snprintf(why, why_len, "does not end in a length from 0 to %u",
			 128 - prefix_offset(&range));
		return -EINVAL;
	}
	if (range.family == AF_INET6 && range.length >= V4_MAPPED_BITS &&
	    memcmp(range.addr, v4_mapped, sizeof(v4_mapped)) == 0) {
		char plain[CONFIG_PREFIX_LEN];

		range.family = AF_INET;
		config_prefix_print(&range, plain);
		snprintf(why, why_len, "is IPv4 within IPv6; write %s", plain);
		return -EINVAL;
	}
	address = range;
	address.length = 128;
	if (prefix_clear_host(&range))
		return prefix_refuse_host(&address, &range, why, why_len);
	*prefix = range;
	return 0;
}

void config_prefix_print(const struct config_prefix *prefix, char text[CONFIG_PREFIX_LEN])
{
	unsigned int offset = prefix_offset(prefix);
	char addr[INET6_ADDRSTRLEN] = "";

	inet_ntop(prefix->family, prefix->addr + offset / 8, addr, sizeof(addr));
	snprintf(text, CONFIG_PREFIX_LEN, "%s/%u", addr, prefix->length - offset);
}

bool config_prefix_has(const struct config_prefix *prefix, const struct endpoint *address)
{
	unsigned int bytes = prefix->length / 8, bits = prefix->length % 8;

	if (endpoint_is_ip4(address) != (prefix->family == AF_INET) ||
	    memcmp(address->addr, prefix->addr, bytes) != 0)
		return false;
	/* the bits after the length are zero */
	return !bits || address->addr[bytes] >> (8 - bits) == prefix->addr[bytes] >> (8 - bits);
}

int config_prefix_compare(const struct config_prefix *a, const struct config_prefix *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	if (a->length != b->length)
		return a->length < b->length ? -1 : 1;
	return memcmp(a->addr, b->addr, sizeof(a->addr));
}
