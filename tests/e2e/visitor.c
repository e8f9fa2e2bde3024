// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/visitor.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/e2e/dial.h"
#include "tests/e2e/site.h"
#include "tests/harness.h"

static int visitor_keep(SSL *ssl, SSL_SESSION *session)
{
	struct visitor *visitor = SSL_get_app_data(ssl);

	SSL_SESSION_free(visitor->session);
	visitor->session = session;
	return 1;
}

void visitor_make(struct visitor *visitor, const char *certificate, int version)
{
	memset(visitor, 0, sizeof(*visitor));
	visitor->ctx = SSL_CTX_new(TLS_client_method());
	ASSERT_NOT_NULL(visitor->ctx);
	SSL_CTX_set_min_proto_version(visitor->ctx, version);
	SSL_CTX_set_max_proto_version(visitor->ctx, version);
	SSL_CTX_set_session_cache_mode(visitor->ctx,
				       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(visitor->ctx, visitor_keep);
	if (!certificate)
		return;
	ASSERT_EQ(1, SSL_CTX_use_certificate_chain_file(visitor->ctx,
							site_file("pki/%s.pem", certificate)));
	ASSERT_EQ(1, SSL_CTX_use_PrivateKey_file(visitor->ctx, site_file("pki/%s.key", certificate),
						 SSL_FILETYPE_PEM));
}

void visitor_free(struct visitor *visitor)
{
	SSL_SESSION_free(visitor->session);
	SSL_CTX_free(visitor->ctx);
}

/* false: refused */
static bool visitor_echo(SSL *ssl)
{
	char buf[6] = "";

	if (SSL_connect(ssl) != 1 || SSL_write(ssl, "hello", 5) != 5 || SSL_read(ssl, buf, 5) != 5)
		return false;
	EXPECT_STREQ("hello", buf);
	return true;
}

bool visitor_visit(struct visitor *visitor, const char *source, uint16_t port)
{
	const char *host = strchr(source, ':') ? "::1" : "127.0.0.1";
	struct dialled dialled = dial(
		&(struct dial){ .host = host, .port = port, .source = source, .waits = true });
	SSL_SESSION *offered = visitor->session;
	SSL *ssl = SSL_new(visitor->ctx);
	bool in;

	ASSERT_EQ(0, dialled.error);
	snprintf(visitor->source, sizeof(visitor->source), "%s", dialled.local);
	SSL_set_fd(ssl, dialled.fd);
	SSL_set_app_data(ssl, visitor);
	visitor->session = NULL;
	if (offered)
		ASSERT_EQ(1, SSL_set_session(ssl, offered));
	in = visitor_echo(ssl);
	visitor->resumed = SSL_session_reused(ssl);
	SSL_shutdown(ssl);
	SSL_free(ssl);
	close(dialled.fd);
	/* TLS 1.2 gives none anew */
	if (in && !visitor->session && visitor->resumed)
		visitor->session = offered;
	else
		SSL_SESSION_free(offered);
	return in;
}
