/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of RFC 5280 name constraints that libcrypto leaves out, and a limit to its work.
 */
#ifndef POLICY_CONSTRAINT_H
#define POLICY_CONSTRAINT_H

#include <openssl/x509.h>
#include <openssl/x509v3.h>

/* names times subtrees of one pair of certificates; real ones have a few hundred */
enum { CONSTRAINT_COMPARISONS_MAX = 1 << 16 };

enum constraint_result {
	CONSTRAINT_HOLDS, /* so far: libcrypto still has to check it */
	CONSTRAINT_EXCLUDED, /* a wildcard stands for an excluded name, or all names are excluded */
	CONSTRAINT_MALFORMED, /* a constrained name is none: it is in no permitted subtree */
	CONSTRAINT_LIMIT, /* too many comparisons to be done for a stranger */
	CONSTRAINT_RESULT_COUNT,
};

/* A CA's constraints against the names of a certificate below it. */
enum constraint_result constraint_check(const NAME_CONSTRAINTS *constraints, X509 *certificate);

/* A result in words, as the detail of a path's fault; NULL outside the enumeration. */
const char *constraint_result_text(enum constraint_result result);

#endif
