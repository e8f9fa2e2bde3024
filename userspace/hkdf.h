/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key schedule of TLS 1.3 (RFC 8446 section 7.1) over a digest of OpenSSL's that is fetched
 * once. OpenSSL's own function fetches it, and allocates six objects, for each of two dozen
 * derivations that a handshake takes.
 */
#ifndef USERSPACE_HKDF_H
#define USERSPACE_HKDF_H

#include <stddef.h>
#include <stdint.h>

enum {
	HKDF_LEN_MAX = 48, /* bytes of a SHA-384 digest, the longest that TLS 1.3 uses */
	HKDF_LABEL_MAX = 64, /* bytes of a label without "tls13 " */
};

/* a string of bytes */
struct hkdf_bytes {
	const uint8_t *bytes; /* NULL: none */
	size_t len;
};

/* For one thread. Between two calls it holds nothing of what it was given, or gave. */
struct hkdf;

/* digest: a name that OpenSSL knows. -ENOMEM, or -ENOTSUP: it is not there, or longer than TLS's. */
int hkdf_new(const char *digest, struct hkdf **out);
void hkdf_free(struct hkdf *hkdf); /* NULL is fine */

/* Bytes of the digest, and of all secrets. */
size_t hkdf_len(const struct hkdf *hkdf);

/*
 * HKDF-Expand-Label(secret, label, context, len) where one block of HKDF is enough, as it is for
 * everything in TLS. The secret may be as long as the digest's block.
 *
 * -EINVAL: something is too long, or is no secret; -EIO.
 */
int hkdf_expand_label(struct hkdf *hkdf, struct hkdf_bytes secret, struct hkdf_bytes label,
		      struct hkdf_bytes context, size_t len, uint8_t *out);

/*
 * HKDF-Extract() with what the schedule does before it: the salt is Derive-Secret(before, label,
 * ""), and 0 where there is nothing before. No input is a digest's length of zeros. out has
 * hkdf_len() bytes. Errors as above.
 */
int hkdf_extract(struct hkdf *hkdf, struct hkdf_bytes before, struct hkdf_bytes label,
		 struct hkdf_bytes input, uint8_t *out);

#endif
