/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A certificate's validity as seconds. libcrypto's own comparison takes the last
 * second for expired; RFC 5280 4.1.2.5 says inclusive.
 */
#ifndef POLICY_VALIDITY_H
#define POLICY_VALIDITY_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Reads a time in one of the two forms that RFC 5280 allows: UTCTime YYMMDDHHMMSSZ or
 * GeneralizedTime YYYYMMDDHHMMSSZ. 0, or -EBADMSG for any other form or an impossible date.
 */
int validity_seconds(const ASN1_TIME *time, int64_t *out);

/* the times around the present, both inclusive, at which a decision would be the same */
struct validity_window {
	int64_t from, until;
};
#define VALIDITY_ALWAYS ((struct validity_window){ INT64_MIN, INT64_MAX })

/*
 * True when now is from begin through end, both inclusive. Narrows window to the times around
 * now at which that has the same answer.
 */
bool validity_holds(struct validity_window *window, int64_t begin, int64_t end, int64_t now);

/* a date of the Gregorian calendar */
struct validity_date {
	int year; /* 1 to 9999: what no certificate can say is shown as the first or last day */
	int month, day; /* from 1 */
	int second; /* of the day */
};

/* The date of a time. libc's gmtime() would open the host's time zone file to find UTC. */
void validity_date(int64_t seconds, struct validity_date *out);

#endif
