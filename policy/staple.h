/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stapled OCSP response (RFC 6960; RFC 8446 4.4.2.1): what the issuer says of the peer's own
 * certificate, brought along by the peer.
 */
#ifndef POLICY_STAPLE_H
#define POLICY_STAPLE_H

#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/signature.h"
#include "policy/validity.h"

enum staple_state {
	STAPLE_ABSENT,
	STAPLE_GOOD, /* signed for the issuer, in date: not revoked */
	STAPLE_REVOKED, /* signed for the issuer, of whatever date */
	STAPLE_UNUSABLE, /* see detail */
};

enum { STAPLE_DETAIL_MAX = 64, STAPLE_BYTES_MAX = 32 * 1024, STAPLE_ANSWERS_MAX = 32 };

/* the DER of an OCSPResponse */
struct staple {
	const uint8_t *bytes;
	size_t len; /* 0: none was received */
};

struct staple_facts {
	enum staple_state state;
	char detail[STAPLE_DETAIL_MAX]; /* why it is unusable, in words */
	int64_t until; /* with STAPLE_GOOD: its last second, and that of who signed it */
};

/*
 * Reads a response about a certificate. It has to be signed by the issuer, or by a responder that
 * the issuer's key certified with id-kp-OCSPSigning (RFC 6960 4.2.2.2) and that is in date
 * itself; one without a nextUpdate is not taken. Signatures are paid for out of signatures; window
 * is narrowed to where the dates say the same.
 */
void staple_read(const struct staple *staple, X509 *certificate, X509 *issuer, int64_t now,
		 struct signature_checks *signatures, struct validity_window *window,
		 struct staple_facts *out);

#endif
