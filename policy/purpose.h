/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether key usage and extended key usage allow what a certificate is being used for.
 * libcrypto's own purposes are not asked: they do not know sipDomain, and they take
 * server-gated crypto for serverAuth.
 */
#ifndef POLICY_PURPOSE_H
#define POLICY_PURPOSE_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/extension.h"
#include "policy/rule.h"

enum purpose_result {
	PURPOSE_REFUSED,
	PURPOSE_ALLOWED,
	PURPOSE_BY_EXCEPTION, /* only because of RULE_ACCEPT_SERVER_AUTH_CLIENT */
};

/*
 * Extended key usage of the peer's certificate, or of a CA above it (which limits
 * what is below it): absent allows everything; else it has to hold the TLS purpose of the
 * peer's role, sipDomain on a SIP line (RFC 5924), or any (unless strict).
 */
enum purpose_result purpose_extended(const struct usage_facts *usage, const struct rule *rule);

/*
 * Key usage of the peer's certificate for TLS: a server signs, decrypts or agrees, a
 * client signs or agrees. Absent allows; all zero bits, or malformed, refuse.
 */
bool purpose_key_usage(const struct usage_facts *usage, const struct rule *rule);

#endif
