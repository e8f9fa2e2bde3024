/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session that a peer may resume, as bytes for session_store.h: what OpenSSL needs to go on, and
 * apart from that the certificates that came with it. OpenSSL would have the peer's own among its
 * part, and decode it in the default library context, which takes longer than a full handshake
 * saves (tls_library.h).
 */
#ifndef USERSPACE_SESSION_BYTES_H
#define USERSPACE_SESSION_BYTES_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

/*
 * Writes at most SESSION_STORE_DATA_MAX bytes; out is the caller's to cleanse, whatever is returned.
 * leaf: the peer's own certificate, NULL where it had none, or chain has it; chain: the others. One
 * that is very long is cut off: who resumes it is judged without the rest.
 *
 * Returns how many bytes, -EMSGSIZE, or -EBADMSG: OpenSSL's part is not what it is known to be.
 */
long session_bytes_pack(SSL_SESSION *session, X509 *leaf, STACK_OF(X509) *chain, uint8_t *out);

/*
 * The session, without a certificate, and its chain, the peer's own first; both are the caller's to
 * free. NULL: no memory, or no bytes of session_bytes_pack(). library is borrowed by the chain.
 */
SSL_SESSION *session_bytes_unpack(const uint8_t *data, size_t len, OSSL_LIB_CTX *library,
				  STACK_OF(X509) **chain);

#endif
