// SPDX-License-Identifier: Apache-2.0
#include "tests/ktls/peers.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509.h>

#include "policy/cleanup.h"
#include "tests/harness.h"
#include "userspace/ktls_cipher.h"

#define PEERS_LIMIT_MS 5000
#define ALL_AEADS ((1U << KTLS_AEAD_COUNT) - 1)

/* A key and a certificate of its own. */
struct identity {
	EVP_PKEY *key;
	X509 *cert;
};

/* Made once, before the tests fork: an RSA key takes seconds in an emulated guest. */
static struct identity ecdsa, rsa;

static void identity_make(EVP_PKEY *key, struct identity *identity)
{
	X509 *cert = X509_new();
	X509_NAME *name = X509_get_subject_name(cert);

	X509_set_version(cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)"test", -1, -1, 0);
	X509_set_issuer_name(cert, name);
	X509_set_pubkey(cert, key);
	if (!X509_sign(cert, key, EVP_sha256()))
		abort();
	*identity = (struct identity){ .key = key, .cert = cert };
}

__attribute__((constructor)) static void identities_make(void)
{
	identity_make(EVP_EC_gen("P-256"), &ecdsa);
	identity_make(EVP_RSA_gen(2048), &rsa);
}

__attribute__((destructor)) static void identities_free(void)
{
	EVP_PKEY_free(ecdsa.key);
	X509_free(ecdsa.cert);
	EVP_PKEY_free(rsa.key);
	X509_free(rsa.cert);
}

static SSL_CTX *new_ctx(bool is_server, const struct peers_setup *setup)
{
	SSL_CTX *ctx = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());

	ASSERT_NOT_NULL(ctx);
	if (!is_server)
		return ctx;
	/* Both kinds: the suite decides which one is used. */
	ASSERT_EQ(1, SSL_CTX_use_cert_and_key(ctx, ecdsa.cert, ecdsa.key, NULL, 1));
	ASSERT_EQ(1, SSL_CTX_use_cert_and_key(ctx, rsa.cert, rsa.key, NULL, 1));
	ASSERT_EQ(1, SSL_CTX_set_num_tickets(ctx, (size_t)setup->tickets));
	return ctx;
}

/* The peer offers or takes just the suite that the test is about. */
static void limit_peer(SSL_CTX *ctx, const struct peers_setup *setup)
{
	const struct ktls_cipher *cipher = ktls_cipher_find(setup->version, setup->suite);
	const char *name = setup->cipher ? setup->cipher : cipher ? cipher->name : "";

	ASSERT_EQ(1, SSL_CTX_set_min_proto_version(ctx, setup->version));
	ASSERT_EQ(1, SSL_CTX_set_max_proto_version(ctx, setup->version));
	ASSERT_EQ(1, setup->version == TLS1_3_VERSION ? SSL_CTX_set_ciphersuites(ctx, name) :
							SSL_CTX_set_cipher_list(ctx, name));
	if (setup->max_fragment)
		ASSERT_EQ(1, SSL_CTX_set_tlsext_max_fragment_length(ctx, setup->max_fragment));
	if (setup->prepare_peer)
		ASSERT_OK(ktls_ctx_prepare(ctx));
}

static SSL *new_ssl(SSL_CTX *ctx, int fd, bool is_server, const struct peers_setup *setup)
{
	SSL *ssl = SSL_new(ctx);

	ASSERT_NOT_NULL(ssl);
	ASSERT_EQ(1, SSL_set_fd(ssl, fd));
	if (is_server)
		SSL_set_accept_state(ssl);
	else
		SSL_set_connect_state(ssl);
	if (!is_server && setup->session)
		ASSERT_EQ(1, SSL_set_session(ssl, setup->session));
	return ssl;
}

void peers_init(struct peers *peers)
{
	*peers = (struct peers){ .pair = LOOPBACK_PAIR_CLOSED };
}

void peers_connect(struct peers *peers, const struct peers_setup *setup)
{
	bool is_server = setup->agent_is_server;

	ASSERT_OK(ktls_crypto_new(&peers->crypto));
	ASSERT_OK(loopback_pair_open(PEERS_LIMIT_MS, &peers->pair));
	peers->agent_ctx = new_ctx(is_server, setup);
	peers->peer_ctx = new_ctx(!is_server, setup);
	limit_peer(peers->peer_ctx, setup);
	if (!setup->unprepared)
		ASSERT_OK(ktls_ctx_prepare(peers->agent_ctx));
	if (!setup->cipher)
		ASSERT_OK(ktls_ctx_set_ciphers(peers->agent_ctx, ALL_AEADS, ALL_AEADS));
	peers->agent = new_ssl(peers->agent_ctx, peers->pair.a, is_server, setup);
	peers->peer = new_ssl(peers->peer_ctx, peers->pair.b, !is_server, setup);
}

bool peers_step(SSL *ssl)
{
	int r = SSL_do_handshake(ssl);
	int why = SSL_get_error(ssl, r);

	if (r != 1 && why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
		ERR_print_errors_fp(stdout);
		FAIL("the handshake failed");
	}
	return r == 1;
}

void peers_handshake(struct peers *peers, const struct peers_setup *setup)
{
	bool agent_done = false, peer_done = false;

	for (int i = 0; !agent_done || !peer_done; i++) {
		ASSERT_LT(i, 100);
		if (!peer_done) {
			peer_done = peers_step(peers->peer);
			if (peer_done && setup->early)
				peers_write(peers, PEERS_EARLY, strlen(PEERS_EARLY));
		}
		if (!agent_done)
			agent_done = peers_step(peers->agent);
	}
}

void peers_open(struct peers *peers, const struct peers_setup *setup)
{
	peers_connect(peers, setup);
	peers_handshake(peers, setup);
}

void peers_close(struct peers *peers)
{
	SSL_free(peers->agent);
	SSL_free(peers->peer);
	SSL_CTX_free(peers->agent_ctx);
	SSL_CTX_free(peers->peer_ctx);
	ktls_crypto_free(peers->crypto);
	cleanup_loopback_pair(&peers->pair);
}

void peers_wait(int fd, short events)
{
	struct pollfd pollfd = { .fd = fd, .events = events };

	ASSERT_EQ(1, poll(&pollfd, 1, PEERS_LIMIT_MS));
}

/* Waits for what an unfinished call wants. False: it has failed. */
static bool wait_as_wanted(struct peers *peers, int r)
{
	int why = SSL_get_error(peers->peer, r);

	if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
		return false;
	peers_wait(peers->pair.b, why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT);
	return true;
}

void peers_write(struct peers *peers, const void *bytes, size_t len)
{
	size_t n;
	int r;

	while ((r = SSL_write_ex(peers->peer, bytes, len, &n)) != 1)
		ASSERT_TRUE(wait_as_wanted(peers, r)) { ERR_print_errors_fp(stdout); }
	ASSERT_EQ(len, n);
}

void peers_read(struct peers *peers, void *bytes, size_t len)
{
	uint8_t *to = bytes;

	while (len) {
		size_t n;
		int r = SSL_read_ex(peers->peer, to, len, &n);

		if (r != 1) {
			ASSERT_TRUE(wait_as_wanted(peers, r)) { ERR_print_errors_fp(stdout); }
			continue;
		}
		to += n;
		len -= n;
	}
}

int peers_read_error(struct peers *peers)
{
	char byte;
	int r;

	do
		r = SSL_read(peers->peer, &byte, 1);
	while (r != 1 && wait_as_wanted(peers, r));
	return SSL_get_error(peers->peer, r);
}

const uint8_t *peers_pattern(size_t len)
{
	static uint8_t bytes[1 << 20];

	ASSERT_LE(len, sizeof(bytes));
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(i % 251 ^ i / 251);
	return bytes;
}
