/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a certificate of a complete path was revoked: by the store's lists, and by what the
 * peer stapled (RFC 5280 section 6.3, RFC 6960). Nothing is fetched.
 */
#ifndef POLICY_REVOCATION_H
#define POLICY_REVOCATION_H

#include <stdbool.h>

#include "policy/candidate.h"
#include "policy/rule.h"
#include "policy/staple.h"

struct evidence;

struct revocation {
	const struct evidence *evidence;
	enum rule_crl setting;
	int64_t now;
	struct signature_checks *signatures;
	struct validity_window *window; /* narrowed to where every date says the same */
};

/*
 * Looks at every certificate of a path below its root, whose signatures hold. A list that is
 * out of date still revokes what it lists. Under CRL_REQUIRE every one needs a current list of
 * its issuer that covers it, or for the peer's own a stapled response. fault is left alone when
 * there is none; facts are written in full.
 */
void revocation_check(const struct revocation *revocation, const struct candidate *candidate,
		      struct candidate_fault *fault, struct revocation_facts *facts);

#endif
