/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decision on a peer's certificate. The agent, the command-line tools and the
 * fuzzer all come through policy_check_chain() or policy_check_bytes().
 */
#ifndef POLICY_VERDICT_H
#define POLICY_VERDICT_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/check.h"
#include "policy/evidence.h"
#include "policy/facts.h"
#include "policy/level.h"
#include "policy/rule.h"
#include "policy/store.h"

enum { VERDICT_NOTES_MAX = 8, VERDICT_NOTE_MAX = 256 };

/* zeroed it is a refusal */
struct verdict {
	bool accepted;
	enum refusal refusal; /* of the first check that failed */
	enum level level;
	enum check failed; /* the first check that failed; CHECK_COUNT: none did */
	char reason[CHECK_REASON_MAX]; /* its reason, or what was accepted */

	/* every check that the rule asks for, in order; all run, whatever the ones before said */
	struct check_result results[CHECK_COUNT];
	size_t result_count;

	/* exceptions used, and what an operator should know though no check asks it */
	char notes[VERDICT_NOTES_MAX][VERDICT_NOTE_MAX];
	size_t note_count;

	/*
	 * The last second at which an acceptance holds: the end of the peer's certificate, and
	 * where the trust chain is checked of every CA's of its path, and where a proof that
	 * none is revoked is required, of the lists and the stapled response that are it.
	 * INT64_MAX when no certificate was received.
	 */
	int64_t holds_until;
};

/*
 * Decides. Facts in, verdict out: no certificate, no clock, no store. out is written
 * in full and starts as refused; a rule that asks for nothing is refused.
 */
void policy_decide(const struct facts *facts, const struct rule *rule, int64_t now,
		   struct verdict *out);

/* Whether a certificate is on the operator's deny list, whatever else is said. */
bool verdict_is_denied(const struct verdict *verdict);

/*
 * Extracts and decides. now in seconds since 1970 UTC. facts_out may be NULL; else release it
 * with facts_release(), after an error too. Nothing is kept of the arguments.
 * 0 when decided (see out->accepted), -EINVAL, -ENOMEM; after an error out is a refusal.
 */
int policy_check_chain(const struct evidence *evidence, const struct rule *rule, int64_t now,
		       struct verdict *out, struct facts *facts_out);

/* certificates as bytes: PEM, or DER one after the other; len 0 is "none" */
struct policy_bytes {
	const void *chain; /* the peer's certificate first, then what it sent along */
	size_t chain_len;
	const void *own; /* our own certificate first; what follows is not looked at */
	size_t own_len;
	struct staple staple; /* OCSP; DER */
	struct trace *trace; /* as in struct evidence */
};

enum { POLICY_CHAIN_BYTES_MAX = 256 * 1024, POLICY_CHAIN_CERTIFICATES_MAX = 64 };

/*
 * The same from bytes. -EBADMSG: a certificate cannot be read; -E2BIG: too many or too
 * much. out is then a refusal whose reason says so.
 */
int policy_check_bytes(const struct store *store, const struct policy_bytes *bytes,
		       const struct rule *rule, int64_t now, struct verdict *out,
		       struct facts *facts_out);

#endif
