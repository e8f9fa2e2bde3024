// SPDX-License-Identifier: Apache-2.0
#include <openssl/x509v3.h>
#include <string.h>

#include "policy/evidence.h"
#include "policy/issuer.h"
#include "policy/purpose.h"
#include "policy/rule.h"
#include "policy/store.h"
#include "policy/validity.h"

void issuer_pool_fill(struct issuer_pool *pool, const struct evidence *evidence,
		      const struct rule *rule, int64_t now, struct validity_window *window)
{
	*pool = (struct issuer_pool){
		.store = evidence->store,
		.rule = rule,
		.now = now,
		.window = window,
	};
	for (int i = 0; i < sk_X509_num(evidence->untrusted); i++) {
		X509 *certificate = sk_X509_value(evidence->untrusted, i);

		if (pool->untrusted_count == ISSUER_UNTRUSTED_MAX)
			return;
		if (!store_has(evidence->store, certificate))
			pool->untrusted[pool->untrusted_count++].certificate = certificate;
	}
}

/* no name and key twice, which is what a loop of cross-certificates comes to */
static bool issuer_is_in(const struct candidate *candidate, X509 *issuer)
{
	for (unsigned int i = 0; i < candidate->count; i++) {
		X509 *held = candidate->certificates[i];

		if (X509_NAME_cmp(X509_get_subject_name(held), X509_get_subject_name(issuer)) ==
			    0 &&
		    ASN1_STRING_cmp(X509_get0_pubkey_bitstr(held),
				    X509_get0_pubkey_bitstr(issuer)) == 0)
			return true;
	}
	return false;
}

/* a self-issued certificate whose key identifiers contradict each other finds itself: no anchor */
static bool issuer_is_anchor(const struct store *store, X509 *certificate)
{
	size_t index = 0;

	if (X509_self_signed(certificate, 0) == 1)
		return true;
	return X509_check_ca(certificate) == 1 &&
	       !store_find_subject(store, X509_get_issuer_name(certificate), &index);
}

/*
 * Which to try first. Key identifiers only order: they are hints, and a wrong one does not
 * make a path invalid (RFC 4158 3.5.12).
 */
static int issuer_score(const struct issuer_pool *pool, X509 *subject, const struct issuer *issuer)
{
	const ASN1_OCTET_STRING *want = X509_get0_authority_key_id(subject);
	const ASN1_OCTET_STRING *have = X509_get0_subject_key_id(issuer->certificate);
	int64_t begin, end;
	int score = 4 * issuer->anchor + 2 * issuer->in_store;

	if (want && have)
		score += ASN1_OCTET_STRING_cmp(want, have) == 0 ? 8 : -8;
	if (validity_seconds(X509_get0_notBefore(issuer->certificate), &begin) == 0 &&
	    validity_seconds(X509_get0_notAfter(issuer->certificate), &end) == 0 &&
	    validity_holds(pool->window, begin, end, pool->now))
		score += 16;
	return score;
}

/* keeps the best at most ISSUER_FOUND_MAX, best first; what comes first wins among equals */
static unsigned int issuer_insert(struct issuer *found, unsigned int count,
				  const struct issuer *issuer)
{
	unsigned int at = count;

	while (at > 0 && found[at - 1].score < issuer->score)
		at--;
	if (at == ISSUER_FOUND_MAX)
		return count;
	if (count < ISSUER_FOUND_MAX)
		count++;
	memmove(&found[at + 1], &found[at], (count - at - 1) * sizeof(*found));
	found[at] = *issuer;
	return count;
}

unsigned int issuer_find(struct issuer_pool *pool, const struct candidate *candidate,
			 struct issuer found[ISSUER_FOUND_MAX])
{
	X509 *subject = candidate->certificates[candidate->count - 1];
	const X509_NAME *name = X509_get_issuer_name(subject);
	struct issuer issuer = { .in_store = true };
	unsigned int count = 0;
	size_t index = 0;

	while ((issuer.certificate = store_find_subject(pool->store, name, &index))) {
		if (issuer_is_in(candidate, issuer.certificate))
			continue;
		issuer.anchor = issuer_is_anchor(pool->store, issuer.certificate);
		issuer.score = issuer_score(pool, subject, &issuer);
		count = issuer_insert(found, count, &issuer);
	}
	issuer = (struct issuer){ .in_store = false };
	for (unsigned int i = 0; i < pool->untrusted_count; i++) {
		issuer.certificate = pool->untrusted[i].certificate;
		if (X509_NAME_cmp(X509_get_subject_name(issuer.certificate), name) != 0 ||
		    issuer_is_in(candidate, issuer.certificate))
			continue;
		issuer.judged = &pool->untrusted[i].judged;
		issuer.score = issuer_score(pool, subject, &issuer);
		count = issuer_insert(found, count, &issuer);
	}
	return count;
}

/* RFC 5280 6.1.3 (a)(2) */
static bool issuer_judge_date(X509 *certificate, const struct issuer_pool *pool,
			      struct candidate_fault *out)
{
	int64_t not_before, not_after;
	char time[TEXT_TIME_MAX];

	if (validity_seconds(X509_get0_notBefore(certificate), &not_before) < 0 ||
	    validity_seconds(X509_get0_notAfter(certificate), &not_after) < 0) {
		candidate_fail(out, PATH_DATE, 0, "its validity cannot be read");
	} else if (validity_holds(pool->window, not_before, not_after, pool->now)) {
		return true;
	} else if (pool->now < not_before) {
		text_time(not_before, time, sizeof(time));
		candidate_fail(out, PATH_DATE, 0, "it is not valid before %s", time);
	} else {
		text_time(not_after, time, sizeof(time));
		candidate_fail(out, PATH_DATE, 0, "it expired after %s", time);
	}
	return false;
}

/*
 * RFC 5280 6.1.4 (k), (n). X509_check_ca() is 1 for a basicConstraints CA and 0 for no CA; what it
 * says of old roots without basicConstraints counts only for one that the store trusts.
 */
static bool issuer_judge_ca(X509 *certificate, bool anchor, struct candidate_fault *out)
{
	int ca = X509_check_ca(certificate);
	bool signs = !(X509_get_extension_flags(certificate) & EXFLAG_KUSAGE) ||
		     X509_get_key_usage(certificate) & KU_KEY_CERT_SIGN;

	if (ca == 1 || (anchor && ca))
		return true;
	candidate_fail(out, PATH_NOT_CA, 0, "it is no CA: %s",
		       signs ? "basic constraints" : "its key usage has no keyCertSign");
	return false;
}

static bool issuer_judge_extensions(X509 *certificate, const struct rule *rule,
				    struct candidate_fault *out)
{
	struct usage_facts usage;
	char text[PATH_DETAIL_MAX];

	if (extension_malformed(certificate, text, sizeof(text))) {
		candidate_fail(out, PATH_INVALID, 0, "%s", text);
		return false;
	}
	if (extension_unknown_critical(certificate, out->oid, sizeof(out->oid))) {
		candidate_fail(out, PATH_CRITICAL, 0, "unknown critical extension %s", out->oid);
		return false;
	}
	extension_usage(certificate, &usage);
	if (rule_checks(rule) & CHECK_BIT(CHECK_PURPOSE) &&
	    purpose_extended(&usage, rule) == PURPOSE_REFUSED) {
		candidate_fail(out, PATH_PURPOSE, 0, "its extended key usage is only %.60s",
			       usage.malformed ? "unreadable" : usage.eku_text);
		return false;
	}
	return true;
}

static void issuer_judge_alone(const struct issuer_pool *pool, const struct issuer *issuer,
			       struct candidate_fault *out)
{
	*out = (struct candidate_fault){ .state = PATH_INVALID };
	if (issuer_judge_date(issuer->certificate, pool, out) &&
	    issuer_judge_extensions(issuer->certificate, pool->rule, out) &&
	    issuer_judge_ca(issuer->certificate, issuer->anchor, out))
		out->state = PATH_TRUSTED;
}

void issuer_judge(const struct issuer_pool *pool, const struct candidate *candidate,
		  const struct issuer *issuer, struct candidate_fault *out)
{
	long path_length = X509_get_pathlen(issuer->certificate);

	/* extensions as large as a peer likes are read once, however many paths they stand in */
	if (issuer->judged) {
		if (issuer->judged->state == PATH_NOT_BUILT)
			issuer_judge_alone(pool, issuer, issuer->judged);
		*out = *issuer->judged;
	} else {
		issuer_judge_alone(pool, issuer, out);
	}
	out->depth = candidate->count;

	/* RFC 5280 6.1.4 (l), (m) */
	if (out->state == PATH_TRUSTED && path_length >= 0 &&
	    path_length < (long)candidate->limit_depth)
		candidate_fail(out, PATH_LENGTH, candidate->count,
			       "%u CA certificates below it, its path length allows %ld",
			       candidate->limit_depth, path_length);
}
