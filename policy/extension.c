// SPDX-License-Identifier: Apache-2.0
#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "policy/cleanup.h"
#include "policy/extension.h"

DEFINE_CLEANUP(ASN1_BIT_STRING *, ASN1_BIT_STRING_free);
DEFINE_CLEANUP(EXTENDED_KEY_USAGE *, EXTENDED_KEY_USAGE_free);

static const char *const key_usage_names[] = {
	"digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment", "keyAgreement",
	"keyCertSign",	    "cRLSign",	      "encipherOnly",	 "decipherOnly",
};
_Static_assert(USAGE_DECIPHER_ONLY ==
		       1 << (sizeof(key_usage_names) / sizeof(key_usage_names[0]) - 1),
	       "a name a bit");

/* what RFC 5280 4.2.1.12 and RFC 5924 name, in dotted form: no table of libcrypto is trusted */
static const struct {
	const char *oid;
	const char *name;
	enum eku eku;
} extension_ekus[] = {
	{ "1.3.6.1.5.5.7.3.1", "serverAuth", EKU_SERVER_AUTH },
	{ "1.3.6.1.5.5.7.3.2", "clientAuth", EKU_CLIENT_AUTH },
	{ "1.3.6.1.5.5.7.3.20", "sipDomain", EKU_SIP_DOMAIN },
	{ "2.5.29.37.0", "anyExtendedKeyUsage", EKU_ANY },
};

/* the critical extensions that this library or libcrypto's path validation processes */
static const int extension_processed[] = {
	NID_key_usage,
	NID_subject_alt_name,
	NID_basic_constraints,
	NID_certificate_policies,
	NID_crl_distribution_points,
	NID_ext_key_usage,
	NID_policy_constraints,
	NID_name_constraints,
	NID_policy_mappings,
	NID_inhibit_any_policy,
	NID_sbgp_ipAddrBlock,
	NID_sbgp_autonomousSysNum,
	NID_id_pkix_OCSP_noCheck,
};

static void extension_oid(const ASN1_OBJECT *object, char *out, size_t size)
{
	if (OBJ_obj2txt(out, (int)size, object, 1) <= 0)
		snprintf(out, size, "(unreadable)");
}

/* appends ", item" and cuts at the end of the buffer */
static void extension_append(char *list, size_t size, const char *item)
{
	size_t len = strlen(list);

	snprintf(list + len, size - len, "%s%s", len ? ", " : "", item);
}

static void extension_add_eku(const ASN1_OBJECT *object, struct usage_facts *out)
{
	char oid[EXTENSION_OID_MAX];

	extension_oid(object, oid, sizeof(oid));
	for (size_t i = 0; i < sizeof(extension_ekus) / sizeof(extension_ekus[0]); i++) {
		if (strcmp(oid, extension_ekus[i].oid) == 0) {
			out->eku |= extension_ekus[i].eku;
			extension_append(out->eku_text, sizeof(out->eku_text),
					 extension_ekus[i].name);
			return;
		}
	}
	out->eku |= EKU_OTHER;
	extension_append(out->eku_text, sizeof(out->eku_text), oid);
}

/* X509_get_ext_d2i() says -1 for "absent"; NULL with anything else is there and not readable */
enum { EXTENSION_ABSENT = -1 };

void extension_usage(X509 *certificate, struct usage_facts *out)
{
	int critical;

	*out = (struct usage_facts){ 0 };

	ASN1_BIT_STRING *bits _cleanup_(cleanup_ASN1_BIT_STRING_free) =
		X509_get_ext_d2i(certificate, NID_key_usage, &critical, NULL);

	out->key_usage_present = bits || critical != EXTENSION_ABSENT;
	out->malformed = !bits && out->key_usage_present;
	for (int i = 0; bits && USAGE_DECIPHER_ONLY >> i; i++) {
		if (ASN1_BIT_STRING_get_bit(bits, i))
			out->key_usage |= 1U << i;
	}

	EXTENDED_KEY_USAGE *ekus _cleanup_(cleanup_EXTENDED_KEY_USAGE_free) =
		X509_get_ext_d2i(certificate, NID_ext_key_usage, &critical, NULL);

	out->eku_present = ekus || critical != EXTENSION_ABSENT;
	out->malformed |= !ekus && out->eku_present;
	for (int i = 0; i < sk_ASN1_OBJECT_num(ekus); i++)
		extension_add_eku(sk_ASN1_OBJECT_value(ekus, i), out);
}

void extension_key_usage_text(uint16_t key_usage, char *out, size_t size)
{
	out[0] = '\0';
	for (size_t i = 0; i < sizeof(key_usage_names) / sizeof(key_usage_names[0]); i++) {
		if (key_usage & 1U << i)
			extension_append(out, size, key_usage_names[i]);
	}
	if (!out[0])
		snprintf(out, size, "nothing");
}

bool extension_malformed(X509 *certificate, char *text, size_t size)
{
	int count = X509_get_ext_count(certificate);
	char oid[EXTENSION_OID_MAX];

	if (count > EXTENSION_COUNT_MAX) {
		snprintf(text, size, "it has %d extensions", count);
		return true;
	}
	for (int i = 0; i < count; i++) {
		const ASN1_OBJECT *object = X509_EXTENSION_get_object(X509_get_ext(certificate, i));

		if (X509_get_ext_by_OBJ(certificate, object, i) >= 0) {
			extension_oid(object, oid, sizeof(oid));
			snprintf(text, size, "its extension %s stands twice", oid);
			return true;
		}
	}
	if (X509_get_extension_flags(certificate) & EXFLAG_INVALID) {
		snprintf(text, size, "an extension of it cannot be read");
		return true;
	}
	return false;
}

bool extension_unknown_critical(X509 *certificate, char *oid, size_t size)
{
	for (int i = 0; i < X509_get_ext_count(certificate); i++) {
		X509_EXTENSION *extension = X509_get_ext(certificate, i);
		const ASN1_OBJECT *object = X509_EXTENSION_get_object(extension);
		int nid = OBJ_obj2nid(object);
		bool processed = false;

		if (!X509_EXTENSION_get_critical(extension))
			continue;
		for (size_t j = 0; j < sizeof(extension_processed) / sizeof(int); j++)
			processed |= nid != NID_undef && nid == extension_processed[j];
		if (!processed) {
			extension_oid(object, oid, size);
			return true;
		}
	}
	return false;
}
