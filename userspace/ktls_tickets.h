/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TLS 1.3 server names the session that may be resumed after the handshake, when its keys
 * are in the kernel already. OpenSSL alone can make a session of such a message, but does not
 * take it in plain: it is sealed again under the server's key, as it was on the wire, and
 * handed to the SSL object that did the handshake.
 */
#ifndef USERSPACE_KTLS_TICKETS_H
#define USERSPACE_KTLS_TICKETS_H

#include <openssl/ssl.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/ktls_keys.h"

struct ktls_tickets;

/*
 * Takes the SSL object of a client over, whose keys went into the kernel; it reads and writes
 * nothing on its socket any more. -EINVAL: not TLS 1.3; -ENOMEM, -EIO; ssl is freed then too.
 */
int ktls_tickets_new(const struct ktls_crypto *crypto, SSL *ssl, const struct ktls_keys *keys,
		     struct ktls_tickets **out);

/*
 * Takes a whole handshake record as the kernel gave it. It must be the next one after those
 * before: a record of any other type in between ends the matter. The context's new-session
 * callback is called for each session. -EPROTO: OpenSSL does not like it.
 */
int ktls_tickets_feed(struct ktls_tickets *tickets, const uint8_t *record, size_t len);

/* Cleanses and releases all of it; NULL is fine. */
void ktls_tickets_free(struct ktls_tickets *tickets);

#endif
