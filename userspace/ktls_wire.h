/* SPDX-License-Identifier: Apache-2.0 */
/* Watches the stream of TLS records that goes to the peer, whatever pieces it comes in. */
#ifndef USERSPACE_KTLS_WIRE_H
#define USERSPACE_KTLS_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* RFC 8446 section 5.1: type, version, length; RFC 5288 section 3: then the explicit nonce */
#define KTLS_WIRE_HEADER 5
#define KTLS_WIRE_HEAD (KTLS_WIRE_HEADER + 8)

/* To be zeroed at the start of the stream. */
struct ktls_wire {
	uint8_t head[KTLS_WIRE_HEAD]; /* the first bytes of the last record */
	size_t seen;		      /* bytes of the last record that have passed */
	unsigned int records;	      /* that have passed in full */
};

void ktls_wire_pass(struct ktls_wire *wire, const uint8_t *bytes, size_t len);

/* A record has begun and not ended. */
bool ktls_wire_in_record(const struct ktls_wire *wire);

/* The explicit nonce of the last record, of TLS 1.2 AES-GCM. -EPROTO: too short for one. */
int ktls_wire_nonce(const struct ktls_wire *wire, uint64_t *nonce);

#endif
