/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A certificate's subject alternative names as bytes, to be compared by name.c and sip.c.
 */
#ifndef POLICY_SAN_H
#define POLICY_SAN_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum san_kind {
	SAN_OTHER, /* a kind that names neither host nor SIP domain */
	SAN_DNS,
	SAN_URI,
	SAN_IP, /* 4 or 16 octets; any other length matches nothing */
	SAN_EMAIL,
};

struct san_entry {
	enum san_kind kind;
	const uint8_t *bytes; /* as they stand in the certificate: hostile, not terminated */
	size_t len;
};

struct san_list {
	bool present; /* the extension exists, however empty or odd */
	bool malformed; /* it could not be read: no name of this certificate counts */
	struct san_entry *entries;
	size_t count;
	void *storage; /* the entries and what they point to; NULL when the caller owns it */

	/* the subject's last CN as UTF-8, for SIP only (RFC 5922 7.1 step 2) */
	const uint8_t *common_name;
	size_t common_name_len;
};

/* Reads the names of a certificate. 0 or -ENOMEM; release with san_release(). */
int san_read(X509 *certificate, struct san_list *out);

/* The bytes that a copy takes besides the list itself. */
size_t san_size(const struct san_list *list);

/* Copies a list and all that it points to. 0 or -ENOMEM; release with san_release(). */
int san_copy(const struct san_list *from, struct san_list *out);

/* Frees what san_read() allocated and zeroes. */
void san_release(struct san_list *list);

#endif
