// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/matrix_tls.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>

#include "tests/e2e/matrix_expect.h"
#include "tests/e2e/site.h"
#include "tests/harness.h"

static SSL_CTX *contexts[MATRIX_ROWS_MAX];

static int accept_any(X509_STORE_CTX *store, void *arg)
{
	(void)store;
	(void)arg;
	return 1;
}

/* everything is allowed: refusing is the daemon's part; no sessions, since none is resumed */
static SSL_CTX *make_context(const struct matrix_row *row)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_method());

	ASSERT_NOT_NULL(ctx);
	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
	SSL_CTX_set_num_tickets(ctx, 0);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, accept_any, NULL);
	ASSERT_EQ(1, SSL_CTX_set1_groups_list(ctx, "P-256"));
	if (row->tls12)
		ASSERT_EQ(1, SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION));
	if (!row->name)
		return ctx;
	ASSERT_EQ(1, SSL_CTX_use_certificate_chain_file(ctx, site_file("pki/%s.pem", row->name)));
	ASSERT_EQ(1, SSL_CTX_use_PrivateKey_file(ctx, site_file("pki/%s.key", row->name),
						 SSL_FILETYPE_PEM));
	return ctx;
}

void matrix_tls_prepare(void)
{
	for (unsigned int row = 0; row < matrix_row_count; row++)
		contexts[row] = make_context(&matrix_rows[row]);
}

SSL *matrix_tls_new(unsigned int row, int fd)
{
	SSL *ssl = SSL_new(contexts[row]);

	ASSERT_NOT_NULL(ssl);
	ASSERT_EQ(1, SSL_set_fd(ssl, fd));
	return ssl;
}

static X509 *read_certificate(const char *name)
{
	FILE *file = fopen(site_file("pki/%s.pem", name), "re");
	X509 *certificate;

	ASSERT_NOT_NULL(file);
	certificate = PEM_read_X509(file, NULL, NULL, NULL);
	fclose(file);
	ASSERT_NOT_NULL(certificate);
	return certificate;
}

static EVP_PKEY *read_key(const char *name)
{
	FILE *file = fopen(site_file("pki/%s.key", name), "re");
	EVP_PKEY *key;

	ASSERT_NOT_NULL(file);
	key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
	fclose(file);
	ASSERT_NOT_NULL(key);
	return key;
}

/* the certificate alone, without the chain that is in its file, too */
static void pin(const char *name)
{
	X509 *certificate = read_certificate(name);
	FILE *file = fopen(site_file("trusted/%s.pem", name), "we");

	ASSERT_NOT_NULL(file);
	EXPECT_EQ(1, PEM_write_X509(file, certificate));
	ASSERT_OK(fclose(file));
	X509_free(certificate);
}

static void revoke(X509_CRL *crl, const char *name, ASN1_TIME *since)
{
	X509 *certificate = read_certificate(name);
	X509_REVOKED *revoked = X509_REVOKED_new();

	X509_REVOKED_set_serialNumber(revoked, X509_get_serialNumber(certificate));
	X509_REVOKED_set_revocationDate(revoked, since);
	EXPECT_EQ(1, X509_CRL_add0_revoked(crl, revoked));
	X509_free(certificate);
}

/* the intermediate's list, of this hour and the next ones */
static void write_revocations(void)
{
	X509 *issuer = read_certificate("intermediate");
	EVP_PKEY *key = read_key("intermediate");
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *last = X509_gmtime_adj(NULL, -3600), *next = X509_gmtime_adj(NULL, 86400);
	FILE *file = fopen(site_file("trusted/intermediate.crl"), "we");

	ASSERT_NOT_NULL(file);
	X509_CRL_set_version(crl, X509_CRL_VERSION_2);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer));
	X509_CRL_set1_lastUpdate(crl, last);
	X509_CRL_set1_nextUpdate(crl, next);
	revoke(crl, "revoked", last);
	revoke(crl, "revoked-trusted", last);
	ASSERT_LT(0, X509_CRL_sign(crl, key, EVP_sha256()));
	EXPECT_EQ(1, PEM_write_X509_CRL(file, crl));
	ASSERT_OK(fclose(file));
	ASN1_TIME_free(last);
	ASN1_TIME_free(next);
	X509_CRL_free(crl);
	EVP_PKEY_free(key);
	X509_free(issuer);
}

void matrix_tls_trust(void)
{
	for (unsigned int row = 0; row < matrix_row_count; row++)
		if (matrix_rows[row].pinned)
			pin(matrix_rows[row].name);
	write_revocations();
}
