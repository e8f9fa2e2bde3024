/* SPDX-License-Identifier: Apache-2.0 */
/* The key derivations that TLS keys need. */
#ifndef USERSPACE_KTLS_CRYPTO_H
#define USERSPACE_KTLS_CRYPTO_H

#include <stddef.h>
#include <stdint.h>

/* The derivation functions, fetched once: a fetch for each connection is slow. For one thread. */
struct ktls_crypto;

/* -ENOMEM, or -ENOTSUP: OpenSSL's providers lack SHA-256, SHA-384 or TLS1-PRF. */
int ktls_crypto_new(struct ktls_crypto **crypto);
void ktls_crypto_free(struct ktls_crypto *crypto); /* NULL is fine */

/*
 * HKDF-Expand-Label(secret, label, "", out_len), RFC 8446 section 7.1. The secret is as long
 * as the digest, and tells which one that is; out_len is at most that. -EINVAL, -EIO.
 */
int ktls_crypto_expand_label(const struct ktls_crypto *crypto, const uint8_t *secret,
			     size_t secret_len, const char *label, size_t out_len, uint8_t *out);

/*
 * The key block of TLS 1.2: PRF(master, "key expansion", server_random + client_random),
 * RFC 5246 section 6.3. The randoms have 32 bytes each. -EIO.
 */
int ktls_crypto_key_block(const struct ktls_crypto *crypto, const char *digest,
			  const uint8_t *master, size_t master_len, const uint8_t *server_random,
			  const uint8_t *client_random, size_t out_len, uint8_t *out);

#endif
