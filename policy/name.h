/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host names and addresses: what a connection was meant for (the reference) against what a
 * certificate presents (RFC 9525). Presented names are bytes of the peer's choice.
 */
#ifndef POLICY_NAME_H
#define POLICY_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NAME_DNS_MAX = 253, NAME_ADDRESS_MAX = 16 };

/* a reference identity; address_len tells which of the two it is */
struct name_reference {
	char dns[NAME_DNS_MAX + 1]; /* lower case, A-labels, no final dot */
	size_t dns_len;
	uint8_t address[NAME_ADDRESS_MAX];
	size_t address_len; /* 0, 4 or 16 */
};

/*
 * Parses a host name or an address in text. U-labels become A-labels. 0, or -EBADMSG: empty, a
 * wildcard, a port, a label that no host name has, a last label of digits alone.
 */
int name_reference_parse(const char *text, struct name_reference *out);

/*
 * True when presented bytes have the form of a DNS name: labels of letters, digits, hyphens
 * and underscores; with wildcard, the left-most may be "*".
 */
bool name_is_presented_dns(const uint8_t *bytes, size_t len, bool wildcard);

/* True when the presented bytes are the reference's DNS name as a whole, in any case. */
bool name_equals(const struct name_reference *ref, const uint8_t *bytes, size_t len);

/*
 * RFC 9525 6.3: as name_equals(), and a wildcard that is the whole left-most label
 * stands for exactly one label. At least two labels have to follow it.
 */
bool name_matches_dns(const struct name_reference *ref, const uint8_t *bytes, size_t len);

/* RFC 9525 6.4: octets are equal. */
bool name_matches_address(const struct name_reference *ref, const uint8_t *bytes, size_t len);

#endif
