// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "policy/cleanup.h"
#include "policy/evidence.h"
#include "policy/issuer.h"
#include "policy/key.h"
#include "policy/path.h"
#include "policy/revocation.h"
#include "policy/signature.h"
#include "policy/store.h"
#include "policy/trace.h"
#include "policy/validity.h"

enum {
	PATH_CANDIDATES_MAX = 32, /* complete paths that are validated */
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
	[PATH_UNKNOWN_STATUS] = "unknown-status",
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

struct path_search {
	struct issuer_pool pool;
	struct signature_checks signatures;
	struct revocation revocation;
	struct candidate candidate;
	unsigned int steps;
	enum path_rank rank; /* of what out says */
	const uint8_t *leaf_sha256;
	struct path_facts *out;
	struct trace *trace; /* or NULL */
};

static bool path_extend(struct path_search *search);

const char *path_state_name(enum path_state state)
{
	return (unsigned int)state < PATH_STATE_COUNT ? path_state_names[state] : NULL;
}

static void path_describe_weakest(const struct candidate *candidate, struct path_facts *out)
{
	for (unsigned int i = 0; i < candidate->count; i++) {
		X509 *certificate = candidate->certificates[i];
		struct key_facts key;

		key_describe(certificate, &key);
		if (i == 0 || key.rsa_bits < out->weakest.rsa_bits) {
			out->weakest = key;
			text_name(X509_get_subject_name(certificate), out->weakest_subject,
				  sizeof(out->weakest_subject));
		}
	}

	/* nothing rests on the signature of the last, which the store vouches for */
	out->sha1_subject[0] = '\0';
	for (unsigned int i = 0; i + 1 < candidate->count && !out->sha1_subject[0]; i++) {
		if (signature_is_sha1(candidate->certificates[i]))
			text_name(X509_get_subject_name(candidate->certificates[i]),
				  out->sha1_subject, sizeof(out->sha1_subject));
	}
}

/* what there is to say of a candidate's certificates, whatever became of it */
static void path_describe(const struct candidate *candidate, struct path_facts *out)
{
	out->length = candidate->count;
	for (unsigned int i = 0; i < candidate->count; i++) {
		int64_t end;

		if (validity_seconds(X509_get0_notAfter(candidate->certificates[i]), &end) < 0)
			end = INT64_MIN;
		if (i == 0 || end < out->not_after)
			out->not_after = end;
	}
	path_describe_weakest(candidate, out);
}

/*
 * Keeps a fault when it says more than the one that is kept. next is the issuer that was to
 * follow the candidate's last certificate, or NULL; a fault at that depth is its own. True
 * when it was kept.
 */
static bool path_record(struct path_search *search, enum path_rank rank,
			const struct candidate_fault *fault, X509 *next)
{
	struct path_facts *out = search->out;
	const struct candidate *candidate = &search->candidate;
	X509 *at = fault->depth < candidate->count ? candidate->certificates[fault->depth] : next;

	if (search->trace)
		trace_add(search->trace, candidate, next, fault);
	if (rank <= search->rank)
		return false;
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
	path_describe(candidate, out);
	return true;
}

static void path_record_dead_end(struct path_search *search, enum path_state state,
				 const char *detail)
{
	struct candidate_fault fault = { 0 };

	candidate_fail(&fault, state, search->candidate.count - 1, "%s", detail);
	path_record(search, PATH_RANK_DEAD_END, &fault, NULL);
}

/* of a path that holds: what is above the peer's own certificate is met again with other peers */
static void path_keep_signatures(const struct path_search *search)
{
	const struct candidate *candidate = &search->candidate;

	for (unsigned int i = 1; i + 1 < candidate->count; i++)
		signature_keep(&search->signatures, candidate->certificates[i],
			       candidate->certificates[i + 1]);
}

/*
 * Those of the peer's certificate and of the store's are known. False: one could not be computed,
 * and a deny list would not find it.
 */
static bool path_fingerprints(const struct path_search *search)
{
	const struct candidate *candidate = &search->candidate;

	memcpy(search->out->sha256[0], search->leaf_sha256, STORE_SHA256);
	for (unsigned int i = 1; i < candidate->count; i++) {
		X509 *certificate = candidate->certificates[i];
		const uint8_t *known = store_fingerprint(search->pool.store, certificate);

		if (known)
			memcpy(search->out->sha256[i], known, STORE_SHA256);
		else if (X509_digest(certificate, EVP_sha256(), search->out->sha256[i], NULL) != 1)
			return false;
	}
	return true;
}

/* a candidate has reached a root: true when it holds */
static bool path_complete(struct path_search *search)
{
	const struct candidate *candidate = &search->candidate;
	struct candidate_fault fault = { 0 };
	struct revocation_facts facts = { 0 };

	if (search->out->candidates++ < PATH_CANDIDATES_MAX)
		candidate_validate(candidate, &fault);
	else
		candidate_fail(&fault, PATH_LIMIT, 0, "too many paths to check");
	if (fault.state == PATH_TRUSTED)
		revocation_check(&search->revocation, candidate, &fault, &facts);
	if (fault.state == PATH_TRUSTED && !path_fingerprints(search))
		candidate_fail(&fault, PATH_LIMIT, 0, "out of memory");
	if (fault.depth >= candidate->count)
		fault.depth = candidate->count - 1;

	if (path_record(search,
			fault.state == PATH_TRUSTED ? PATH_RANK_TRUSTED : PATH_RANK_COMPLETE,
			&fault, NULL))
		search->out->revocation = facts;
	if (fault.state != PATH_TRUSTED)
		return false;
	path_keep_signatures(search);

	X509 *root = candidate->certificates[candidate->count - 1];

	text_name(X509_get_subject_name(root), search->out->root, sizeof(search->out->root));
	search->out->root_self_signed = X509_self_signed(root, 0) == 1;
	return true;
}

/* may this issuer stand next above the candidate? its signature is looked at last */
static bool path_accepts_issuer(struct path_search *search, const struct issuer *issuer)
{
	struct candidate *candidate = &search->candidate;
	X509 *subject = candidate->certificates[candidate->count - 1];
	struct candidate_fault fault = { 0 };

	issuer_judge(&search->pool, candidate, issuer, &fault);
	if (fault.state != PATH_TRUSTED) {
		path_record(search,
			    issuer->in_store ? PATH_RANK_STORE_ISSUER : PATH_RANK_UNTRUSTED_ISSUER,
			    &fault, issuer->certificate);
		return false;
	}
	switch (signature_check(&search->signatures, subject, issuer->certificate)) {
	case SIGNATURE_GOOD:
		if (candidate->count == 1 && !key_is_same(subject, issuer->certificate))
			search->out->signed_by_other = true;
		return true;
	case SIGNATURE_BAD:
		candidate_fail(&fault, PATH_SIGNATURE, candidate->count - 1,
			       "its issuer's key does not verify its signature");
		break;
	case SIGNATURE_WORTHLESS:
		candidate_fail(&fault, PATH_SIGNATURE, candidate->count - 1,
			       "its signature is over MD5 or older, which can be forged");
		break;
	case SIGNATURE_LIMIT:
		candidate_fail(&fault, PATH_LIMIT, candidate->count - 1,
			       "too many signatures to check");
		break;
	}
	path_record(search, PATH_RANK_UNTRUSTED_ISSUER, &fault, issuer->certificate);
	return false;
}

static bool path_try_issuer(struct path_search *search, const struct issuer *issuer)
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
	struct issuer issuers[ISSUER_FOUND_MAX];

	if (search->candidate.count == PATH_DEPTH_MAX) {
		path_record_dead_end(search, PATH_LIMIT,
				     "the chain is longer than will be followed");
		return false;
	}

	unsigned int count = issuer_find(&search->pool, &search->candidate, issuers);

	if (!count)
		path_record_dead_end(search, PATH_NO_ISSUER,
				     "no certificate of its issuer is known");
	for (unsigned int i = 0; i < count; i++) {
		if (path_try_issuer(search, &issuers[i]))
			return true;
	}
	return false;
}

/* what was found out holds no longer than the peer's certificate, though others judge its dates */
static void path_narrow(struct path_search *search, X509 *leaf)
{
	int64_t begin, end;

	if (validity_seconds(X509_get0_notBefore(leaf), &begin) == 0 &&
	    validity_seconds(X509_get0_notAfter(leaf), &end) == 0)
		validity_holds(&search->out->window, begin, end, search->pool.now);
}

/* the peer's certificate alone: in the store and self-signed it is its own path */
static bool path_start(struct path_search *search, X509 *leaf)
{
	char detail[PATH_DETAIL_MAX];

	search->candidate.certificates[0] = leaf;
	search->candidate.count = 1;
	if (extension_malformed(leaf, detail, sizeof(detail))) {
		path_record_dead_end(search, PATH_INVALID, detail);
		return false;
	}
	if (X509_self_signed(leaf, 0) == 1) {
		if (store_has(search->pool.store, leaf))
			return path_complete(search);
		path_record_dead_end(search, PATH_SELF_SIGNED,
				     "it is self-signed and not in the store");
	}
	return path_extend(search);
}

int path_build(const struct evidence *evidence, const struct rule *rule, int64_t now,
	       const uint8_t leaf_sha256[32], struct path_facts *out)
{
	*out = (struct path_facts){ .state = PATH_NOT_BUILT, .window = VALIDITY_ALWAYS };
	if (!evidence->store)
		return 0;

	struct path_search *search _cleanup_free_ = calloc(1, sizeof(*search));

	if (!search)
		return -ENOMEM;
	issuer_pool_fill(&search->pool, evidence, rule, now, &out->window);
	search->revocation = (struct revocation){
		.evidence = evidence,
		.setting = rule_revocation(rule),
		.now = now,
		.signatures = &search->signatures,
		.window = &out->window,
	};
	search->signatures.cache = evidence->trace ? NULL : evidence->cache;
	search->out = out;
	search->trace = evidence->trace;
	search->leaf_sha256 = leaf_sha256;
	path_narrow(search, evidence->leaf);
	path_start(search, evidence->leaf);
	out->signatures = signature_count(&search->signatures);
	return 0;
}
