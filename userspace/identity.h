/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate that this host shows, and its private key. */
#ifndef USERSPACE_IDENTITY_H
#define USERSPACE_IDENTITY_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stddef.h>
#include <time.h>

struct identity {
	X509 *certificate;
	STACK_OF(X509) *chain; /* what follows it in its file: intermediates, may be empty */
	EVP_PKEY *key;
};

/**
 * identity_load_certificate - reads the certificate and the chain after it
 * @path: PEM; the first certificate is the identity
 * @now: seconds since the epoch; the certificate's dates are inclusive
 * @identity: the certificate and the chain are written, on success alone
 * @why: on failure the cause with the file's name, and what to do about it
 *
 * Returns 0, -EINVAL (unreadable, no PEM certificate, out of date) or -ENOMEM.
 */
int identity_load_certificate(const char *path, time_t now, struct identity *identity, char *why,
			      size_t why_len);

/**
 * identity_load_key - reads the private key of the certificate that is loaded already
 * @path: PEM without a passphrase; nobody but its owner may have access to the file
 * @identity: the key is written, on success alone
 * @why: as above
 *
 * Returns 0, -EINVAL (unreadable, open to others, not this certificate's) or -ENOMEM.
 */
int identity_load_key(const char *path, struct identity *identity, char *why, size_t why_len);

/* identity_free - releases what was loaded; a zeroed or half filled one is fine */
void identity_free(struct identity *identity);

#endif
