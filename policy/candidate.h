/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One candidate path, from the peer's certificate to an anchor of the store, and
 * libcrypto's validation of the whole of it.
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

/* Ends a fault: what is wrong, at which depth, and in words. */
void candidate_fail(struct candidate_fault *fault, enum path_state state, unsigned int depth,
		    const char *format, ...) __attribute__((format(printf, 4, 5)));

/*
 * Validates a complete path: name constraints, and all of RFC 5280 section 6 by libcrypto,
 * which is given exactly this path. The last certificate is the trust anchor. Dates,
 * purposes and critical extensions are not looked at: issuer_judge() does; nor are signatures,
 * which signature_check() has found good one by one.
 */
void candidate_validate(const struct candidate *candidate, struct candidate_fault *out);

#endif
