// SPDX-License-Identifier: Apache-2.0
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>

#include "policy/candidate.h"
#include "policy/cleanup.h"
#include "policy/constraint.h"

DEFINE_CLEANUP(NAME_CONSTRAINTS *, NAME_CONSTRAINTS_free);
DEFINE_CLEANUP(X509_STORE *, X509_STORE_free);
DEFINE_CLEANUP(X509_STORE_CTX *, X509_STORE_CTX_free);
DEFINE_CLEANUP(STACK_OF(X509) *, sk_X509_free);

void candidate_fail(struct candidate_fault *fault, enum path_state state, unsigned int depth,
		    const char *format, ...)
{
	va_list args;

	fault->state = state;
	fault->depth = depth;
	va_start(args, format);
	vsnprintf(fault->detail, sizeof(fault->detail), format, args);
	va_end(args);
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

/* every signature was checked when the path was put together */
static int candidate_skip_signatures(X509_STORE_CTX *ctx)
{
	(void)ctx;
	return 1;
}

/* what issuer_judge() and signature_check() found good is not found bad here */
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

/* a CA that the store has without its issuer ends a path too */
static unsigned long candidate_flags(const struct candidate *candidate)
{
	bool root = X509_self_signed(candidate->certificates[candidate->count - 1], 0) == 1;

	return X509_V_FLAG_NO_CHECK_TIME | X509_V_FLAG_IGNORE_CRITICAL | X509_V_FLAG_POLICY_CHECK |
	       (root ? 0 : X509_V_FLAG_PARTIAL_CHAIN);
}

/*
 * A subject's CN is held to DNS name constraints only where it can serve as a name, in a
 * certificate without subjectAltName.
 */
static void candidate_run(const struct candidate *candidate, X509_STORE_CTX *ctx,
			  struct candidate_fault *out)
{
	/* without memory for this candidate_check_issued() would have nothing to go by */
	if (X509_STORE_CTX_set_app_data(ctx, (void *)candidate) != 1)
		return;
	X509_STORE_CTX_set_flags(ctx, candidate_flags(candidate));
	X509_STORE_CTX_set_depth(ctx, PATH_DEPTH_MAX);
	if (X509_get_ext_by_NID(candidate->certificates[0], NID_subject_alt_name, -1) >= 0)
		X509_VERIFY_PARAM_set_hostflags(X509_STORE_CTX_get0_param(ctx),
						X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);

	if (X509_verify_cert(ctx) != 1) {
		int error = X509_STORE_CTX_get_error(ctx);

		candidate_fail(out, candidate_state(error),
			       (unsigned int)X509_STORE_CTX_get_error_depth(ctx), "%s",
			       X509_verify_cert_error_string(error));
	} else if (candidate_is_chain(candidate, X509_STORE_CTX_get0_chain(ctx))) {
		*out = (struct candidate_fault){ .state = PATH_TRUSTED };
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
	X509_STORE_set_verify(store, candidate_skip_signatures);
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
		NAME_CONSTRAINTS *constraints _cleanup_(cleanup_NAME_CONSTRAINTS_free) =
			X509_get_ext_d2i(candidate->certificates[ca], NID_name_constraints, NULL,
					 NULL);

		for (unsigned int i = 0; constraints && i < ca; i++) {
			X509 *below = candidate->certificates[i];

			if (i && X509_get_extension_flags(below) & EXFLAG_SI)
				continue;

			enum constraint_result result = constraint_check(constraints, below);

			if (result == CONSTRAINT_HOLDS)
				continue;
			candidate_fail(out, PATH_NAME_CONSTRAINT, i, "%s",
				       constraint_result_text(result));
			return false;
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
