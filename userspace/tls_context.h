/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TLS contexts of a worker: what is offered to the peers of a line, and how their
 * certificates come to the policy. Lines that offer the same share one.
 */
#ifndef USERSPACE_TLS_CONTEXT_H
#define USERSPACE_TLS_CONTEXT_H

#include <openssl/ssl.h>

#include "userspace/worker.h"

struct connection;
struct tls_contexts;

/* One for each kind of line of the configuration. NULL: why says it. */
struct tls_contexts *tls_contexts_new(const struct worker_setup *setup, const char **why);

/* The context of a line, borrowed; NULL for a line that was not there. */
SSL_CTX *tls_contexts_find(const struct tls_contexts *contexts, const struct config_line *line);

/* The library context that they are of, and that lives as long; NULL: the default one. */
OSSL_LIB_CTX *tls_contexts_library(const struct tls_contexts *contexts);

/*
 * Asks the policy about a certificate of the connection's peer; leaf NULL: it has none. The
 * connection's record has the verdict then. 0 when it was decided; -errno.
 */
int tls_decide(struct connection *connection, X509 *leaf, STACK_OF(X509) *chain);

/* Takes back what was decided. */
void tls_undecide(struct connection *connection);

/* NULL is fine. */
void tls_contexts_free(struct tls_contexts *contexts);

#endif
