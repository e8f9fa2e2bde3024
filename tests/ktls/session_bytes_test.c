// SPDX-License-Identifier: Apache-2.0
/* Sessions as bytes: OpenSSL's part, and the certificates apart from it. */
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "tests/harness.h"
#include "userspace/session_bytes.h"
#include "userspace/session_store.h"

FIXTURE(bytes) {
	EVP_PKEY *key;
	X509 *certificate;
	STACK_OF(X509) *chain;
	SSL_SESSION *session;
	uint8_t packed[SESSION_STORE_DATA_MAX];
	long len;
};

FIXTURE_VARIANT(bytes) {
	int version;
	bool certificate; /* the peer has one */
};

FIXTURE_VARIANT_ADD(bytes, tls13) { .version = TLS1_3_VERSION, .certificate = true };
FIXTURE_VARIANT_ADD(bytes, tls12) { .version = TLS1_2_VERSION, .certificate = true };
FIXTURE_VARIANT_ADD(bytes, without_certificate) { .version = TLS1_3_VERSION };

static void make_identity(FIXTURE_DATA(bytes) * self)
{
	self->key = EVP_EC_gen("P-256");
	self->certificate = X509_new();
	ASSERT_EQ(1, X509_set_pubkey(self->certificate, self->key));
	ASSERT_NOT_NULL(X509_gmtime_adj(X509_getm_notBefore(self->certificate), -3600));
	ASSERT_NOT_NULL(X509_gmtime_adj(X509_getm_notAfter(self->certificate), 3600));
	ASSERT_LT(0, X509_sign(self->certificate, self->key, EVP_sha256()));
	self->chain = sk_X509_new_null();
	ASSERT_EQ(1, sk_X509_push(self->chain, self->certificate));
}

static int take_anybody(X509_STORE_CTX *ctx, void *arg)
{
	(void)ctx;
	(void)arg;
	return 1;
}

/* what a server has of a session with a client */
static SSL_SESSION *make_session(FIXTURE_DATA(bytes) * self, int version, bool certificate)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_method());
	SSL *server, *client;
	SSL_SESSION *session;
	BIO *a, *b;
	int done = 0;

	ASSERT_EQ(1, SSL_CTX_set_max_proto_version(ctx, version));
	ASSERT_EQ(1, SSL_CTX_use_cert_and_key(ctx, self->certificate, self->key, NULL, 1));
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, take_anybody, NULL);
	server = SSL_new(ctx);
	client = SSL_new(ctx);
	if (!certificate)
		SSL_certs_clear(client);
	ASSERT_EQ(1, BIO_new_bio_pair(&a, 65536, &b, 65536));
	SSL_set_bio(server, a, a);
	SSL_set_bio(client, b, b);
	SSL_set_accept_state(server);
	SSL_set_connect_state(client);
	for (int i = 0; i < 10 && done != 2; i++)
		done = (SSL_do_handshake(client) == 1) + (SSL_do_handshake(server) == 1);
	ASSERT_EQ(2, done);
	session = SSL_get1_session(server);
	EXPECT_EQ(certificate, SSL_SESSION_get0_peer(session) != NULL);
	/* whoever is freed before it was shut down has its session called bad */
	SSL_set_shutdown(server, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_set_shutdown(client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(server);
	SSL_free(client);
	SSL_CTX_free(ctx);
	return session;
}

FIXTURE_SETUP(bytes)
{
	make_identity(self);
	self->session = make_session(self, variant->version, variant->certificate);
	self->len = session_bytes_pack(self->session, SSL_SESSION_get0_peer(self->session),
				       variant->certificate ? self->chain : NULL, self->packed);
	ASSERT_LT(0, self->len);
}

FIXTURE_TEARDOWN(bytes)
{
	SSL_SESSION_free(self->session);
	sk_X509_free(self->chain);
	X509_free(self->certificate);
	EVP_PKEY_free(self->key);
}

static void free_chain(STACK_OF(X509) *chain)
{
	sk_X509_pop_free(chain, X509_free);
}

TEST_F(bytes, come_back)
{
	uint8_t secret[2][SSL_MAX_MASTER_KEY_LENGTH];
	STACK_OF(X509) *chain;
	SSL_SESSION *back = session_bytes_unpack(self->packed, (size_t)self->len, NULL, &chain);

	ASSERT_NOT_NULL(back);
	EXPECT_EQ(SSL_SESSION_get_protocol_version(self->session),
		  SSL_SESSION_get_protocol_version(back));
	ASSERT_EQ(SSL_SESSION_get_master_key(self->session, secret[0], sizeof(secret[0])),
		  SSL_SESSION_get_master_key(back, secret[1], sizeof(secret[1])));
	EXPECT_MEMEQ(secret[0], secret[1], SSL_SESSION_get_master_key(back, NULL, 0));
	EXPECT_EQ((uintptr_t)SSL_SESSION_get0_cipher(self->session),
		  (uintptr_t)SSL_SESSION_get0_cipher(back));
	EXPECT_EQ(SSL_SESSION_get_timeout(self->session), SSL_SESSION_get_timeout(back));
	EXPECT_EQ(SSL_SESSION_get_time(self->session), SSL_SESSION_get_time(back));
	/* OpenSSL would decode it, slowly */
	EXPECT_NULL(SSL_SESSION_get0_peer(back));
	ASSERT_EQ(variant->certificate ? 2 : 0, sk_X509_num(chain));
	for (int i = 0; i < sk_X509_num(chain); i++)
		EXPECT_EQ(0, X509_cmp(self->certificate, sk_X509_value(chain, i)));

	/* what came back is kept again when it was resumed: nothing is lost by that */
	uint8_t again[SESSION_STORE_DATA_MAX];

	ASSERT_EQ(self->len, session_bytes_pack(back, NULL, chain, again));
	EXPECT_MEMEQ(self->packed, again, (size_t)self->len);
	free_chain(chain);
	SSL_SESSION_free(back);
}

/* the workers share what they are in; each reads with care what another one may have left */
TEST_F(bytes, cut_short)
{
	const size_t certificate = variant->certificate ? (size_t)i2d_X509(self->certificate, NULL) : 0;
	STACK_OF(X509) *chain;

	for (size_t len = 0; len < (size_t)self->len; len++) {
		SSL_SESSION *back = session_bytes_unpack(self->packed, len, NULL, &chain);

		/* between two certificates nothing tells that there were more */
		EXPECT_EQ(certificate && ((size_t)self->len - len) % certificate == 0, back != NULL) {
			TH_LOG("%zu of %ld bytes", len, self->len);
		}
		if (back)
			free_chain(chain);
		else
			EXPECT_NULL(chain);
		SSL_SESSION_free(back);
	}
}

TEST_F(bytes, too_long)
{
	STACK_OF(X509) *chain = sk_X509_new_null();

	if (!variant->certificate)
		SKIP("without a certificate there is no chain");
	for (int i = 0; i < 100; i++)
		sk_X509_push(chain, self->certificate);
	/* a long chain is cut off, and one of long certificates is not kept */
	self->len = session_bytes_pack(self->session, self->certificate, chain, self->packed);
	EXPECT_LT(0, self->len);
	while (i2d_X509(self->certificate, NULL) < SESSION_STORE_DATA_MAX / 8)
		X509_add1_ext_i2d(self->certificate, NID_netscape_comment,
				  X509_get0_pubkey_bitstr(self->certificate), 0, X509V3_ADD_APPEND);
	ASSERT_LT(0, X509_sign(self->certificate, self->key, EVP_sha256()));
	EXPECT_EQ(-EMSGSIZE,
		  session_bytes_pack(self->session, self->certificate, chain, self->packed));
	sk_X509_free(chain);
}

HARNESS_MAIN
