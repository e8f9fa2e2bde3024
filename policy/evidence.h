/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a peer presented, and what it is held against. All of it is borrowed for one call.
 */
#ifndef POLICY_EVIDENCE_H
#define POLICY_EVIDENCE_H

#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/staple.h"

struct cache;
struct store;
struct trace;

struct evidence {
	const struct store *store; /* NULL trusts nothing */
	X509 *leaf; /* NULL: no certificate was received */
	STACK_OF(X509) *untrusted; /* what the peer sent along; may be NULL and may hold leaf */
	struct staple staple; /* the stapled OCSP response */
	X509 *own; /* our own identity certificate, or NULL */
	struct cache *cache; /* of what was found out before, or NULL; not used with a trace */
	struct trace *trace; /* where to tell of every path that was tried, or NULL */
};

#endif
