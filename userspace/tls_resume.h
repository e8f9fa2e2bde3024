/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resumption of TLS sessions (RFC 8446 section 2.2, RFC 5246 section 7.3), which skips the
 * certificate: it is kept with the session, and judged again by today's rule, store and
 * clock before the session is used. One that is refused is not resumed, so that a full
 * handshake follows, and its refusal with the right alert.
 *
 * As a server the sessions are in memory that the workers share (session_store.h), and what
 * peers get is a name of one, not a ticket that holds it: there are no keys to rotate. As a
 * client each worker keeps the last session of each line.
 */
#ifndef USERSPACE_TLS_RESUME_H
#define USERSPACE_TLS_RESUME_H

#include <openssl/ssl.h>

#include "userspace/config.h"

struct connection;
struct tls_resume; /* of a worker as a client: what it may offer */

/* Sets a context up to keep sessions of its lines, or to offer them. */
void tls_resume_prepare(SSL_CTX *ctx, enum direction direction);

/* The connection's part: which sessions it may resume, and how many names it gives out. -EIO. */
int tls_resume_begin(struct connection *connection);

/*
 * The handshake is over: whether what was decided about a session's certificate holds for the
 * connection. false: a session was resumed that nobody judged.
 */
bool tls_resume_settle(struct connection *connection);

/*
 * The handshake failed: whether a session was offered, which is then not done again for a day.
 * There are servers that give out sessions and fail when one comes back (OpenSSL's without a
 * session id context that asks for a certificate): these are worth another connection.
 */
bool tls_resume_failed(struct connection *connection);

/* Releases what tls_resume_begin() and the handshake kept of a session. */
void tls_resume_end(struct connection *connection);

/* NULL: out of memory. */
struct tls_resume *tls_resume_new(const struct config *config);
void tls_resume_free(struct tls_resume *resume);

#endif
