// SPDX-License-Identifier: Apache-2.0
#include "userspace/tls_context.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "userspace/connection.h"
#include "userspace/judge.h"
#include "userspace/tls_library.h"
#include "userspace/tls_resume.h"

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

struct tls_context {
	enum direction direction;
	enum config_ciphers ciphers;
	const struct identity *identity;
	SSL_CTX *ctx;
};

struct tls_contexts {
	struct tls_library library;
	struct tls_context entries[2 * 2 * CONFIG_CIPHERS_COUNT]; /* two directions, two identities */
	size_t count;
};

static bool tls_lets_pass(const struct connection *connection)
{
	return judge_lets_pass(connection->line, &connection->record->verdict);
}

int tls_decide(struct connection *connection, X509 *leaf, STACK_OF(X509) *chain)
{
	const unsigned char *response = NULL;
	long len = SSL_get_tlsext_status_ocsp_resp(connection->tls, &response);
	const struct staple staple = { response, len > 0 ? (size_t)len : 0 };
	int err;

	connection->decided = false;
	connection->policy = connection->worker->policy;
	err = judge_chain(connection->worker, connection->line, leaf, chain, staple, time(NULL),
			  connection->record);
	if (err)
		return err;
	/* a session is judged again by what was presented: without that there is none */
	if (tls_lets_pass(connection))
		err = presented_pack(leaf, chain, staple, &connection->presented);
	connection->decided = !err;
	return err;
}

void tls_undecide(struct connection *connection)
{
	connection->decided = false;
	presented_free(&connection->presented);
	connection->record->verdict = (struct verdict){ 0 };
	record_set_certificate(connection->record, NULL);
}

/* 0 and an X509 error: its alert, which is internal_error where nothing was decided */
static int tls_verify(X509_STORE_CTX *ctx, void *arg)
{
	SSL *tls = X509_STORE_CTX_get_ex_data(ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct connection *connection = SSL_get_app_data(tls);

	(void)arg;
	connection->resuming = false;
	X509_STORE_CTX_set_error(ctx, X509_V_ERR_UNSPECIFIED);
	if (tls_decide(connection, X509_STORE_CTX_get0_cert(ctx),
		       X509_STORE_CTX_get0_untrusted(ctx)))
		return 0;
	if (tls_lets_pass(connection)) {
		X509_STORE_CTX_set_error(ctx, X509_V_OK);
		return 1;
	}
	/*
	 * A TLS 1.2 server's stapled response comes after its certificate (RFC 6066 section 8):
	 * tls_status() decides then. Nothing passes without a verdict that accepts.
	 */
	if (connection_is_outbound(connection) && SSL_version(tls) < TLS1_3_VERSION &&
	    rule_revocation(&connection->line->rule) == CRL_REQUIRE) {
		connection->decided = false;
		X509_STORE_CTX_set_error(ctx, X509_V_OK);
		return 1;
	}
	X509_STORE_CTX_set_error(ctx, refusal_x509_error(connection->record->verdict.refusal));
	return 0;
}

/*
 * A server's flight is complete, with a stapled response or without. In TLS 1.3 tls_verify()
 * had the response already.
 */
static int tls_status(SSL *tls, void *arg)
{
	struct connection *connection = SSL_get_app_data(tls);
	STACK_OF(X509) *chain = SSL_get_peer_cert_chain(tls);
	int err;

	(void)arg;
	if (SSL_version(tls) >= TLS1_3_VERSION || SSL_session_reused(tls))
		return 1;
	err = tls_decide(connection, sk_X509_num(chain) > 0 ? sk_X509_value(chain, 0) : NULL, chain);
	if (err)
		return -1;
	return tls_lets_pass(connection);
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

static bool tls_set_ciphers(SSL_CTX *ctx, const struct worker_setup *setup,
			    enum config_ciphers ciphers)
{
	unsigned int aeads13 = TLS_ALL_AEADS, aeads12 = TLS_ALL_AEADS;

	if (setup->kernel_tls) {
		aeads13 = ktls_features_aeads(setup->features, TLS1_3_VERSION);
		aeads12 = ktls_features_aeads(setup->features, TLS1_2_VERSION);
	}
	if (ciphers == CONFIG_CIPHERS_HIGH) {
		aeads13 &= ~(1U << KTLS_AES_128_GCM);
		aeads12 &= ~(1U << KTLS_AES_128_GCM);
	}
	if (ciphers == CONFIG_CIPHERS_LOW)
		aeads12 |= KTLS_STATIC_RSA;
	return ktls_ctx_set_ciphers(ctx, aeads13, aeads12) == 0;
}

static SSL_CTX *tls_context_new(OSSL_LIB_CTX *library, const struct worker_setup *setup,
				const struct config_line *line, const char **why)
{
	SSL_CTX *ctx = SSL_CTX_new_ex(library, NULL, TLS_method());

	*why = "out of memory";
	if (!ctx)
		return NULL;
	SSL_CTX_set_security_level(ctx, TLS_SECURITY_LEVEL);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
					 SSL_OP_CIPHER_SERVER_PREFERENCE |
					 SSL_OP_PRIORITIZE_CHACHA);
	tls_resume_prepare(ctx, line->direction);
	SSL_CTX_set_cert_verify_callback(ctx, tls_verify, NULL);
	SSL_CTX_set_info_callback(ctx, tls_info);
	if (line->direction == DIRECTION_OUTBOUND)
		SSL_CTX_set_tlsext_status_cb(ctx, tls_status);
	if (!SSL_CTX_set1_groups_list(ctx, TLS_GROUPS) ||
	    !SSL_CTX_set1_sigalgs_list(ctx, TLS_SIGNATURES))
		*why = "OpenSSL lacks a group or signature algorithm that is to be offered";
	else if (!tls_set_identity(ctx, line->identity))
		*why = "OpenSSL refuses the identity certificate or its key";
	else if (!tls_set_ciphers(ctx, setup, line->ciphers))
		*why = "no cipher suite is left that both OpenSSL and this kernel have";
	else if (ktls_ctx_prepare(ctx) == 0)
		return ctx;
	SSL_CTX_free(ctx);
	return NULL;
}

SSL_CTX *tls_contexts_find(const struct tls_contexts *contexts, const struct config_line *line)
{
	const struct tls_context *entry;
	size_t i;

	for (i = 0; i < contexts->count; i++) {
		entry = &contexts->entries[i];
		if (entry->direction == line->direction && entry->ciphers == line->ciphers &&
		    entry->identity == line->identity)
			return entry->ctx;
	}
	return NULL;
}

OSSL_LIB_CTX *tls_contexts_library(const struct tls_contexts *contexts)
{
	return contexts->library.ctx;
}

struct tls_contexts *tls_contexts_new(const struct worker_setup *setup, const char **why)
{
	struct tls_contexts *contexts = calloc(1, sizeof(*contexts));
	const struct config_line *line;
	SSL_CTX *ctx;
	size_t i;

	*why = "out of memory";
	if (!contexts || tls_library_new(&contexts->library) < 0) {
		free(contexts);
		return NULL;
	}
	for (i = 0; i < setup->config->line_count; i++) {
		line = &setup->config->lines[i];
		if (tls_contexts_find(contexts, line))
			continue;
		ctx = tls_context_new(contexts->library.ctx, setup, line, why);
		if (!ctx) {
			tls_contexts_free(contexts);
			return NULL;
		}
		contexts->entries[contexts->count++] = (struct tls_context){
			.direction = line->direction,
			.ciphers = line->ciphers,
			.identity = line->identity,
			.ctx = ctx,
		};
	}
	return contexts;
}

void tls_contexts_free(struct tls_contexts *contexts)
{
	size_t i;

	if (!contexts)
		return;
	for (i = 0; i < contexts->count; i++)
		SSL_CTX_free(contexts->entries[i].ctx);
	tls_library_free(&contexts->library);
	free(contexts);
}
