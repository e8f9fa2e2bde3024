/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One candidate path, from the peer's certificate to a root of the store: what a CA has to
 * be to stand in it, and libcrypto's validation of the whole.
 */
#ifndef POLICY_CANDIDATE_H
#define POLICY_CANDIDATE_H

#include <openssl/x509.h>
#include <stdint.h>

#include "policy/path.h"

struct candidate {
	X509 *certificates[PATH_DEPTH_MAX]; /* the peer's own first; borrowed */
	unsigned int count;
	unsigned int limit_depth; /* CA certificates of a path that are not self-issued */
};

/* a fault of a candidate; state is PATH_TRUSTED when there is none */
struct candidate_fault {
	enum path_state state;
	unsigned int depth;
	char detail[PATH_DETAIL_MAX];
	char oid[EXTENSION_OID_MAX]; /* with PATH_CRITICAL */
};

/*
 * Whether a CA certificate may stand next above a candidate: in date, a CA that may sign
 * certificates, within its path length, for this purpose, without unknown critical
 * extensions. Its signature is not looked at. anchor: it is a self-signed one of the store.
 */
void candidate_judge_issuer(const struct candidate *candidate, X509 *issuer, bool anchor,
			    const struct rule *rule, int64_t now, struct candidate_fault *out);

/*
 * Validates a complete path: name constraints, and all of RFC 5280 section 6 by libcrypto,
 * which is given exactly this path. The last certificate is the trust anchor.
 */
void candidate_validate(const struct candidate *candidate, struct candidate_fault *out);

#endif
