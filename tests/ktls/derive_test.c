// SPDX-License-Identifier: Apache-2.0
/* The TLS13-KDF of handshakes' library context tells of the secrets that a peer has, too. */
#include <openssl/bio.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "tests/harness.h"
#include "userspace/ktls_capture.h"
#include "userspace/tls_library.h"

static EVP_PKEY *key;
static X509 *certificate;

static void make_identity(void)
{
	key = EVP_EC_gen("P-256");
	certificate = X509_new();
	ASSERT_EQ(1, X509_set_pubkey(certificate, key));
	X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	ASSERT_LT(0, X509_sign(certificate, key, EVP_sha256()));
}

static char logged[2][2 * KTLS_SECRET_MAX + 1]; /* client, server: as the peer has it */

static void keylog(const SSL *ssl, const char *line)
{
	static const char *const labels[] = { "CLIENT_TRAFFIC_SECRET_0 ", "SERVER_TRAFFIC_SECRET_0 " };

	(void)ssl;
	for (size_t i = 0; i < 2; i++)
		if (!strncmp(line, labels[i], strlen(labels[i])))
			snprintf(logged[i], sizeof(logged[i]), "%s", strrchr(line, ' ') + 1);
}

static void expect_secret(const char *hex, const struct ktls_secret *secret)
{
	char plain[2 * KTLS_SECRET_MAX + 1] = "";

	ASSERT_TRUE(OPENSSL_buf2hexstr_ex(plain, sizeof(plain), NULL, secret->bytes, secret->len,
					  '\0'));
	EXPECT_EQ(0, strcasecmp(hex, plain)) { TH_LOG("%s, not %s", plain, hex); }
}

/* One of agent's context with a peer; both its secrets are what the peer has. */
static void shake_hands(SSL_CTX *agent_ctx, SSL_CTX *peer_ctx, bool agent_is_server,
			int (*step)(SSL *ssl))
{
	SSL *agent = SSL_new(agent_ctx), *peer = SSL_new(peer_ctx);
	BIO *a, *b;
	int agent_done = 0, peer_done = 0;

	ASSERT_EQ(1, BIO_new_bio_pair(&a, 65536, &b, 65536));
	SSL_set_bio(agent, a, a);
	SSL_set_bio(peer, b, b);
	SSL_set_accept_state(agent_is_server ? agent : peer);
	SSL_set_connect_state(agent_is_server ? peer : agent);
	for (int i = 0; i < 10 && (agent_done != 1 || peer_done != 1); i++) {
		agent_done = agent_done == 1 ? 1 : step(agent);
		peer_done = peer_done == 1 ? 1 : SSL_do_handshake(peer);
	}
	ASSERT_EQ(1, agent_done);
	ASSERT_EQ(1, peer_done);
	ASSERT_NOT_NULL(ktls_capture_get(agent));
	expect_secret(logged[0], &ktls_capture_get(agent)->client);
	expect_secret(logged[1], &ktls_capture_get(agent)->server);
	SSL_free(agent);
	SSL_free(peer);
}

FIXTURE(capture) {
	struct tls_library library;
	SSL_CTX *agent, *peer;
};

FIXTURE_VARIANT(capture) {
	const char *suite;
	bool server;
};

FIXTURE_VARIANT_ADD(capture, server_sha256) { .suite = "TLS_AES_128_GCM_SHA256", .server = true };
FIXTURE_VARIANT_ADD(capture, server_sha384) { .suite = "TLS_AES_256_GCM_SHA384", .server = true };
FIXTURE_VARIANT_ADD(capture, client_sha256) { .suite = "TLS_CHACHA20_POLY1305_SHA256" };
FIXTURE_VARIANT_ADD(capture, client_sha384) { .suite = "TLS_AES_256_GCM_SHA384" };

static SSL_CTX *make_context(OSSL_LIB_CTX *library, bool server, const char *suite)
{
	SSL_CTX *ctx = SSL_CTX_new_ex(library, NULL, TLS_method());

	ASSERT_NOT_NULL(ctx);
	ASSERT_EQ(1, SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION));
	ASSERT_EQ(1, SSL_CTX_set_ciphersuites(ctx, suite));
	/* tickets take a cipher that handshakes do not need */
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
	if (server)
		ASSERT_EQ(1, SSL_CTX_use_cert_and_key(ctx, certificate, key, NULL, 1));
	return ctx;
}

FIXTURE_SETUP(capture)
{
	*self = (FIXTURE_DATA(capture)){ 0 };
	ASSERT_OK(tls_library_new(&self->library));
	make_identity();
	self->agent = make_context(self->library.ctx, variant->server, variant->suite);
	self->peer = make_context(NULL, !variant->server, variant->suite);
	SSL_CTX_set_keylog_callback(self->peer, keylog);
	ASSERT_OK(ktls_capture_start(self->agent));
}

FIXTURE_TEARDOWN(capture)
{
	SSL_CTX_free(self->agent);
	SSL_CTX_free(self->peer);
	X509_free(certificate);
	EVP_PKEY_free(key);
	tls_library_free(&self->library);
}

TEST_F(capture, text_is_written_once)
{
	if (!self->library.ctx)
		SKIP("this host's OpenSSL is configured for FIPS, or without its default provider");
	shake_hands(self->agent, self->peer, variant->server, ktls_capture_handshake);
	EXPECT_NULL(SSL_CTX_get_keylog_callback(self->agent));
	/* nothing but the derivation tells of these */
	shake_hands(self->agent, self->peer, variant->server, ktls_capture_handshake);
	shake_hands(self->agent, self->peer, variant->server, ktls_capture_handshake);
}

/* where nobody tells of derivations the text is all there is: it goes on */
TEST_F(capture, text_goes_on)
{
	for (int i = 0; i < 3; i++) {
		shake_hands(self->agent, self->peer, variant->server, SSL_do_handshake);
		EXPECT_NOT_NULL(SSL_CTX_get_keylog_callback(self->agent));
	}
}

HARNESS_MAIN
