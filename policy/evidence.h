/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a peer presented, and what it is held against. All of it is borrowed for one call.
 */
#ifndef POLICY_EVIDENCE_H
#define POLICY_EVIDENCE_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/staple.h"

struct cache;
struct denied;
struct store;
struct trace;

struct evidence {
	const struct store *store; /* NULL trusts nothing */
	X509 *leaf; /* NULL: no certificate was received */
	STACK_OF(X509) *untrusted; /* what the peer sent along; may be NULL and may hold leaf */
	struct staple staple; /* the stapled OCSP response */
	/* our own identity certificates: of the host, of a function; a NULL among them is none */
	const X509 *const *own;
	size_t own_count;
	const struct denied *denied; /* the operator's list of refused certificates; NULL: none */
	struct cache *cache; /* of what was found out before, or NULL; not used with a trace */
	struct trace *trace; /* where to tell of every path that was tried, or NULL */

	/*
	 * The host is under load: whom a check refuses that needs no signature gets no path. It
	 * never accepts or refuses anybody else; only what is said of a refused one is less.
	 */
	bool hurry;
};

#endif
