/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that a decision needs to know about a peer's certificates, without the
 * certificates. A zeroed struct says "no certificate", and nothing in it passes a check.
 */
#ifndef POLICY_FACTS_H
#define POLICY_FACTS_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/extension.h"
#include "policy/key.h"
#include "policy/path.h"
#include "policy/san.h"
#include "policy/text.h"

struct evidence;
struct rule;

enum { FACTS_SHA256 = 32 };

/* one certificate */
struct certificate_facts {
	int64_t not_before; /* seconds since 1970 UTC; both ends are inclusive */
	int64_t not_after;
	bool times_valid; /* both times could be read */
	struct key_facts key;
	struct usage_facts usage; /* key usage and extended key usage */
	bool self_issued; /* subject equals issuer, and is not empty */
	bool self_signed; /* by its own key, or that cannot be read; whatever its names say */
	uint8_t sha256[FACTS_SHA256]; /* of the certificate's DER */
	uint8_t spki_sha256[FACTS_SHA256]; /* of its SubjectPublicKeyInfo's DER */
	char serial[TEXT_SERIAL_MAX]; /* upper-case hexadecimal */
	char subject[TEXT_NAME_MAX]; /* RFC 2253 text, escaped to printable ASCII */
	char issuer[TEXT_NAME_MAX];
};

struct facts {
	bool present; /* a certificate was received */
	bool examined; /* all of what follows is filled in: no check passes before */
	/*
	 * In a hurry a cheaper check failed: path, leaf.self_signed, and what critical says of CAs
	 * were not found out, and no check that needs them passes.
	 */
	bool path_skipped;
	struct certificate_facts leaf; /* the peer's own */
	struct san_list san; /* its subject alternative names, and its CN */
	struct path_facts path; /* the way to a root of the store */
	struct critical_facts critical; /* an unknown critical extension in that path */
	bool in_store; /* the very certificate is in the store */
	bool denied_known; /* there is a deny list */
	bool denied; /* a certificate of the chain or of the path is on it: */
	uint8_t denied_sha256[FACTS_SHA256]; /* this one; zero where it cannot be told */
	bool own_known; /* a certificate of our own was given: these two mean something */
	bool reflected; /* it is one of our own certificates */
	bool own_key; /* it has the public key of one of ours that is another certificate */
};

/*
 * Extracts the facts of a chain as a peer sent it. The rule's peer, sip and options guide the
 * choice among paths, and so does now: a path that holds for this use is found where one exists.
 * 0 (a certificate that fails every check is still 0), -ENOMEM, or -EINVAL (no rule).
 * On error out is zeroed. Release with facts_release().
 */
int facts_extract(const struct evidence *evidence, const struct rule *rule, int64_t now,
		  struct facts *out);

/* Copies facts whole. 0 or -ENOMEM; release with facts_release(). */
int facts_copy(const struct facts *from, struct facts *out);

/* Frees what facts_extract() allocated and zeroes; fits _cleanup_(facts_release). */
void facts_release(struct facts *facts);

#endif
