// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/matrix_tls.h"

#include "tests/e2e/matrix_expect.h"
#include "tests/e2e/site.h"
#include "tests/e2e/site_pki.h"
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

void matrix_tls_trust(void)
{
	static const char *const revoked[] = { "revoked", "revoked-trusted", NULL };

	for (unsigned int row = 0; row < matrix_row_count; row++)
		if (matrix_rows[row].pinned)
			site_trust("trusted", matrix_rows[row].name);
	site_pki_revoke(site_file("trusted/intermediate.crl"), revoked);
}
