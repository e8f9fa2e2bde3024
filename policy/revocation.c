// SPDX-License-Identifier: Apache-2.0
#include "policy/crl.h"
#include "policy/evidence.h"
#include "policy/revocation.h"
#include "policy/store.h"

/* what the lists say of one certificate */
enum revocation_answer {
	REVOCATION_UNKNOWN,
	REVOCATION_OUT_OF_DATE, /* there are lists, and none is current */
	REVOCATION_GOOD, /* a current one covers it and does not list it */
	REVOCATION_LIMIT, /* too many signatures to check */
	REVOCATION_REVOKED,
};

static enum revocation_answer revocation_ask(const struct revocation *revocation,
					     const struct crl *crl, X509 *certificate, X509 *issuer)
{
	bool listed = crl_lists(crl, certificate);
	bool current = validity_holds(revocation->window, crl->this_update, crl->next_update,
				      revocation->now);
	bool proves = revocation->setting == CRL_REQUIRE && crl_covers(crl, certificate);

	/* its signature is not worth checking when nothing follows from it */
	if ((!listed && !proves && current) || !crl_may_sign(issuer))
		return REVOCATION_UNKNOWN;
	switch (signature_check_crl(revocation->signatures, crl->list, issuer)) {
	case SIGNATURE_GOOD:
		break;
	case SIGNATURE_LIMIT:
		return REVOCATION_LIMIT;
	default:
		return REVOCATION_UNKNOWN;
	}
	if (listed)
		return REVOCATION_REVOKED;
	return current ? REVOCATION_GOOD : REVOCATION_OUT_OF_DATE;
}

/*
 * What all lists of an issuer come to: the gravest answer, and a current list over an old one.
 * until is the last second of the list that says REVOCATION_GOOD longest.
 */
static enum revocation_answer revocation_ask_all(const struct revocation *revocation,
						 X509 *certificate, X509 *issuer,
						 struct revocation_facts *facts, int64_t *until)
{
	const X509_NAME *name = X509_get_issuer_name(certificate);
	enum revocation_answer answer = REVOCATION_UNKNOWN;
	const struct crl *crl;
	size_t index = 0;

	*until = INT64_MIN;
	while ((crl = store_find_crl(revocation->evidence->store, name, &index))) {
		enum revocation_answer one = revocation_ask(revocation, crl, certificate, issuer);
		bool current = crl->this_update <= revocation->now &&
			       revocation->now <= crl->next_update;

		if (one != REVOCATION_UNKNOWN && !current && !facts->stale_issuer[0])
			text_name(name, facts->stale_issuer, sizeof(facts->stale_issuer));
		if (one == REVOCATION_GOOD && crl->next_update > *until)
			*until = crl->next_update;
		if (one > answer)
			answer = one;
	}
	return answer;
}

static void revocation_fail(enum revocation_answer answer, X509 *certificate, unsigned int depth,
			    struct candidate_fault *fault)
{
	char issuer[TEXT_NAME_MAX];

	text_name(X509_get_issuer_name(certificate), issuer, sizeof(issuer));
	switch (answer) {
	case REVOCATION_REVOKED:
		candidate_fail(fault, PATH_REVOKED, depth, "its issuer revoked it");
		break;
	case REVOCATION_LIMIT:
		candidate_fail(fault, PATH_LIMIT, depth, "too many signatures to check");
		break;
	case REVOCATION_OUT_OF_DATE:
		candidate_fail(fault, PATH_UNKNOWN_STATUS, depth,
			       "the revocation list is out of date, its issuer %.46s", issuer);
		break;
	default:
		candidate_fail(fault, PATH_UNKNOWN_STATUS, depth,
			       "no current revocation list of its issuer %.50s", issuer);
		break;
	}
}

static bool revocation_check_one(const struct revocation *revocation,
				 const struct candidate *candidate, unsigned int depth,
				 struct candidate_fault *fault, struct revocation_facts *facts)
{
	X509 *certificate = candidate->certificates[depth];
	int64_t until;
	enum revocation_answer answer =
		revocation_ask_all(revocation, certificate, candidate->certificates[depth + 1],
				   facts, &until);
	bool stapled = depth == 0 && facts->staple.state == STAPLE_GOOD;

	facts->proven += answer == REVOCATION_GOOD;
	if (answer >= REVOCATION_LIMIT ||
	    (revocation->setting == CRL_REQUIRE && answer != REVOCATION_GOOD && !stapled)) {
		revocation_fail(answer, certificate, depth, fault);
		return false;
	}
	/* a response that is out of date refuses, whatever the lists prove */
	if (stapled)
		until = facts->staple.until;
	if (revocation->setting == CRL_REQUIRE && until < facts->until)
		facts->until = until;
	return true;
}

static bool revocation_check_staple(const struct revocation *revocation,
				    const struct candidate *candidate,
				    struct candidate_fault *fault, struct revocation_facts *facts)
{
	staple_read(&revocation->evidence->staple, candidate->certificates[0],
		    candidate->certificates[1], revocation->now, revocation->signatures,
		    revocation->window, &facts->staple);
	if (facts->staple.state == STAPLE_REVOKED)
		candidate_fail(fault, PATH_REVOKED, 0, "its stapled OCSP response says revoked");
	else if (facts->staple.state == STAPLE_UNUSABLE && revocation->setting == CRL_REQUIRE)
		candidate_fail(fault, PATH_UNKNOWN_STATUS, 0, "its stapled OCSP response: %s",
			       facts->staple.detail);
	else
		return true;
	return false;
}

void revocation_check(const struct revocation *revocation, const struct candidate *candidate,
		      struct candidate_fault *fault, struct revocation_facts *facts)
{
	*facts = (struct revocation_facts){ .until = INT64_MAX };
	if (revocation->setting == CRL_OFF || candidate->count < 2)
		return;
	if (!revocation_check_staple(revocation, candidate, fault, facts))
		return;
	for (unsigned int i = 0; i + 1 < candidate->count; i++) {
		if (!revocation_check_one(revocation, candidate, i, fault, facts))
			return;
	}
}
