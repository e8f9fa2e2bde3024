/* SPDX-License-Identifier: Apache-2.0 */
/* A TLS client that comes again and again, with the session that it was given. */
#ifndef TESTS_E2E_VISITOR_H
#define TESTS_E2E_VISITOR_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

struct visitor {
	SSL_CTX *ctx;
	SSL_SESSION *session; /* the last one that it was given; may be NULL */
	char source[64]; /* of the last visit, with its port */
	bool resumed;
};

/* visitor_make - certificate: a name of the test PKI, or NULL; of one TLS version; checks */
void visitor_make(struct visitor *visitor, const char *certificate, int version);

/*
 * visitor_visit - comes from an address to the loopback one of its family, with its session if
 * it has one; whether it got an echo
 */
bool visitor_visit(struct visitor *visitor, const char *source, uint16_t port);

void visitor_free(struct visitor *visitor);

#endif
