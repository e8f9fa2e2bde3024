/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The traffic keys of one finished handshake, taken out of an SSL object so that the kernel
 * can go on with them.
 *
 * OpenSSL's own kTLS is not used: it puts a TLS 1.3 server's keys into the kernel before the
 * client's certificate was seen, and falls back to user space without a word.
 */
#ifndef USERSPACE_KTLS_KEYS_H
#define USERSPACE_KTLS_KEYS_H

#include <stdint.h>

#include <openssl/ssl.h>

#include "userspace/ktls_capture.h"
#include "userspace/ktls_cipher.h"
#include "userspace/ktls_crypto.h"

/* What one direction needs. */
struct ktls_half {
	uint8_t secret[KTLS_SECRET_MAX]; /* TLS 1.3: the traffic secret; TLS 1.2: key, fixed IV */
	uint64_t seq;			 /* number of the next record */
	uint64_t nonce;			 /* TLS 1.2 AES-GCM: explicit nonce of the next record */
};

struct ktls_keys {
	const struct ktls_cipher *cipher; /* NULL: no keys in here */
	struct ktls_half tx, rx;
	uint16_t max_fragment; /* bytes of data in a record that the peer takes at most, or 0 */
};

/*
 * Makes the context fit for a hand-over: the secrets and record counts of its connections are
 * captured, reading ahead and renegotiation are off. Takes the context's keylog and message
 * callbacks and the callback of each connection's write BIO: set none of them elsewhere. Call
 * it before the first SSL_new(). -ENOMEM.
 */
int ktls_ctx_prepare(SSL_CTX *ctx);

/*
 * Limits the context to suites that this kernel takes: sets of bits 1 << enum ktls_aead_id
 * for TLS 1.3 and 1.2, as ktls_features_aeads() gives them. Sets the lowest and the highest
 * protocol version too: a version without any AEAD is not offered. -ENOTSUP: nothing is left.
 * -EINVAL: OpenSSL refused the list.
 */
int ktls_ctx_set_ciphers(SSL_CTX *ctx, unsigned int aeads13, unsigned int aeads12);

/*
 * Takes the keys out of a connection whose handshake is complete, for either role. The SSL
 * object can be freed afterwards, and nothing may be written or read through it any more.
 *  -EINVAL   the handshake is not complete, or the context was not prepared
 *  -ENOTSUP  a suite or version that the kernel cannot take
 *  -EBUSY    decrypted, unread or unsent bytes are inside the SSL object
 *  -ENODATA  a secret was not captured
 *  -EPROTO   what was counted on the wire and what OpenSSL reported differ
 *  -EIO      a derivation failed
 * keys is wiped on every error.
 */
int ktls_keys_from_ssl(const struct ktls_crypto *crypto, const SSL *ssl, struct ktls_keys *keys);

/*
 * Writes the kernel's struct for one direction (keys->tx or keys->rx): salt, iv, key and
 * record number. info must be cleansed by the caller. -EIO: the derivation failed.
 */
int ktls_keys_info(const struct ktls_crypto *crypto, const struct ktls_cipher *cipher,
		   const struct ktls_half *half, uint8_t info[KTLS_INFO_MAX]);

/*
 * RFC 8446 section 7.2: replaces the traffic secret by the next one and starts its records
 * at 0. -EINVAL: not TLS 1.3. -EIO: the derivation failed, the half is unchanged.
 */
int ktls_keys_update(const struct ktls_crypto *crypto, const struct ktls_cipher *cipher,
		     struct ktls_half *half);

/* Cleanses all of it. Fit for _cleanup_(). */
void ktls_keys_wipe(struct ktls_keys *keys);

#endif
