/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which chains a change of the store, or of the operator's deny list, can concern.
 *
 * A verdict looks into the store by names alone: of the peer's certificates (whether the store has
 * a copy), of their issuers (certificates with that subject, lists of that issuer), and of the
 * issuers of the certificates that it finds there, and so on upward. So it is the same with two
 * stores that have the same certificates and lists, in the same order, for every name that it
 * meets in one of them. Which those are is found from above: a name that changed, the subjects of
 * the certificates that it issued, of those that these issued. A chain that has none of these
 * names is judged as before, whichever path it was accepted by.
 */
#ifndef POLICY_REACH_H
#define POLICY_REACH_H

#include <openssl/x509.h>
#include <stdint.h>

#include "policy/mark.h"

struct denied;
struct store;

enum {
	REACH_CERTIFICATES_MAX = 16, /* of a chain that has marks */
	REACH_MARKS_MAX = 3 * REACH_CERTIFICATES_MAX,
};

/*
 * The marks of all that a peer presented: subject, issuer and fingerprint of each certificate. leaf
 * NULL: none came. untrusted may be NULL, and may hold the leaf. How many there are, each once; -E2BIG:
 * too many certificates, -ENOMEM: such a chain has to be taken for concerned by everything.
 */
int reach_chain(X509 *leaf, STACK_OF(X509) *untrusted, uint64_t marks[REACH_MARKS_MAX]);

/* Adds to a set the marks of which a chain has one whose verdict may differ. 0, or -ENOMEM. */
int reach_of_stores(const struct store *before, const struct store *now, struct mark_set *out);

/* The same of two deny lists, either of which may be NULL, with a store. 0, or -ENOMEM. */
int reach_of_denied(const struct denied *before, const struct denied *now,
		    const struct store *store, struct mark_set *out);

#endif
