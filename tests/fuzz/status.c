// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/status.h"

#include <openssl/x509v3.h>

#include "policy/cleanup.h"
#include "tests/fuzz/target.h"

DEFINE_CLEANUP(OCSP_RESPONSE *, OCSP_RESPONSE_free);
DEFINE_CLEANUP(OCSP_BASICRESP *, OCSP_BASICRESP_free);
DEFINE_CLEANUP(ASN1_TIME *, ASN1_TIME_free);
DEFINE_CLEANUP(ASN1_GENERALIZEDTIME *, ASN1_GENERALIZEDTIME_free);

static void status_add_scope(X509_CRL *list, const char *scope)
{
	X509V3_CTX context;

	X509V3_set_ctx(&context, NULL, NULL, NULL, list, 0);

	X509_EXTENSION *extension =
		X509V3_EXT_nconf_nid(NULL, &context, NID_issuing_distribution_point, scope);

	REQUIRE(extension && X509_CRL_add_ext(list, extension, -1) == 1);
	X509_EXTENSION_free(extension);
}

X509_CRL *status_list(enum fixed_id issuer, enum fixed_id revoked, long seconds,
		      const char *scope)
{
	ASN1_TIME *begin _cleanup_(cleanup_ASN1_TIME_free) = ASN1_TIME_set(NULL, FIXED_NOW);
	ASN1_TIME *end _cleanup_(cleanup_ASN1_TIME_free) =
		ASN1_TIME_set(NULL, FIXED_NOW + seconds);
	ASN1_INTEGER *serial = X509_get_serialNumber(fixed_certificate(revoked));
	ASN1_ENUMERATED *reason = ASN1_ENUMERATED_new();
	X509_CRL *list = X509_CRL_new();
	X509_REVOKED *entry = X509_REVOKED_new();

	X509_CRL_set_version(list, X509_CRL_VERSION_2);
	X509_CRL_set_issuer_name(list, X509_get_subject_name(fixed_certificate(issuer)));
	X509_CRL_set1_lastUpdate(list, begin);
	X509_CRL_set1_nextUpdate(list, end);
	X509_REVOKED_set_serialNumber(entry, serial);
	X509_REVOKED_set_revocationDate(entry, begin);
	ASN1_ENUMERATED_set(reason, CRL_REASON_KEY_COMPROMISE);
	X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, reason, 0, 0);
	ASN1_ENUMERATED_free(reason);
	X509_CRL_add0_revoked(list, entry);
	if (scope)
		status_add_scope(list, scope);
	REQUIRE(X509_CRL_sign(list, fixed_key(issuer), NULL));
	return list;
}

static unsigned char *status_encode(OCSP_BASICRESP *basic, enum fixed_id signer,
				    unsigned long flags, size_t *len)
{
	unsigned char *der = NULL;

	if (OCSP_basic_sign(basic, fixed_certificate(signer), fixed_key(signer), NULL, NULL,
			    flags) != 1)
		return NULL;

	OCSP_RESPONSE *response _cleanup_(cleanup_OCSP_RESPONSE_free) =
		OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
	int size = i2d_OCSP_RESPONSE(response, &der);

	*len = size > 0 ? (size_t)size : 0;
	return der;
}

unsigned char *status_staple(enum fixed_id certificate, enum fixed_id signer, int answer,
			     size_t *len)
{
	ASN1_GENERALIZEDTIME *begin _cleanup_(cleanup_ASN1_GENERALIZEDTIME_free) =
		ASN1_GENERALIZEDTIME_set(NULL, FIXED_NOW);
	ASN1_GENERALIZEDTIME *end _cleanup_(cleanup_ASN1_GENERALIZEDTIME_free) =
		ASN1_GENERALIZEDTIME_set(NULL, FIXED_NOW + STATUS_DAY);
	OCSP_BASICRESP *basic _cleanup_(cleanup_OCSP_BASICRESP_free) = OCSP_BASICRESP_new();
	OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), fixed_certificate(certificate),
					  fixed_certificate(FIXED_INTERMEDIATE));

	REQUIRE(OCSP_basic_add1_status(basic, id, answer, OCSP_REVOKED_STATUS_KEYCOMPROMISE, begin,
				       begin, end));
	OCSP_CERTID_free(id);
	return status_encode(basic, signer, 0, len);
}

unsigned char *status_resign(const uint8_t *der, size_t len, enum fixed_id signer, size_t *out_len)
{
	const unsigned char *at = der;
	OCSP_RESPONSE *response _cleanup_(cleanup_OCSP_RESPONSE_free) =
		d2i_OCSP_RESPONSE(NULL, &at, (long)len);
	OCSP_BASICRESP *basic _cleanup_(cleanup_OCSP_BASICRESP_free) =
		response ? OCSP_response_get1_basic(response) : NULL;

	*out_len = 0;
	return basic ? status_encode(basic, signer, OCSP_NOTIME, out_len) : NULL;
}
