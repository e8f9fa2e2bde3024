/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OpenSSL library context of handshakes. A peer's certificates are decoded by whatever
 * decoders there are: OpenSSL 3.0 collects them anew for each certificate, and looks at all of
 * them, those of formats that no certificate holds included, which takes longer than all of the
 * handshake's cryptography.
 */
#ifndef USERSPACE_TLS_LIBRARY_H
#define USERSPACE_TLS_LIBRARY_H

#include <openssl/types.h>

struct tls_library {
	OSSL_LIB_CTX *ctx; /* NULL: the default one */
	OSSL_PROVIDER *provider;
};

/**
 * tls_library_new - the default provider's algorithms that handshakes need
 * @out: for tls_library_free(). Where this host's OpenSSL is configured for FIPS, or to go without its
 *       default provider, it is the default library context, with all that it has.
 *
 * Keys are decoded as SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7) of the types that can sign.
 * What is made in it has to be freed before it.
 *
 * Returns 0, or -ENOMEM.
 */
int tls_library_new(struct tls_library *out);

/* one of zeros is fine */
void tls_library_free(struct tls_library *library);

#endif
