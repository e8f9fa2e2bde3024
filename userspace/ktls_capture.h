/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must be written down while OpenSSL shakes hands, as it cannot be asked for later: the
 * TLS 1.3 traffic secrets, and how many records went over the wire under which key.
 */
#ifndef USERSPACE_KTLS_CAPTURE_H
#define USERSPACE_KTLS_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "userspace/ktls_wire.h"

#define KTLS_SECRET_MAX 48 /* bytes of a SHA-384 traffic secret */

struct ktls_secret {
	uint8_t bytes[KTLS_SECRET_MAX];
	size_t len; /* 0: not seen yet */
	bool confirmed; /* seen both ways, and the same */
};

struct ktls_capture {
	struct ktls_secret client, server; /* TLS 1.3 only */
	struct ktls_wire wire;		   /* what left through the write BIO */
	unsigned int tx_records;	   /* that OpenSSL has built */
	unsigned int tx_after_finished;	   /* those of them that followed our Finished */
	unsigned int rx_after_finished;	   /* records whose header was read after the peer's */
	bool tx_finished, rx_finished;
};

/*
 * Has every connection of the context captured from its first record on. Takes the keylog and
 * message callbacks of the context and the callback of the connections' write BIOs. -ENOMEM.
 *
 * Secrets come by two ways: ktls_capture_derived(), and the keylog, whose text takes libssl as long
 * as the derivations. That is written until a connection of the context has had the same secrets
 * both ways, and for ever where the first one is not there.
 */
int ktls_capture_start(SSL_CTX *ctx);

/* SSL_do_handshake(), the only call during which there is something to be captured. */
int ktls_capture_handshake(SSL *ssl);

/* HKDF-Expand-Label() gave that for a label, for the connection that now shakes hands. */
void ktls_capture_derived(const void *label, size_t label_len, const uint8_t *secret, size_t len);

/* What was captured. Belongs to ssl and is cleansed with it. NULL: nothing, or no memory. */
const struct ktls_capture *ktls_capture_get(const SSL *ssl);

#endif
