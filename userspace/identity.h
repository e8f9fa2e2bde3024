/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate that this host shows, what it offers with it, and its private key. */
#ifndef USERSPACE_IDENTITY_H
#define USERSPACE_IDENTITY_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stddef.h>
#include <time.h>

#include "policy/store.h"

struct identity {
	X509 *certificate;
	STACK_OF(X509) *chain; /* what is offered after it, in this order; may be empty */
	int chain_own; /* how many of them came with the identity; the store's follow */
	EVP_PKEY *key;
};

#define IDENTITY_CHAIN_MAX 16

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

/**
 * identity_load_pkcs12 - reads certificate, key and chain from one file
 * @path: PKCS#12 (RFC 7292) in DER; nobody but its owner may have access to the file
 * @passphrase: "" is tried as the empty one and as none
 * @identity: all of it is written, on success alone; the chain is in the order of issuing
 * @why: as above
 *
 * Returns 0, -EINVAL (unreadable, open to others, another passphrase, an algorithm of OpenSSL's
 * legacy provider, no key, no certificate for it, out of date) or -ENOMEM.
 */
int identity_load_pkcs12(const char *path, const char *passphrase, time_t now,
			 struct identity *identity, char *why, size_t why_len);

/**
 * identity_check_dates - whether the certificate is in date
 * @path: of its file, for the message
 *
 * Returns 0, or -EINVAL with @why set.
 */
int identity_check_dates(const char *path, const X509 *certificate, time_t now, char *why,
			 size_t why_len);

/**
 * identity_complete_chain - adds the issuers that the store has to what came with the identity
 *
 * What a chain in the identity's own file ends in is completed, not replaced. store_chain()
 * finds the rest, without the root.
 *
 * Returns 0 or -ENOMEM.
 */
int identity_complete_chain(struct identity *identity, const struct store *store);

/* identity_drop_chain - leaves the certificate alone to be offered. 0 or -ENOMEM. */
int identity_drop_chain(struct identity *identity);

/* identity_free - releases what was loaded; a zeroed or half filled one is fine */
void identity_free(struct identity *identity);

#endif
