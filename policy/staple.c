// SPDX-License-Identifier: Apache-2.0
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "policy/cleanup.h"
#include "policy/extension.h"
#include "policy/staple.h"

DEFINE_CLEANUP(OCSP_RESPONSE *, OCSP_RESPONSE_free);
DEFINE_CLEANUP(OCSP_BASICRESP *, OCSP_BASICRESP_free);
DEFINE_CLEANUP(OCSP_CERTID *, OCSP_CERTID_free);
DEFINE_CLEANUP(STACK_OF(X509) *, sk_X509_free);

struct staple_question {
	X509 *certificate;
	X509 *issuer;
	int64_t now;
	struct signature_checks *signatures;
	struct validity_window *window;
	int64_t *until; /* narrowed by every date that has to hold */
};

/* the CertID's digest is the responder's choice; these two are what responders use */
static OCSP_CERTID *staple_id(const OCSP_CERTID *like, const struct staple_question *question)
{
	ASN1_OBJECT *digest = NULL;

	OCSP_id_get0_info(NULL, &digest, NULL, NULL, (OCSP_CERTID *)like);
	switch (OBJ_obj2nid(digest)) {
	case NID_sha1:
		return OCSP_cert_to_id(EVP_sha1(), question->certificate, question->issuer);
	case NID_sha256:
		return OCSP_cert_to_id(EVP_sha256(), question->certificate, question->issuer);
	default:
		return NULL;
	}
}

/* the answer about the certificate; NULL when there is none */
static OCSP_SINGLERESP *staple_find(OCSP_BASICRESP *basic, const struct staple_question *question)
{
	int count = OCSP_resp_count(basic);

	for (int i = 0; i < count && i < STAPLE_ANSWERS_MAX; i++) {
		OCSP_SINGLERESP *answer = OCSP_resp_get0(basic, i);
		const OCSP_CERTID *id = OCSP_SINGLERESP_get0_id(answer);
		OCSP_CERTID *own _cleanup_(cleanup_OCSP_CERTID_free) = staple_id(id, question);

		if (own && OCSP_id_cmp(own, id) == 0)
			return answer;
	}
	return NULL;
}

/* RFC 6960 4.4: of an extension that is not known here, only a critical one counts */
static bool staple_has_critical(OCSP_BASICRESP *basic, OCSP_SINGLERESP *answer)
{
	return OCSP_BASICRESP_get_ext_by_critical(basic, 1, -1) >= 0 ||
	       OCSP_SINGLERESP_get_ext_by_critical(answer, 1, -1) >= 0;
}

static bool staple_in_date(const ASN1_TIME *begin, const ASN1_TIME *end,
			   const struct staple_question *question)
{
	int64_t from, until;

	if (!begin || !end || validity_seconds(begin, &from) < 0 ||
	    validity_seconds(end, &until) < 0 ||
	    !validity_holds(question->window, from, until, question->now))
		return false;
	if (until < *question->until)
		*question->until = until;
	return true;
}

/* a responder that the issuer certified: signed by its key, for this, and in date */
static bool staple_is_delegate(X509 *signer, const struct staple_question *question)
{
	char text[EXTENSION_OID_MAX];

	if (X509_NAME_cmp(X509_get_issuer_name(signer),
			  X509_get_subject_name(question->issuer)) != 0 ||
	    !staple_in_date(X509_get0_notBefore(signer), X509_get0_notAfter(signer), question))
		return false;
	if (extension_malformed(signer, text, sizeof(text)) ||
	    extension_unknown_critical(signer, text, sizeof(text)) ||
	    !(X509_get_extension_flags(signer) & EXFLAG_XKUSAGE) ||
	    !(X509_get_extended_key_usage(signer) & XKU_OCSP_SIGN))
		return false;
	/* not signature_check(), which remembers certificates that outlive this response */
	return signature_pay(question->signatures, question->issuer) &&
	       X509_verify(signer, X509_get0_pubkey(question->issuer)) == 1;
}

/* NULL, or what is wrong with who signed it */
static const char *staple_signature_fault(OCSP_BASICRESP *basic,
					  const struct staple_question *question)
{
	STACK_OF(X509) *issuers _cleanup_(cleanup_sk_X509_free) = sk_X509_new_null();
	X509 *signer;

	if (!issuers || !sk_X509_push(issuers, question->issuer))
		return "out of memory";
	if (OCSP_resp_get0_signer(basic, &signer, issuers) != 1)
		return "whoever signed it is not known";
	if (signer != question->issuer && !staple_is_delegate(signer, question))
		return "whoever signed it may not answer for the issuer";
	if (!signature_pay(question->signatures, signer))
		return "too many signatures to check";
	/* who may sign was found out above: only the signature is left */
	if (OCSP_basic_verify(basic, issuers, NULL, OCSP_NOVERIFY) != 1)
		return "its signature is wrong";
	return NULL;
}

/* NULL, or why it cannot be used; state is then left alone */
static const char *staple_fault(const struct staple *staple, const struct staple_question *question,
				enum staple_state *state)
{
	const unsigned char *at = staple->bytes;

	if (staple->len > STAPLE_BYTES_MAX)
		return "it is too long";

	OCSP_RESPONSE *response _cleanup_(cleanup_OCSP_RESPONSE_free) =
		d2i_OCSP_RESPONSE(NULL, &at, (long)staple->len);

	if (!response || at != staple->bytes + staple->len)
		return "it cannot be read";
	if (OCSP_response_status(response) != OCSP_RESPONSE_STATUS_SUCCESSFUL)
		return "the responder had no answer";

	OCSP_BASICRESP *basic _cleanup_(cleanup_OCSP_BASICRESP_free) =
		OCSP_response_get1_basic(response);
	OCSP_SINGLERESP *answer = basic ? staple_find(basic, question) : NULL;
	ASN1_GENERALIZEDTIME *begin = NULL, *end = NULL;

	if (!basic)
		return "it cannot be read";
	if (!answer)
		return "it is about another certificate";
	if (staple_has_critical(basic, answer))
		return "it has an unknown critical extension";

	const char *fault = staple_signature_fault(basic, question);
	int status = OCSP_single_get0_status(answer, NULL, NULL, &begin, &end);

	if (fault)
		return fault;
	if (status == V_OCSP_CERTSTATUS_REVOKED) {
		*state = STAPLE_REVOKED;
		return NULL;
	}
	if (status != V_OCSP_CERTSTATUS_GOOD)
		return "the responder does not know the certificate";
	if (!staple_in_date(begin, end, question))
		return "it is out of date, not valid yet, or says no end";
	*state = STAPLE_GOOD;
	return NULL;
}

void staple_read(const struct staple *staple, X509 *certificate, X509 *issuer, int64_t now,
		 struct signature_checks *signatures, struct validity_window *window,
		 struct staple_facts *out)
{
	const struct staple_question question = {
		.certificate = certificate,
		.issuer = issuer,
		.now = now,
		.signatures = signatures,
		.window = window,
		.until = &out->until,
	};

	*out = (struct staple_facts){ .state = STAPLE_ABSENT, .until = INT64_MAX };
	if (!staple->len)
		return;
	out->state = STAPLE_UNUSABLE;
	ERR_set_mark();

	const char *fault = staple_fault(staple, &question, &out->state);

	ERR_pop_to_mark();
	snprintf(out->detail, sizeof(out->detail), "%s", fault ? fault : "");
}
