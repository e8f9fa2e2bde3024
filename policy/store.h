/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Trusted Certificate Store: certificates from bytes. Built by one thread, then
 * only read: any number of threads may use one store at once as long as nobody adds.
 * A reload builds a new store and swaps.
 */
#ifndef POLICY_STORE_H
#define POLICY_STORE_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/cleanup.h"

struct crl;
struct store;

enum {
	STORE_ERROR_MAX = 192,
	STORE_CERTIFICATES_MAX = 4096,
	STORE_CRLS_MAX = 4096,
	STORE_BYTES_MAX = 4 << 20, /* of one buffer */
};

/* An empty store of generation 1; NULL when out of memory. */
struct store *store_new(uint64_t generation);

/* Frees a store; NULL is allowed. */
void store_free(struct store *store);
DEFINE_CLEANUP(struct store *, store_free);

/*
 * Adds every certificate and revocation list of a buffer: PEM (any number; blocks of another
 * kind are refused, text between blocks is not) or DER, one after the other. name
 * is where the bytes came from, for errors and store_certificate_name(). What is there already
 * is not added again and is no error. All or nothing: on error the store is as it was.
 * The number of certificates added (0 and more), or -EINVAL (nothing found), -EBADMSG (one
 * cannot be read, or is no certificate), -E2BIG (a limit), -ENOMEM; error then says which and
 * why. error may be NULL when error_size is 0.
 */
int store_add_bytes(struct store *store, const char *name, const void *bytes, size_t len,
		    char *error, size_t error_size);

/* The number that store_new() was given: which load of the store this is. */
uint64_t store_generation(const struct store *store);

size_t store_count(const struct store *store);

/* The certificate at an index below store_count(), borrowed; NULL outside. */
X509 *store_certificate(const struct store *store, size_t index);

/* The name that came with it, borrowed; NULL outside. */
const char *store_certificate_name(const struct store *store, size_t index);

/* True when this very certificate (by the SHA-256 of all of it) is in the store. */
bool store_has(const struct store *store, X509 *certificate);

/*
 * The next certificate at or after *index whose subject is a name; moves *index past it. NULL
 * at the end. Start with *index = 0. Borrowed.
 */
X509 *store_find_subject(const struct store *store, const X509_NAME *name, size_t *index);

/* The next revocation list of an issuer, as store_find_subject() finds certificates. */
const struct crl *store_find_crl(const struct store *store, const X509_NAME *issuer,
				 size_t *index);

/*
 * Offer ID certificate chain: the issuers of certificate that the store has, found by issuer
 * name and key, nearest first, the root included, at most max. References are the caller's.
 * 0, or -ENOMEM. *out is never NULL on success and does not hold certificate itself.
 */
int store_issuers(const struct store *store, X509 *certificate, size_t max,
		  STACK_OF(X509) **out);

#endif
