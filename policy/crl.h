/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One certificate revocation list (RFC 5280 section 5), read once when it comes into the store.
 */
#ifndef POLICY_CRL_H
#define POLICY_CRL_H

#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdint.h>

struct crl {
	X509_CRL *list;
	int64_t this_update, next_update; /* INT64_MIN: not given, or not readable: out of date */
	/*
	 * It says of every certificate in its scope whether it is revoked: no delta, not
	 * indirect, for all reasons, and without a critical extension that is not processed.
	 */
	bool complete;
	bool user_only, ca_only; /* its scope */
	ISSUING_DIST_POINT *scope; /* with a distribution point's name; or NULL */
};

/* Reads a list and takes a reference to it. */
void crl_init(X509_CRL *list, struct crl *out);

void crl_release(struct crl *crl);

/*
 * True when it lists a certificate of its issuer. What a list of narrow scope, or with
 * an extension unknown here, lists is revoked too (X.509 section 9.5): only its silence is worth
 * nothing. An entry "removeFromCRL" is none.
 */
bool crl_lists(const struct crl *crl, X509 *certificate);

/*
 * True when a certificate that it does not list is not revoked, as long as the list is current:
 * it is complete, and the certificate is in its scope (RFC 5280 6.3.3 (b)(2)).
 */
bool crl_covers(const struct crl *crl, X509 *certificate);

/* RFC 5280 6.3.3 (f): an issuer with a key usage needs cRLSign. */
bool crl_may_sign(X509 *issuer);

#endif
