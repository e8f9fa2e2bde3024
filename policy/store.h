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

struct bundle;
struct crl;
struct store;

enum {
	STORE_SHA256 = 32, /* bytes of a fingerprint */
	STORE_ERROR_MAX = 192,
	STORE_CERTIFICATES_MAX = 4096,
	STORE_CRLS_MAX = 4096,
	STORE_BYTES_MAX = 4 << 20, /* of one buffer */
	STORE_CHAIN_MAX = 10,
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

/*
 * The same with bytes that were parsed already; what is added is the store's together with the
 * bundle. -E2BIG, -ENOMEM.
 */
int store_add_bundle(struct store *store, const char *name, const struct bundle *bundle,
		     char *error, size_t error_size);

/* The number that store_new() was given: which load of the store this is. */
uint64_t store_generation(const struct store *store);

size_t store_count(const struct store *store);

/* The certificate at an index below store_count(), borrowed; NULL outside. */
X509 *store_certificate(const struct store *store, size_t index);

/* The name that came with it, borrowed; NULL outside. */
const char *store_certificate_name(const struct store *store, size_t index);

size_t store_crl_count(const struct store *store);

/* The revocation list at an index below store_crl_count(), borrowed; NULL outside. */
const struct crl *store_crl(const struct store *store, size_t index);

/* True when this very certificate (by the SHA-256 of all of it) is in the store. */
bool store_has(const struct store *store, X509 *certificate);

/* The same of a certificate whose SHA-256 is known. */
bool store_has_fingerprint(const struct store *store, const uint8_t sha256[STORE_SHA256]);

/* The SHA-256 of a certificate that is borrowed from the store; NULL for any other object. */
const uint8_t *store_fingerprint(const struct store *store, const X509 *certificate);

/*
 * The next certificate at or after *index whose subject is a name; moves *index past it. NULL
 * at the end. Start with *index = 0. Borrowed.
 */
X509 *store_find_subject(const struct store *store, const X509_NAME *name, size_t *index);

/* The next revocation list of an issuer, as store_find_subject() finds certificates. */
const struct crl *store_find_crl(const struct store *store, const X509_NAME *issuer,
				 size_t *index);

/*
 * Offer ID certificate chain (RFC 8446 4.4.2): the CAs of the store that stand above certificate,
 * found by issuer name and signature, nearest first; of several with one name and key the one
 * that ends last. At most STORE_CHAIN_MAX, none twice, and without a self-signed root, which the
 * standard lets out. Neither dates nor purposes are looked at. 0, and *out is a stack (empty when
 * there is no such CA) whose references are the caller's: sk_X509_pop_free(); or -ENOMEM, and
 * it is NULL.
 */
int store_chain(const struct store *store, X509 *certificate, STACK_OF(X509) **out);

#endif
