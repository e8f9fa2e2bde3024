/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CA certificates that might stand in a path, and which of them might have issued another.
 */
#ifndef POLICY_ISSUER_H
#define POLICY_ISSUER_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

#include "policy/candidate.h"

enum {
	ISSUER_UNTRUSTED_MAX = 64, /* certificates of a peer that are looked at */
	ISSUER_FOUND_MAX = 32, /* for one certificate */
};

struct evidence;

struct issuer {
	X509 *certificate; /* borrowed */
	bool in_store;
	bool anchor; /* a path ends here: see issuer_find() */
	int score; /* the higher, the sooner it is tried */
	struct candidate_fault *judged; /* where what issuer_judge() found is kept; or NULL */
};

/* where issuers come from: the store, and what the peer sent along */
struct issuer_pool {
	const struct store *store;
	const struct rule *rule;
	int64_t now;
	struct validity_window *window; /* narrowed by every date that is looked at */
	struct {
		X509 *certificate;
		struct candidate_fault judged; /* PATH_NOT_BUILT: not judged yet */
	} untrusted[ISSUER_UNTRUSTED_MAX];
	unsigned int untrusted_count;
};

/* Fills a pool; what the store has is left out of the untrusted ones. */
void issuer_pool_fill(struct issuer_pool *pool, const struct evidence *evidence,
		      const struct rule *rule, int64_t now, struct validity_window *window);

/*
 * The certificates that might have issued a candidate's last one, by name, the likeliest
 * first. An anchor is a self-signed certificate of the store, or a CA of the store whose own
 * issuer the store does not have. None that is in the candidate already (RFC 4158 5.2).
 */
unsigned int issuer_find(struct issuer_pool *pool, const struct candidate *candidate,
			 struct issuer found[ISSUER_FOUND_MAX]);

/*
 * Whether a certificate may stand next above a candidate: in date, a CA that may sign
 * certificates, within its path length, for this purpose, without unknown critical
 * extensions. Its signature is not looked at.
 */
void issuer_judge(const struct issuer_pool *pool, const struct candidate *candidate,
		  const struct issuer *issuer, struct candidate_fault *out);

#endif
