// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/site_pki.h"

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdio.h>

#include "tests/e2e/site.h"
#include "tests/harness.h"

static FILE *site_pki_open(const char *name, const char *suffix)
{
	FILE *file = fopen(site_file("pki/%s.%s", name, suffix), "re");

	ASSERT_NOT_NULL(file);
	return file;
}

X509 *site_pki_certificate(const char *name)
{
	FILE *file = site_pki_open(name, "pem");
	X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);

	fclose(file);
	ASSERT_NOT_NULL(certificate);
	return certificate;
}

EVP_PKEY *site_pki_key(const char *name)
{
	FILE *file = site_pki_open(name, "key");
	EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);

	fclose(file);
	ASSERT_NOT_NULL(key);
	return key;
}

static void site_pki_list(X509_CRL *crl, const char *name, ASN1_TIME *since)
{
	X509 *certificate = site_pki_certificate(name);
	X509_REVOKED *revoked = X509_REVOKED_new();

	X509_REVOKED_set_serialNumber(revoked, X509_get_serialNumber(certificate));
	X509_REVOKED_set_revocationDate(revoked, since);
	EXPECT_EQ(1, X509_CRL_add0_revoked(crl, revoked));
	X509_free(certificate);
}

void site_pki_revoke(const char *path, const char *const names[])
{
	X509 *issuer = site_pki_certificate("intermediate");
	EVP_PKEY *key = site_pki_key("intermediate");
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *last = X509_gmtime_adj(NULL, -3600), *next = X509_gmtime_adj(NULL, 86400);
	FILE *file = fopen(path, "we");

	ASSERT_NOT_NULL(file);
	X509_CRL_set_version(crl, X509_CRL_VERSION_2);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer));
	X509_CRL_set1_lastUpdate(crl, last);
	X509_CRL_set1_nextUpdate(crl, next);
	for (const char *const *name = names; *name; name++)
		site_pki_list(crl, *name, last);
	ASSERT_LT(0, X509_CRL_sign(crl, key, EVP_sha256()));
	EXPECT_EQ(1, PEM_write_X509_CRL(file, crl));
	ASSERT_OK(fclose(file));
	ASN1_TIME_free(last);
	ASN1_TIME_free(next);
	X509_CRL_free(crl);
	EVP_PKEY_free(key);
	X509_free(issuer);
}

static void site_pki_append(FILE *file, const char *name)
{
	X509 *certificate = site_pki_certificate(name);

	EXPECT_EQ(1, PEM_write_X509(file, certificate));
	X509_free(certificate);
}

void site_pki_reissue(const char *name, const char *like, const char *issuer, time_t end,
		      const char *const chain[])
{
	X509 *certificate = site_pki_certificate(like);
	EVP_PKEY *key = site_pki_key(issuer);
	FILE *file = fopen(site_file("pki/%s.pem", name), "we");
	uint64_t serial;

	ASSERT_NOT_NULL(file);
	ASSERT_EQ(1, RAND_bytes((unsigned char *)&serial, sizeof(serial)));
	EXPECT_EQ(1, ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1));
	EXPECT_NOT_NULL(ASN1_TIME_set(X509_getm_notAfter(certificate), end));
	ASSERT_LT(0, X509_sign(certificate, key, EVP_sha256()));
	EXPECT_EQ(1, PEM_write_X509(file, certificate));
	for (; *chain; chain++)
		site_pki_append(file, *chain);
	ASSERT_OK(fclose(file));
	EVP_PKEY_free(key);
	X509_free(certificate);
}

const char *site_pki_fingerprint(const char *name)
{
	static char hex[2 * SHA256_DIGEST_LENGTH + 1];
	unsigned char sha256[SHA256_DIGEST_LENGTH];
	X509 *certificate = site_pki_certificate(name);

	ASSERT_EQ(1, X509_digest(certificate, EVP_sha256(), sha256, NULL));
	for (size_t i = 0; i < sizeof(sha256); i++)
		snprintf(hex + 2 * i, 3, "%02x", sha256[i]);
	X509_free(certificate);
	return hex;
}
