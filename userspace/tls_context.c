// SPDX-License-Identifier: Apache-2.0
/* One TLS context per worker: what it offers, and how a certificate comes to the policy. */
#include <openssl/err.h>
#include <string.h>
#include <time.h>

#include "userspace/connection.h"

/*
 * The policy alone judges the peer's key: a level of None has to let a 512-bit key
 * through, which OpenSSL's security levels above 0 would not. What those levels
 * would have kept out of the protocol is kept out by these lists.
 */
#define TLS_SECURITY_LEVEL 0
#define TLS_GROUPS "X25519:P-256:P-384:P-521"
#define TLS_SIGNATURES                                                                             \
	"ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:ed448:RSA-PSS+SHA256:RSA-PSS+SHA384:"      \
	"RSA-PSS+SHA512:RSA+SHA256:RSA+SHA384:RSA+SHA512"

/* the kernel's AEADs, all of them: what user space offers when it encrypts itself */
#define TLS_ALL_AEADS ((1U << KTLS_AEAD_COUNT) - 1)

/* -1: an error, so that OpenSSL sends internal_error; 0 and an X509 error: its alert */
static int tls_verify(X509_STORE_CTX *ctx, void *arg)
{
	SSL *tls = X509_STORE_CTX_get_ex_data(ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct connection *connection = SSL_get_app_data(tls);
	const struct config *config = connection->worker->setup.config;
	struct verdict *verdict = &connection->record->verdict;
	const struct evidence evidence = {
		.store = config->trust,
		.leaf = X509_STORE_CTX_get0_cert(ctx),
		.untrusted = X509_STORE_CTX_get0_untrusted(ctx),
		.own = config->identity.certificate,
		.cache = connection->worker->cache,
	};
	struct facts facts;
	int err;

	(void)arg;
	X509_STORE_CTX_set_error(ctx, X509_V_ERR_UNSPECIFIED);
	err = policy_check_chain(&evidence, &connection->line->rule, time(NULL), verdict, &facts);
	if (!err) {
		record_set_certificate(connection->record, &facts);
		connection->decided = true;
	}
	facts_release(&facts);
	if (!err && verdict->accepted) {
		X509_STORE_CTX_set_error(ctx, X509_V_OK);
		return 1;
	}
	if (!err)
		X509_STORE_CTX_set_error(ctx, refusal_x509_error(verdict->refusal));
	return 0;
}

static void tls_info(const SSL *tls, int where, int value)
{
	struct connection *connection = SSL_get_app_data(tls);

	/* value: level in the high byte, description in the low one */
	if ((where & SSL_CB_WRITE_ALERT) == SSL_CB_WRITE_ALERT && (value & 0xff))
		connection->alert = (uint8_t)value;
}

static bool tls_set_identity(SSL_CTX *ctx, const struct identity *identity)
{
	return SSL_CTX_use_certificate(ctx, identity->certificate) &&
	       SSL_CTX_use_PrivateKey(ctx, identity->key) &&
	       (!identity->chain || SSL_CTX_set1_chain(ctx, identity->chain));
}

static bool tls_set_ciphers(SSL_CTX *ctx, const struct worker_setup *setup)
{
	unsigned int aeads13 = TLS_ALL_AEADS, aeads12 = TLS_ALL_AEADS;

	if (setup->kernel_tls) {
		aeads13 = ktls_features_aeads(setup->features, TLS1_3_VERSION);
		aeads12 = ktls_features_aeads(setup->features, TLS1_2_VERSION);
	}
	return ktls_ctx_set_ciphers(ctx, aeads13, aeads12) == 0;
}

SSL_CTX *tls_context_new(const struct worker_setup *setup, const char **why)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	*why = "out of memory";
	if (!ctx)
		return NULL;
	SSL_CTX_set_security_level(ctx, TLS_SECURITY_LEVEL);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION |
					 SSL_OP_CIPHER_SERVER_PREFERENCE |
					 SSL_OP_PRIORITIZE_CHACHA);
	/* a resumed session would skip the certificate: there is none without a ticket or cache */
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(ctx, 0);
	SSL_CTX_set_cert_verify_callback(ctx, tls_verify, NULL);
	SSL_CTX_set_info_callback(ctx, tls_info);
	if (!SSL_CTX_set1_groups_list(ctx, TLS_GROUPS) ||
	    !SSL_CTX_set1_sigalgs_list(ctx, TLS_SIGNATURES))
		*why = "OpenSSL lacks a group or signature algorithm that is to be offered";
	else if (!tls_set_identity(ctx, &setup->config->identity))
		*why = "OpenSSL refuses the identity certificate or its key";
	else if (!tls_set_ciphers(ctx, setup))
		*why = "no cipher suite is left that both OpenSSL and this kernel have";
	else if (ktls_ctx_prepare(ctx) == 0)
		return ctx;
	SSL_CTX_free(ctx);
	return NULL;
}
