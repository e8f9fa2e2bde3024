// SPDX-License-Identifier: Apache-2.0
#include <openssl/x509_vfy.h>

#include "policy/check.h"

/* RFC 8446 section 6 */
enum tls_alert {
	TLS_ALERT_BAD_CERTIFICATE = 42,
	TLS_ALERT_UNSUPPORTED_CERTIFICATE = 43,
	TLS_ALERT_CERTIFICATE_REVOKED = 44,
	TLS_ALERT_CERTIFICATE_EXPIRED = 45,
	TLS_ALERT_UNKNOWN_CA = 48,
	TLS_ALERT_INTERNAL_ERROR = 80,
	TLS_ALERT_CERTIFICATE_REQUIRED = 116,
};

/*
 * unsupported_certificate is "a certificate was of an unsupported type": what cannot be used for
 * this. A valid certificate of the wrong owner is bad_certificate like one with a short key;
 * access_denied would be truer, but libssl has no verification error that gives it, and some
 * telephones show only what they know of.
 */
static const struct {
	const char *name;
	uint8_t alert;
	int x509_error;
} refusal_table[] = {
	[REFUSAL_UNDECIDED] = { "undecided", TLS_ALERT_INTERNAL_ERROR, X509_V_ERR_UNSPECIFIED },
	[REFUSAL_NO_CERTIFICATE] = { "no-certificate", TLS_ALERT_CERTIFICATE_REQUIRED,
				     X509_V_ERR_UNSPECIFIED },
	[REFUSAL_EXPIRED] = { "expired", TLS_ALERT_CERTIFICATE_EXPIRED,
			      X509_V_ERR_CERT_HAS_EXPIRED },
	[REFUSAL_UNKNOWN_CA] = { "unknown-ca", TLS_ALERT_UNKNOWN_CA,
				 X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY },
	[REFUSAL_BAD_CERTIFICATE] = { "bad-certificate", TLS_ALERT_BAD_CERTIFICATE,
				      X509_V_ERR_CERT_REJECTED },
	[REFUSAL_UNSUPPORTED] = { "unsupported-certificate", TLS_ALERT_UNSUPPORTED_CERTIFICATE,
				  X509_V_ERR_INVALID_PURPOSE },
	[REFUSAL_REVOKED] = { "revoked", TLS_ALERT_CERTIFICATE_REVOKED, X509_V_ERR_CERT_REVOKED },
	[REFUSAL_NAME] = { "wrong-name", TLS_ALERT_BAD_CERTIFICATE, X509_V_ERR_HOSTNAME_MISMATCH },
	[REFUSAL_NOT_ALLOWED] = { "not-allowed", TLS_ALERT_BAD_CERTIFICATE,
				  X509_V_ERR_CERT_REJECTED },
};
_Static_assert(sizeof(refusal_table) / sizeof(refusal_table[0]) == REFUSAL_COUNT,
	       "a row a refusal");

const char *refusal_name(enum refusal refusal)
{
	return (unsigned int)refusal < REFUSAL_COUNT ? refusal_table[refusal].name : NULL;
}

uint8_t refusal_alert(enum refusal refusal)
{
	if ((unsigned int)refusal >= REFUSAL_COUNT)
		return TLS_ALERT_INTERNAL_ERROR;
	return refusal_table[refusal].alert;
}

int refusal_x509_error(enum refusal refusal)
{
	if ((unsigned int)refusal >= REFUSAL_COUNT)
		return X509_V_ERR_UNSPECIFIED;
	return refusal_table[refusal].x509_error;
}
