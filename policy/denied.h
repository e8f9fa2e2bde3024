/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An operator's own list of certificates that are refused, whatever else holds: on top of the
 * levels, applied by all of them, and no exception lifts it.
 */
#ifndef POLICY_DENIED_H
#define POLICY_DENIED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct evidence;
struct facts;

enum { DENIED_SHA256 = 32 };

/* SHA-256 fingerprints of whole certificates (DER), in the order of memcmp(), none twice */
struct denied {
	const uint8_t (*sha256)[DENIED_SHA256];
	size_t count;
};

/* Whether a fingerprint is on the list; NULL is a list of none. */
bool denied_has(const struct denied *denied, const uint8_t sha256[DENIED_SHA256]);

/*
 * Notes in facts what the evidence's list says of the peer's certificate, of what it sent along,
 * and of the path that was found: one that is on it is enough. A certificate whose fingerprint
 * cannot be taken counts as being on it.
 */
void denied_look(const struct evidence *evidence, struct facts *out);

#endif
