// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "policy/candidate.h"
#include "policy/path.h"
#include "policy/signature.h"
#include "policy/store.h"
#include "policy/validity.h"

enum {
	PATH_UNTRUSTED_MAX = 64, /* certificates of a peer that are looked at */
	PATH_ISSUERS_MAX = 32, /* candidates for one issuer */
	PATH_STEPS_MAX = 256, /* issuers that are tried, over all candidate paths */
};

static const char *const path_state_names[] = {
	[PATH_NOT_BUILT] = "not-built",
	[PATH_TRUSTED] = "trusted",
	[PATH_NO_ISSUER] = "no-issuer",
	[PATH_SELF_SIGNED] = "self-signed",
	[PATH_SIGNATURE] = "signature",
	[PATH_DATE] = "date",
	[PATH_NOT_CA] = "not-ca",
	[PATH_LENGTH] = "path-length",
	[PATH_NAME_CONSTRAINT] = "name-constraint",
	[PATH_POLICY] = "policy",
	[PATH_CRITICAL] = "critical-extension",
	[PATH_PURPOSE] = "purpose",
	[PATH_REVOKED] = "revoked",
	[PATH_LIMIT] = "limit",
	[PATH_INVALID] = "invalid",
};
_Static_assert(sizeof(path_state_names) / sizeof(path_state_names[0]) == PATH_STATE_COUNT,
	       "a name a state");

/*
 * How much a fault says about the peer, when no path holds and one has to be reported: a
 * fault above a certificate of the store more than one above what the peer sent along,
 * and a missing issuer least.
 */
enum path_rank {
	PATH_RANK_NONE,
	PATH_RANK_DEAD_END,
	PATH_RANK_UNTRUSTED_ISSUER,
	PATH_RANK_STORE_ISSUER,
	PATH_RANK_COMPLETE,
	PATH_RANK_TRUSTED,
};

struct path_issuer {
	X509 *certificate;
	bool in_store;
	bool anchor; /* in the store and self-signed: a path ends here */
	int score;
};

struct path_search {
	const struct store *store;
	STACK_OF(X509) *untrusted;
	const struct rule *rule;
	int64_t now;
	struct signature_checks *signatures;
	struct candidate candidate;
	unsigned int steps;
	enum path_rank rank; /* of what out says */
	struct path_facts *out;
};

static bool path_extend(struct path_search *search);

const char *path_state_name(enum path_state state)
{
	return (unsigned int)state < PATH_STATE_COUNT ? path_state_names[state] : NULL;
}

/* what there is to say of a candidate's certificates, whatever became of it */
static void path_describe(const struct candidate *candidate, struct path_facts *out)
{
	out->length = candidate->count;
	for (unsigned int i = 0; i < candidate->count; i++) {
		X509 *certificate = candidate->certificates[i];
		struct key_facts key;
		int64_t end;

		if (validity_seconds(X509_get0_notAfter(certificate), &end) < 0)
			end = INT64_MIN;
		if (i == 0 || end < out->not_after)
			out->not_after = end;
		key_describe(certificate, &key);
		if (i == 0 || key.rsa_bits < out->weakest.rsa_bits) {
			out->weakest = key;
			text_name(X509_get_subject_name(certificate), out->weakest_subject,
				  sizeof(out->weakest_subject));
		}
	}
}

/* keeps a fault when it says more than the one that is kept; at is where it is */
static void path_record(struct path_search *search, enum path_rank rank,
			const struct candidate_fault *fault, X509 *at)
{
	struct path_facts *out = search->out;

	if (rank <= search->rank)
		return;
	search->rank = rank;
	out->state = fault->state;
	out->fault_depth = (int)fault->depth;
	snprintf(out->detail, sizeof(out->detail), "%s", fault->detail);
	text_name(X509_get_subject_name(at), out->fault_subject, sizeof(out->fault_subject));
	out->critical.found = fault->state == PATH_CRITICAL;
	if (out->critical.found) {
		out->critical.depth = fault->depth;
		snprintf(out->critical.oid, sizeof(out->critical.oid), "%s", fault->oid);
		snprintf(out->critical.subject, sizeof(out->critical.subject), "%s",
			 out->fault_subject);
	}
	path_describe(&search->candidate, out);
}

static void path_record_dead_end(struct path_search *search, enum path_state state,
				 const char *detail)
{
	unsigned int depth = search->candidate.count - 1;
	struct candidate_fault fault = { .state = state, .depth = depth };

	snprintf(fault.detail, sizeof(fault.detail), "%s", detail);
	path_record(search, PATH_RANK_DEAD_END, &fault, search->candidate.certificates[depth]);
}

/* libcrypto verifies the signatures of a complete path again: they are paid for first */
static bool path_pay(struct path_search *search)
{
	for (unsigned int i = 1; i < search->candidate.count; i++) {
		if (!signature_pay(search->signatures, search->candidate.certificates[i]))
			return false;
	}
	return true;
}

/* a candidate has reached a root: true when it holds */
static bool path_complete(struct path_search *search)
{
	const struct candidate *candidate = &search->candidate;
	struct candidate_fault fault = { .state = PATH_LIMIT };

	search->out->candidates++;
	if (path_pay(search))
		candidate_validate(candidate, &fault);
	else
		snprintf(fault.detail, sizeof(fault.detail), "too many signatures to check");
	for (unsigned int i = 0; i + 1 < candidate->count && fault.state == PATH_TRUSTED; i++) {
		if (store_revokes(search->store, candidate->certificates[i],
				  candidate->certificates[i + 1])) {
			fault = (struct candidate_fault){ .state = PATH_REVOKED, .depth = i };
			snprintf(fault.detail, sizeof(fault.detail), "its issuer revoked it");
		}
	}
	if (fault.depth >= candidate->count)
		fault.depth = candidate->count - 1;

	path_record(search, fault.state == PATH_TRUSTED ? PATH_RANK_TRUSTED : PATH_RANK_COMPLETE,
		    &fault, candidate->certificates[fault.depth]);
	if (fault.state != PATH_TRUSTED)
		return false;
	text_name(X509_get_subject_name(candidate->certificates[candidate->count - 1]),
		  search->out->root, sizeof(search->out->root));
	return true;
}

/*
 * RFC 4158 5.2: no certificate twice, and no name and key twice, which is what a loop of
 * cross-certificates comes to.
 */
static bool path_holds_issuer(const struct candidate *candidate, X509 *issuer)
{
	for (unsigned int i = 0; i < candidate->count; i++) {
		X509 *held = candidate->certificates[i];

		if (X509_NAME_cmp(X509_get_subject_name(held), X509_get_subject_name(issuer)) == 0 &&
		    EVP_PKEY_eq(X509_get0_pubkey(held), X509_get0_pubkey(issuer)) == 1)
			return true;
	}
	return false;
}

/*
 * Which issuer to try first. Key identifiers only order: they are hints, and a wrong one
 * does not make a path invalid (RFC 4158 3.5.12).
 */
static int path_score(X509 *subject, const struct path_issuer *issuer, int64_t now)
{
	const ASN1_OCTET_STRING *want = X509_get0_authority_key_id(subject);
	const ASN1_OCTET_STRING *have = X509_get0_subject_key_id(issuer->certificate);
	int64_t begin, end;
	int score = 4 * issuer->anchor + 2 * issuer->in_store;

	if (want && have)
		score += ASN1_OCTET_STRING_cmp(want, have) == 0 ? 8 : -8;
	if (validity_seconds(X509_get0_notBefore(issuer->certificate), &begin) == 0 &&
	    validity_seconds(X509_get0_notAfter(issuer->certificate), &end) == 0 &&
	    begin <= now && now <= end)
		score += 16;
	return score;
}

/* keeps the best at most PATH_ISSUERS_MAX, best first; what comes first wins among equals */
static void path_add_issuer(const struct path_search *search, struct path_issuer *issuers,
			    unsigned int *count, X509 *certificate, bool in_store)
{
	const struct candidate *candidate = &search->candidate;
	X509 *subject = candidate->certificates[candidate->count - 1];
	struct path_issuer issuer = {
		.certificate = certificate,
		.in_store = in_store,
		.anchor = in_store && X509_self_signed(certificate, 0) == 1,
	};
	unsigned int at = *count;

	if (path_holds_issuer(candidate, certificate))
		return;
	issuer.score = path_score(subject, &issuer, search->now);
	while (at > 0 && issuers[at - 1].score < issuer.score)
		at--;
	if (at == PATH_ISSUERS_MAX)
		return;
	if (*count < PATH_ISSUERS_MAX)
		(*count)++;
	memmove(&issuers[at + 1], &issuers[at], (*count - at - 1) * sizeof(*issuers));
	issuers[at] = issuer;
}

static unsigned int path_find_issuers(const struct path_search *search,
				      struct path_issuer issuers[PATH_ISSUERS_MAX])
{
	const struct candidate *candidate = &search->candidate;
	const X509_NAME *name =
		X509_get_issuer_name(candidate->certificates[candidate->count - 1]);
	unsigned int count = 0;
	size_t index = 0;
	X509 *certificate;

	while ((certificate = store_find_subject(search->store, name, &index)))
		path_add_issuer(search, issuers, &count, certificate, true);
	for (int i = 0; i < sk_X509_num(search->untrusted) && i < PATH_UNTRUSTED_MAX; i++) {
		certificate = sk_X509_value(search->untrusted, i);
		if (X509_NAME_cmp(X509_get_subject_name(certificate), name) == 0 &&
		    !store_has(search->store, certificate))
			path_add_issuer(search, issuers, &count, certificate, false);
	}
	return count;
}

/* may this issuer stand next above the candidate? its signature is looked at last */
static bool path_accepts_issuer(struct path_search *search, const struct path_issuer *issuer)
{
	struct candidate *candidate = &search->candidate;
	X509 *subject = candidate->certificates[candidate->count - 1];
	struct candidate_fault fault;

	candidate_judge_issuer(candidate, issuer->certificate, issuer->anchor, search->rule,
			       search->now, &fault);
	if (fault.state == PATH_TRUSTED) {
		enum signature_result result =
			signature_check(search->signatures, subject, issuer->certificate);

		if (result == SIGNATURE_GOOD)
			return true;
		fault = (struct candidate_fault){
			.state = result == SIGNATURE_BAD ? PATH_SIGNATURE : PATH_LIMIT,
			.depth = candidate->count - 1,
		};
		snprintf(fault.detail, sizeof(fault.detail), "%s",
			 result == SIGNATURE_BAD ? "its issuer's key does not verify its signature" :
						   "too many signatures to check");
		path_record(search, PATH_RANK_UNTRUSTED_ISSUER, &fault, subject);
		return false;
	}
	path_record(search,
		    issuer->in_store ? PATH_RANK_STORE_ISSUER : PATH_RANK_UNTRUSTED_ISSUER, &fault,
		    issuer->certificate);
	return false;
}

static bool path_try_issuer(struct path_search *search, const struct path_issuer *issuer)
{
	struct candidate *candidate = &search->candidate;
	bool self_issued = X509_get_extension_flags(issuer->certificate) & EXFLAG_SI;

	if (search->steps++ >= PATH_STEPS_MAX || !path_accepts_issuer(search, issuer))
		return false;
	candidate->certificates[candidate->count++] = issuer->certificate;
	candidate->limit_depth += !self_issued;

	bool found = issuer->anchor ? path_complete(search) : path_extend(search);

	candidate->limit_depth -= !self_issued;
	candidate->count--;
	return found;
}

/* tries every issuer of the candidate's last certificate until a path holds */
static bool path_extend(struct path_search *search)
{
	struct path_issuer issuers[PATH_ISSUERS_MAX];

	if (search->candidate.count == PATH_DEPTH_MAX) {
		path_record_dead_end(search, PATH_LIMIT, "the chain is longer than will be followed");
		return false;
	}

	unsigned int count = path_find_issuers(search, issuers);

	if (!count)
		path_record_dead_end(search, PATH_NO_ISSUER, "no certificate of its issuer is known");
	for (unsigned int i = 0; i < count; i++) {
		if (path_try_issuer(search, &issuers[i]))
			return true;
	}
	return false;
}

/* the peer's certificate alone: in the store and self-signed it is its own path */
static bool path_start(struct path_search *search, X509 *leaf)
{
	search->candidate.certificates[0] = leaf;
	search->candidate.count = 1;
	if (X509_self_signed(leaf, 0) == 1) {
		if (store_has(search->store, leaf))
			return path_complete(search);
		path_record_dead_end(search, PATH_SELF_SIGNED,
				     "it is self-signed and not in the store");
	}
	return path_extend(search);
}

int path_build(const struct store *store, X509 *leaf, STACK_OF(X509) *untrusted,
	       const struct rule *rule, int64_t now, struct path_facts *out)
{
	struct signature_checks signatures = { .count = 0 };
	struct path_search search = {
		.store = store,
		.untrusted = untrusted,
		.rule = rule,
		.now = now,
		.signatures = &signatures,
		.out = out,
	};

	*out = (struct path_facts){ .state = PATH_NOT_BUILT };
	if (store)
		path_start(&search, leaf);
	out->signatures = signatures.count;
	return 0;
}
