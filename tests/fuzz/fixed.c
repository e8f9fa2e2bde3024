// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/fixed.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "policy/cleanup.h"
#include "tests/fuzz/target.h"

DEFINE_CLEANUP(BIO *, BIO_free);

enum { FIXED_EXTENSIONS_MAX = 8 };

struct fixed_extension {
	const char *name, *value; /* in the syntax of openssl x509v3_config(5) */
};

#define FIXED_CA                                                                                   \
	{ "basicConstraints", "critical,CA:TRUE" }, { "keyUsage", "critical,keyCertSign,cRLSign" }
#define FIXED_END                                                                                  \
	{ "keyUsage", "critical,digitalSignature" },                                               \
	{ "extendedKeyUsage", "serverAuth,clientAuth" }

/* every issuer comes before what it issues */
static const struct fixed_row {
	const char *name;
	enum fixed_id issuer;
	bool in_store;
	struct fixed_extension extensions[FIXED_EXTENSIONS_MAX];
} fixed_rows[] = {
	[FIXED_ROOT] = {
		"root", FIXED_ROOT, true,
		{ FIXED_CA, { "subjectKeyIdentifier", "hash" } },
	},
	[FIXED_INTERMEDIATE] = {
		"intermediate", FIXED_ROOT, false,
		{ FIXED_CA,
		  { "subjectKeyIdentifier", "hash" },
		  { "authorityKeyIdentifier", "keyid" } },
	},
	[FIXED_CONSTRAINED] = {
		"constrained", FIXED_ROOT, false,
		{ FIXED_CA,
		  { "nameConstraints",
		    "critical,permitted;DNS:example.test,permitted;email:example.test,"
		    "permitted;URI:example.test,excluded;DNS:no.example.test,"
		    "excluded;IP:192.0.2.0/255.255.255.0" } },
	},
	[FIXED_POLICED] = {
		"policed", FIXED_ROOT, false,
		{ FIXED_CA,
		  { "certificatePolicies", "1.2.3.4" },
		  { "policyConstraints", "critical,requireExplicitPolicy:0" },
		  { "inhibitAnyPolicy", "critical,0" } },
	},
	[FIXED_SHORT] = {
		"short", FIXED_INTERMEDIATE, false,
		{ { "basicConstraints", "critical,CA:TRUE,pathlen:0" },
		  { "keyUsage", "critical,keyCertSign" },
		  { "extendedKeyUsage", "serverAuth,1.3.6.1.5.5.7.3.20" } },
	},
	[FIXED_BARRED] = {
		/* excluded are DNS:.no.example.test and every URI, which cannot be said in words */
		"barred", FIXED_ROOT, false,
		{ FIXED_CA,
		  { "nameConstraints",
		    "DER:301aa118301282102e6e6f2e6578616d706c652e7465737430028600" } },
	},
	[FIXED_ED448] = { "ed448", FIXED_ROOT, false, { FIXED_CA } },
	[FIXED_SERVER] = {
		"server", FIXED_INTERMEDIATE, false,
		{ FIXED_END, { "subjectAltName", "DNS:pbx.example.test" } },
	},
	[FIXED_GOOD] = {
		"good", FIXED_INTERMEDIATE, true,
		{ FIXED_END,
		  { "subjectAltName", "DNS:good.example.test,URI:sip:example.test" },
		  { "crlDistributionPoints", "URI:http://crl.example.test/1" } },
	},
	[FIXED_SELF_SIGNED] = { "self-signed", FIXED_SELF_SIGNED, true, { FIXED_END } },
	[FIXED_NAMES] = {
		"names.example.test", FIXED_SHORT, false,
		{ { "keyUsage", "keyAgreement,decipherOnly" },
		  { "extendedKeyUsage", "1.3.6.1.5.5.7.3.20,msSGC,2.5.29.37.0" },
		  { "subjectAltName",
		    "DNS:*.example.test,DNS:xn--bcher-kva.example,IP:192.0.2.1,IP:2001:db8::1,"
		    "URI:sip:example.test:5061;transport=tls,URI:sips:x.test,URI:sip:u@x.test,"
		    "email:a@example.test,RID:1.2.3,otherName:1.2.3;UTF8:x" } },
	},
	[FIXED_ODD] = {
		"odd", FIXED_INTERMEDIATE, false,
		{ FIXED_END, { "1.3.6.1.4.1.32473.1", "critical,DER:0500" } },
	},
	[FIXED_RESPONDER] = {
		"responder", FIXED_INTERMEDIATE, false,
		{ { "keyUsage", "critical,digitalSignature" },
		  { "extendedKeyUsage", "OCSPSigning" },
		  { "noCheck", "ignored" } },
	},
	[FIXED_BELOW_CONSTRAINED] = {
		"below", FIXED_CONSTRAINED, false,
		{ FIXED_END,
		  { "subjectAltName",
		    "DNS:a.example.test,email:a@example.test,URI:sip:example.test" } },
	},
	[FIXED_BELOW_POLICED] = {
		"below", FIXED_POLICED, false,
		{ FIXED_END, { "certificatePolicies", "1.2.3.4" } },
	},
	[FIXED_BELOW_BARRED] = {
		"below", FIXED_BARRED, false,
		{ FIXED_END, { "subjectAltName", "DNS:*.example.test,URI:sip:example.test" } },
	},
	[FIXED_BELOW_ED448] = { "below", FIXED_ED448, false, { FIXED_END } },
	[FIXED_CHANGED] = { "constrained", FIXED_CONSTRAINED, false, { FIXED_CA } },
	[FIXED_BELOW_CHANGED] = {
		"below", FIXED_CHANGED, false,
		{ FIXED_END, { "subjectAltName", "DNS:a.example.test" } },
	},
};
_Static_assert(sizeof(fixed_rows) / sizeof(fixed_rows[0]) == FIXED_COUNT, "a row each");

EVP_PKEY *fixed_key(enum fixed_id id)
{
	static EVP_PKEY *keys[FIXED_COUNT];
	unsigned char bytes[57] = { (unsigned char)(id + 1) };
	bool ed448 = id == FIXED_ED448;

	if (!keys[id])
		keys[id] = EVP_PKEY_new_raw_private_key(ed448 ? EVP_PKEY_ED448 : EVP_PKEY_ED25519,
							NULL, bytes, ed448 ? 57 : 32);
	REQUIRE(keys[id]);
	return keys[id];
}

static void fixed_extend(X509 *certificate, X509 *issuer, const struct fixed_extension *extension)
{
	/* libcrypto wants a configuration for some of them, if only an empty one */
	CONF *empty = NCONF_new(NULL);
	X509V3_CTX context;

	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	X509V3_set_nconf(&context, empty);

	X509_EXTENSION *made =
		X509V3_EXT_nconf(empty, &context, extension->name, extension->value);

	REQUIRE(made && X509_add_ext(certificate, made, -1) == 1);
	X509_EXTENSION_free(made);
	NCONF_free(empty);
}

static X509 *fixed_make(enum fixed_id id)
{
	const struct fixed_row *row = &fixed_rows[id];
	X509 *certificate = X509_new();
	X509 *issuer = row->issuer == id ? certificate : fixed_certificate(row->issuer);
	X509_NAME *subject = X509_get_subject_name(certificate);

	X509_set_version(certificate, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), id + 1);
	X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8,
				   (const unsigned char *)"Linewarden tests", -1, -1, 0);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)row->name,
				   -1, -1, 0);
	X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
	ASN1_TIME_set_string_X509(X509_getm_notBefore(certificate), "20250101000000Z");
	ASN1_TIME_set_string_X509(X509_getm_notAfter(certificate), "20450101000000Z");
	X509_set_pubkey(certificate, fixed_key(id));
	for (size_t i = 0; i < FIXED_EXTENSIONS_MAX && row->extensions[i].name; i++)
		fixed_extend(certificate, issuer, &row->extensions[i]);
	REQUIRE(X509_sign(certificate, fixed_key(row->issuer), NULL));
	return certificate;
}

X509 *fixed_certificate(enum fixed_id id)
{
	static X509 *certificates[FIXED_COUNT];

	if (!certificates[id])
		certificates[id] = fixed_make(id);
	return certificates[id];
}

struct store *fixed_store_new(void)
{
	struct store *store = store_new(1);

	REQUIRE(store);
	for (enum fixed_id id = 0; id < FIXED_COUNT; id++) {
		unsigned char *der = NULL;
		int len = i2d_X509(fixed_certificate(id), &der);

		if (fixed_rows[id].in_store)
			REQUIRE(store_add_bytes(store, fixed_rows[id].name, der, (size_t)len, NULL,
						0) == 1);
		OPENSSL_free(der);
	}
	return store;
}

/* the authority of a name; FIXED_COUNT for nobody */
static enum fixed_id fixed_authority(const X509_NAME *name)
{
	char common_name[64];

	if (X509_NAME_get_text_by_NID((X509_NAME *)name, NID_commonName, common_name,
				      sizeof(common_name)) < 0)
		return FIXED_COUNT;
	for (enum fixed_id id = 0; id < FIXED_SERVER; id++) {
		if (strcmp(common_name, fixed_rows[id].name) == 0)
			return id;
	}
	return FIXED_COUNT;
}

void fixed_sign(X509 *certificate)
{
	enum fixed_id subject = fixed_authority(X509_get_subject_name(certificate));
	enum fixed_id issuer = fixed_authority(X509_get_issuer_name(certificate));

	if (subject != FIXED_COUNT)
		X509_set_pubkey(certificate, fixed_key(subject));
	if (issuer != FIXED_COUNT)
		X509_sign(certificate, fixed_key(issuer), NULL);
}

static void fixed_sign_crl(X509_CRL *crl)
{
	enum fixed_id issuer = fixed_authority(X509_CRL_get_issuer(crl));

	if (issuer != FIXED_COUNT)
		X509_CRL_sign(crl, fixed_key(issuer), NULL);
}

/* writes the object that *at begins with, and moves past it */
static bool fixed_resign_one(BIO *bio, const unsigned char **at, long len)
{
	X509 *certificate = d2i_X509(NULL, at, len);
	X509_CRL *crl = certificate ? NULL : d2i_X509_CRL(NULL, at, len);

	if (certificate) {
		fixed_sign(certificate);
		PEM_write_bio_X509(bio, certificate);
	} else if (crl) {
		fixed_sign_crl(crl);
		PEM_write_bio_X509_CRL(bio, crl);
	}
	X509_free(certificate);
	X509_CRL_free(crl);
	return certificate || crl;
}

char *fixed_resign(const uint8_t *der, size_t len, size_t *out_len)
{
	BIO *bio _cleanup_(cleanup_BIO_free) = BIO_new(BIO_s_mem());
	const unsigned char *at = der;
	char *pem;

	REQUIRE(bio);
	while (at < der + len && fixed_resign_one(bio, &at, der + len - at))
		;
	*out_len = (size_t)BIO_get_mem_data(bio, &pem);

	char *out = malloc(*out_len ? *out_len : 1);

	REQUIRE(out);
	if (*out_len)
		memcpy(out, pem, *out_len);
	ERR_clear_error();
	return out;
}
