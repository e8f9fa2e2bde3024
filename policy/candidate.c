// SPDX-License-Identifier: Apache-2.0
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>

#include "policy/candidate.h"
#include "policy/cleanup.h"
#include "policy/constraint.h"
#include "policy/purpose.h"
#include "policy/rule.h"
#include "policy/validity.h"

DEFINE_CLEANUP(X509_STORE *, X509_STORE_free);
DEFINE_CLEANUP(X509_STORE_CTX *, X509_STORE_CTX_free);
DEFINE_CLEANUP(STACK_OF(X509) *, sk_X509_free);

static void __attribute__((format(printf, 4, 5)))
candidate_fail(struct candidate_fault *fault, enum path_state state, unsigned int depth,
	       const char *format, ...)
{
	va_list args;

	fault->state = state;
	fault->depth = depth;
	va_start(args, format);
	vsnprintf(fault->detail, sizeof(fault->detail), format, args);
	va_end(args);
}

/* RFC 5280 6.1.3 (a)(2) */
static bool candidate_judge_date(X509 *issuer, int64_t now, unsigned int depth,
				 struct candidate_fault *out)
{
	int64_t not_before, not_after;
	char time[TEXT_TIME_MAX];

	if (validity_seconds(X509_get0_notBefore(issuer), &not_before) < 0 ||
	    validity_seconds(X509_get0_notAfter(issuer), &not_after) < 0) {
		candidate_fail(out, PATH_DATE, depth, "its validity cannot be read");
	} else if (now < not_before) {
		text_time(not_before, time, sizeof(time));
		candidate_fail(out, PATH_DATE, depth, "it is not valid before %s", time);
	} else if (now > not_after) {
		text_time(not_after, time, sizeof(time));
		candidate_fail(out, PATH_DATE, depth, "it expired after %s", time);
	} else {
		return true;
	}
	return false;
}

/*
 * RFC 5280 6.1.4 (k) to (n). X509_check_ca() is 1 for a basicConstraints CA and 0 for no CA;
 * what it says of old roots without basicConstraints counts only for one that the store trusts.
 */
static bool candidate_judge_ca(const struct candidate *candidate, X509 *issuer, bool anchor,
			       struct candidate_fault *out)
{
	int ca = X509_check_ca(issuer);
	long path_length = X509_get_pathlen(issuer);

	if (ca != 1 && !(anchor && ca)) {
		candidate_fail(out, PATH_NOT_CA, candidate->count, "it is no CA%s",
			       X509_get_extension_flags(issuer) & EXFLAG_KUSAGE &&
					       !(X509_get_key_usage(issuer) & KU_KEY_CERT_SIGN) ?
				       ": its key usage has no keyCertSign" :
				       " by its basic constraints");
		return false;
	}
	if (path_length >= 0 && path_length < (long)candidate->limit_depth) {
		candidate_fail(out, PATH_LENGTH, candidate->count,
			       "%u CA certificates below it, its path length allows %ld",
			       candidate->limit_depth, path_length);
		return false;
	}
	return true;
}

void candidate_judge_issuer(const struct candidate *candidate, X509 *issuer, bool anchor,
			    const struct rule *rule, int64_t now, struct candidate_fault *out)
{
	unsigned int depth = candidate->count;
	struct usage_facts usage;

	*out = (struct candidate_fault){ .state = PATH_INVALID, .depth = depth };
	if (!candidate_judge_date(issuer, now, depth, out) ||
	    !candidate_judge_ca(candidate, issuer, anchor, out))
		return;
	if (extension_unknown_critical(issuer, out->oid, sizeof(out->oid))) {
		candidate_fail(out, PATH_CRITICAL, depth, "unknown critical extension %s", out->oid);
		return;
	}
	extension_usage(issuer, &usage);
	if (rule_checks(rule) & CHECK_BIT(CHECK_PURPOSE) &&
	    purpose_extended(&usage, rule) == PURPOSE_REFUSED) {
		candidate_fail(out, PATH_PURPOSE, depth, "its extended key usage is only %.60s",
			       usage.malformed ? "unreadable" : usage.eku_text);
		return;
	}
	out->state = PATH_TRUSTED;
}

/* the path that was chosen is the only one that libcrypto can build */
static int candidate_check_issued(X509_STORE_CTX *ctx, X509 *subject, X509 *issuer)
{
	const struct candidate *candidate = X509_STORE_CTX_get_app_data(ctx);

	for (unsigned int i = 0; i + 1 < candidate->count; i++) {
		if (candidate->certificates[i] == subject)
			return candidate->certificates[i + 1] == issuer;
	}
	return subject == issuer && subject == candidate->certificates[candidate->count - 1];
}

static enum path_state candidate_state(int error)
{
	switch (error) {
	case X509_V_ERR_PERMITTED_VIOLATION:
	case X509_V_ERR_EXCLUDED_VIOLATION:
	case X509_V_ERR_SUBTREE_MINMAX:
	case X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE:
	case X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX:
	case X509_V_ERR_UNSUPPORTED_NAME_SYNTAX:
		return PATH_NAME_CONSTRAINT;
	case X509_V_ERR_INVALID_POLICY_EXTENSION:
	case X509_V_ERR_NO_EXPLICIT_POLICY:
		return PATH_POLICY;
	case X509_V_ERR_PATH_LENGTH_EXCEEDED:
		return PATH_LENGTH;
	case X509_V_ERR_INVALID_CA:
		return PATH_NOT_CA;
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
		return PATH_SIGNATURE;
	default:
		return PATH_INVALID;
	}
}

/* true when libcrypto's chain is the candidate and nothing else */
static bool candidate_is_chain(const struct candidate *candidate, const STACK_OF(X509) *chain)
{
	if (sk_X509_num(chain) != (int)candidate->count)
		return false;
	for (unsigned int i = 0; i < candidate->count; i++) {
		if (sk_X509_value(chain, (int)i) != candidate->certificates[i])
			return false;
	}
	return true;
}

/*
 * Dates are not libcrypto's to check: it takes the last second for expired. Nor are critical
 * extensions and purposes: candidate_judge_issuer() and the checks see to them.
 */
static void candidate_run(const struct candidate *candidate, X509_STORE_CTX *ctx,
			  struct candidate_fault *out)
{
	X509_STORE_CTX_set_app_data(ctx, (void *)candidate);
	X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_NO_CHECK_TIME | X509_V_FLAG_IGNORE_CRITICAL |
					      X509_V_FLAG_POLICY_CHECK);
	X509_STORE_CTX_set_depth(ctx, PATH_DEPTH_MAX);

	if (X509_verify_cert(ctx) != 1) {
		int error = X509_STORE_CTX_get_error(ctx);

		candidate_fail(out, candidate_state(error),
			       (unsigned int)X509_STORE_CTX_get_error_depth(ctx), "%s",
			       X509_verify_cert_error_string(error));
	} else if (candidate_is_chain(candidate, X509_STORE_CTX_get0_chain(ctx))) {
		out->state = PATH_TRUSTED;
	}
}

static void candidate_validate_chain(const struct candidate *candidate, struct candidate_fault *out)
{
	STACK_OF(X509) *roots _cleanup_(cleanup_sk_X509_free) = sk_X509_new_null();
	STACK_OF(X509) *middle _cleanup_(cleanup_sk_X509_free) = sk_X509_new_null();
	X509_STORE *store _cleanup_(cleanup_X509_STORE_free) = X509_STORE_new();
	X509_STORE_CTX *ctx _cleanup_(cleanup_X509_STORE_CTX_free) = X509_STORE_CTX_new();

	if (!roots || !middle || !store || !ctx)
		return;
	if (!sk_X509_push(roots, candidate->certificates[candidate->count - 1]))
		return;
	for (unsigned int i = 1; i + 1 < candidate->count; i++) {
		if (!sk_X509_push(middle, candidate->certificates[i]))
			return;
	}
	X509_STORE_set_check_issued(store, candidate_check_issued);
	if (X509_STORE_CTX_init(ctx, store, candidate->certificates[0], middle) != 1)
		return;
	X509_STORE_CTX_set0_trusted_stack(ctx, roots);
	candidate_run(candidate, ctx, out);
}

/* RFC 5280 6.1.3 (b), (c): self-issued certificates are exempt, but for the last */
static bool candidate_meets_constraints(const struct candidate *candidate,
					struct candidate_fault *out)
{
	for (unsigned int ca = 1; ca < candidate->count; ca++) {
		for (unsigned int i = 0; i < ca; i++) {
			X509 *below = candidate->certificates[i];

			if (i && X509_get_extension_flags(below) & EXFLAG_SI)
				continue;
			switch (constraint_check(candidate->certificates[ca], below)) {
			case CONSTRAINT_HOLDS:
				break;
			case CONSTRAINT_EXCLUDED:
				candidate_fail(out, PATH_NAME_CONSTRAINT, i,
					       "its wildcard stands for an excluded name");
				return false;
			case CONSTRAINT_LIMIT:
				candidate_fail(out, PATH_LIMIT, i,
					       "more names and name constraints than are compared");
				return false;
			}
		}
	}
	return true;
}

void candidate_validate(const struct candidate *candidate, struct candidate_fault *out)
{
	*out = (struct candidate_fault){ .state = PATH_INVALID };
	snprintf(out->detail, sizeof(out->detail), "it could not be validated");
	if (!candidate_meets_constraints(candidate, out))
		return;
	ERR_set_mark();
	candidate_validate_chain(candidate, out);
	ERR_pop_to_mark();
}
