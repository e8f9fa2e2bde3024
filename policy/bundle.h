/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates and revocation lists out of bytes: PEM, or DER one after the other.
 */
#ifndef POLICY_BUNDLE_H
#define POLICY_BUNDLE_H

#include <openssl/x509.h>
#include <stddef.h>

struct bundle {
	STACK_OF(X509) *certificates; /* in the order of the bytes */
	STACK_OF(X509_CRL) *crls;
};

/*
 * Parses a buffer whole. PEM blocks of another kind are refused, a private key above all;
 * text between blocks is not. 0; -EINVAL (nothing found), -EBADMSG (one cannot be read,
 * or is of another kind), -E2BIG (more than max objects), -ENOMEM. On error out is empty and
 * error says what and where; error may be NULL when error_size is 0.
 */
int bundle_parse(const void *bytes, size_t len, int max, struct bundle *out, char *error,
		 size_t error_size);

/* Frees what a bundle holds and empties it; fits _cleanup_(bundle_release). */
void bundle_release(struct bundle *bundle);

#endif
