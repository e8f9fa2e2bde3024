/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checked signatures of one search, remembered, and paid for out of a budget: the number of
 * certificates that a peer sends must not decide how long a worker is busy. One that the cache
 * knows costs the budget as much as another, so that verdicts are the same with it and without.
 */
#ifndef POLICY_SIGNATURE_H
#define POLICY_SIGNATURE_H

#include <openssl/x509.h>
#include <stdbool.h>

enum signature_result {
	SIGNATURE_BAD,
	SIGNATURE_GOOD,
	SIGNATURE_WORTHLESS, /* over MD5 or older: it can be forged (RFC 6151) */
	SIGNATURE_LIMIT, /* the budget is spent: not checked */
};

enum {
	SIGNATURE_REMEMBERED_MAX = 128,
	/* one unit is about 50 µs on a small server: 20 ms in all */
	SIGNATURE_BUDGET = 400,
};

struct cache;

struct signature_checks {
	struct cache *cache; /* where authorities' signatures are known from searches before; or NULL */
	struct {
		const void *object; /* a certificate or a revocation list */
		const X509 *issuer;
		bool good;
		bool recalled; /* from the cache */
	} done[SIGNATURE_REMEMBERED_MAX];
	unsigned int count; /* how many are remembered */
	unsigned int spent; /* of SIGNATURE_BUDGET */
};

/* Whether issuer's key verifies certificate's signature. Both have to outlive checks. */
enum signature_result signature_check(struct signature_checks *checks, X509 *certificate,
				      X509 *issuer);

/* Has the cache know one that was found good, in a path that holds. */
void signature_keep(const struct signature_checks *checks, X509 *certificate, X509 *issuer);

/* How many were checked, and not known before. */
unsigned int signature_count(const struct signature_checks *checks);

/* The same of a revocation list. */
enum signature_result signature_check_crl(struct signature_checks *checks, X509_CRL *list,
					  X509 *issuer);

/* Whether a certificate's own key verifies its signature; true when that key cannot be read. */
bool signature_is_own(X509 *certificate);

/* A signature over SHA-1: counted, since no level asks otherwise, and named in the record. */
bool signature_is_sha1(X509 *certificate);

/*
 * Takes from the budget what it costs to verify one more signature with a certificate's
 * key. False when the budget does not have it.
 */
bool signature_pay(struct signature_checks *checks, X509 *issuer);

#endif
