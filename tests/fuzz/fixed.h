/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PKI that is the same to the byte in every run, so that an input means the same everywhere:
 * Ed25519 keys out of fixed bytes, whose signatures need no randomness. Its names are those of
 * tests/pki: what mkpki issued can be signed anew here and is then trusted.
 */
#ifndef TESTS_FUZZ_FIXED_H
#define TESTS_FUZZ_FIXED_H

#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/store.h"

/* 2026-06-01 00:00:00 UTC, within the validity of what is not made otherwise */
#define FIXED_NOW INT64_C(1780272000)

enum fixed_id {
	/* authorities */
	FIXED_ROOT,
	FIXED_INTERMEDIATE,
	FIXED_CONSTRAINED, /* by names */
	FIXED_POLICED, /* by certificate policies */
	FIXED_SHORT, /* by path length */
	FIXED_BARRED, /* by names that are excluded, all of a kind among them */
	FIXED_ED448, /* with another kind of key */
	/* end entities */
	FIXED_SERVER, /* this host's own */
	FIXED_GOOD, /* in the store, so that every level takes it */
	FIXED_SELF_SIGNED, /* in the store */
	FIXED_NAMES, /* every kind of name */
	FIXED_ODD, /* an unknown critical extension */
	FIXED_RESPONDER, /* may sign OCSP responses */
	FIXED_BELOW_CONSTRAINED,
	FIXED_BELOW_POLICED,
	FIXED_BELOW_BARRED,
	FIXED_BELOW_ED448,
	FIXED_CHANGED, /* FIXED_CONSTRAINED with a new key, by its old one */
	FIXED_BELOW_CHANGED,
	FIXED_COUNT,
};

/* A certificate, borrowed. */
X509 *fixed_certificate(enum fixed_id id);

/* The private key of a certificate, borrowed. */
EVP_PKEY *fixed_key(enum fixed_id id);

/* The store of this PKI as a new one; the caller's. */
struct store *fixed_store_new(void);

/*
 * Signs with the key of the authority that the issuer's CN names; an authority itself gets its
 * fixed key before. Nothing happens where the issuer is none of these.
 */
void fixed_sign(X509 *certificate);

/*
 * The certificates and revocation lists of a run of DER as PEM, each signed anew; what cannot be
 * read ends it. The bytes are the caller's.
 */
char *fixed_resign(const uint8_t *der, size_t len, size_t *out_len);

#endif
