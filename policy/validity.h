/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A certificate's validity as seconds. libcrypto's own comparison takes the last
 * second for expired; RFC 5280 4.1.2.5 says inclusive.
 */
#ifndef POLICY_VALIDITY_H
#define POLICY_VALIDITY_H

#include <openssl/x509.h>
#include <stdint.h>

/*
 * Reads a time in one of the two forms that RFC 5280 allows: UTCTime YYMMDDHHMMSSZ or
 * GeneralizedTime YYYYMMDDHHMMSSZ. 0, or -EBADMSG for any other form or an impossible date.
 */
int validity_seconds(const ASN1_TIME *time, int64_t *out);

#endif
