// SPDX-License-Identifier: Apache-2.0
#include "tests/peer/peer.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "userspace/alert.h"
#include "tests/peer/peer_data.h"
#include "tests/peer/peer_wire.h"

static const char *const close_names[] = {
	[PEER_OPEN] = "open",
	[PEER_CLOSE_NOTIFY] = "close_notify",
	[PEER_FIN] = "fin",
	[PEER_RST] = "rst",
};
_Static_assert(sizeof(close_names) / sizeof(*close_names) == PEER_CLOSE_COUNT, "a name each");

static const char *const outcome_names[] = {
	[PEER_OK] = "ok",
	[PEER_REFUSED] = "refused",
	[PEER_FAILED] = "failed",
};
_Static_assert(sizeof(outcome_names) / sizeof(*outcome_names) == PEER_OUTCOME_COUNT,
	       "a name each");

const char *peer_close_name(enum peer_close close)
{
	return close_names[close];
}

static void note_alert(const SSL *ssl, int where, int value)
{
	struct peer *peer = SSL_get_app_data(ssl);
	int description = value & 0xff;

	if (!(where & SSL_CB_ALERT) || description == SSL3_AD_CLOSE_NOTIFY)
		return;
	if (where & SSL_CB_READ)
		peer->result.alert = description;
	else
		peer->result.alert_sent = description;
}

static void note_message(int sent, int version, int type, const void *data, size_t size, SSL *ssl,
			 void *arg)
{
	const unsigned char *message = data;
	struct peer *peer = arg;

	(void)version;
	(void)ssl;
	if (sent || type != SSL3_RT_HANDSHAKE || size < 1)
		return;
	if (message[0] == SSL3_MT_KEY_UPDATE)
		peer->result.key_updates_received++;
	if (message[0] == SSL3_MT_NEWSESSION_TICKET)
		peer->result.tickets_received++;
}

static int use_certificate(struct peer *peer)
{
	const char *certificate = peer->options.certificate, *key = peer->options.key;
	char beside[4096];

	if (!certificate)
		return 0;
	if (!key) {
		size_t length = strlen(certificate);

		if (length < 4 || length >= sizeof(beside) ||
		    strcmp(certificate + length - 4, ".pem"))
			return -EINVAL;
		snprintf(beside, sizeof(beside), "%.*s.key", (int)length - 4, certificate);
		key = beside;
	}
	if (SSL_CTX_use_certificate_chain_file(peer->ctx, certificate) != 1 ||
	    SSL_CTX_use_PrivateKey_file(peer->ctx, key, SSL_FILETYPE_PEM) != 1)
		return -EINVAL;
	return 0;
}

/* everything is allowed that the library can do at all: refusing is the other side's part */
static int configure(struct peer *peer)
{
	const struct peer_options *options = &peer->options;
	const char *ciphers = options->ciphers ? options->ciphers : "DEFAULT";

	peer->ctx = SSL_CTX_new(TLS_client_method());
	if (!peer->ctx)
		return -ENOMEM;
	SSL_CTX_set_security_level(peer->ctx, 0);
	if (SSL_CTX_set_cipher_list(peer->ctx, ciphers) != 1 ||
	    (options->suites && SSL_CTX_set_ciphersuites(peer->ctx, options->suites) != 1) ||
	    SSL_CTX_set_min_proto_version(peer->ctx, options->min_version) != 1 ||
	    SSL_CTX_set_max_proto_version(peer->ctx, options->max_version) != 1 ||
	    (options->ca && SSL_CTX_load_verify_file(peer->ctx, options->ca) != 1) ||
	    use_certificate(peer) < 0)
		return -EINVAL;
	SSL_CTX_set_verify(peer->ctx, options->ca ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
	peer->ssl = SSL_new(peer->ctx);
	if (!peer->ssl)
		return -ENOMEM;
	SSL_set_app_data(peer->ssl, peer);
	SSL_set_info_callback(peer->ssl, note_alert);
	SSL_set_msg_callback(peer->ssl, note_message);
	SSL_set_msg_callback_arg(peer->ssl, peer);
	if (options->server_name &&
	    (SSL_set_tlsext_host_name(peer->ssl, options->server_name) != 1 ||
	     SSL_set1_host(peer->ssl, options->server_name) != 1))
		return -EINVAL;
	peer->in = BIO_new(BIO_s_mem());
	peer->out = BIO_new(BIO_s_mem());
	SSL_set_bio(peer->ssl, peer->in, peer->out);
	SSL_set_connect_state(peer->ssl);
	return peer->in && peer->out ? 0 : -ENOMEM;
}

static int handshake(struct peer *peer)
{
	for (;;) {
		int rc = SSL_do_handshake(peer->ssl);

		if (rc == 1)
			break;
		rc = SSL_get_error(peer->ssl, rc) == SSL_ERROR_WANT_READ ? 0 : -EPROTO;
		if (rc < 0) {
			ERR_clear_error();
			wire_flush(peer); /* our own alert */
			return rc;
		}
		rc = wire_move(peer, true);
		if (rc < 0)
			return rc;
	}
	peer->result.handshake = true;
	snprintf(peer->result.version, sizeof(peer->result.version), "%s",
		 SSL_get_version(peer->ssl));
	snprintf(peer->result.cipher, sizeof(peer->result.cipher), "%s",
		 SSL_get_cipher_name(peer->ssl));
	peer->hold = peer->options.hold_finished;
	return wire_move(peer, false);
}

int peer_open(const struct peer_options *options, struct peer **out)
{
	struct peer *peer = calloc(1, sizeof(*peer));
	int rc;

	*out = NULL;
	if (!peer)
		return -ENOMEM;
	peer->options = *options;
	peer->fd = -1;
	peer->result.alert = peer->result.alert_sent = -1;
	peer->result.verify = X509_V_OK;
	peer->sent_digest = EVP_MD_CTX_new();
	peer->received_digest = EVP_MD_CTX_new();
	EVP_DigestInit_ex(peer->sent_digest, EVP_sha256(), NULL);
	EVP_DigestInit_ex(peer->received_digest, EVP_sha256(), NULL);
	wire_start_clock(peer, 0);
	rc = configure(peer);
	if (rc == 0)
		rc = wire_connect(peer);
	if (rc == -EINVAL || rc == -ENOMEM) {
		peer_free(peer);
		return rc;
	}
	if (rc == 0 && !options->without_handshake)
		rc = handshake(peer);
	if (rc < 0)
		data_failed(peer);
	if (options->ca)
		peer->result.verify = SSL_get_verify_result(peer->ssl);
	peer->result.error = rc;
	*out = peer;
	return rc;
}

/* what came over the wire in plain TLS records: the alert among them, or -1 */
static int find_plain_alert(const unsigned char *data, size_t size)
{
	while (size >= 5 && data[1] == SSL3_VERSION_MAJOR) {
		size_t length = (size_t)data[3] << 8 | data[4];

		if (data[0] == SSL3_RT_ALERT && length == 2 && size >= 7)
			return data[6] == SSL3_AD_CLOSE_NOTIFY ? -1 : data[6];
		if (size - 5 < length)
			break;
		data += 5 + length;
		size -= 5 + length;
	}
	return -1;
}

static void format_digest(const EVP_MD_CTX *running, char *hex)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *copy = EVP_MD_CTX_new();
	unsigned int size = 0;

	EVP_MD_CTX_copy_ex(copy, running);
	EVP_DigestFinal_ex(copy, digest, &size);
	EVP_MD_CTX_free(copy);
	for (unsigned int i = 0; i < size; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

const struct peer_result *peer_result(struct peer *peer)
{
	format_digest(peer->sent_digest, peer->result.sent_sha256);
	format_digest(peer->received_digest, peer->result.received_sha256);
	if (peer->options.without_handshake)
		peer->result.alert = find_plain_alert(peer->head, peer->head_size);
	return &peer->result;
}

enum peer_outcome peer_outcome(const struct peer_result *result)
{
	if (result->error == 0 && result->alert < 0)
		return PEER_OK;
	if (result->error == -ETIMEDOUT || result->verify != X509_V_OK ||
	    (result->handshake && result->received))
		return PEER_FAILED;
	if (result->alert >= 0 || result->error == -ECONNREFUSED ||
	    result->error == -ECONNRESET || result->error == -EPIPE)
		return PEER_REFUSED;
	return PEER_FAILED;
}

static void print_alert(FILE *file, const char *key, int alert)
{
	if (alert < 0)
		fprintf(file, ",\"%s\":null", key);
	else
		fprintf(file, ",\"%s\":\"%s\"", key, alert_name((uint8_t)alert));
}

void peer_print(struct peer *peer, FILE *file)
{
	const struct peer_result *result = peer_result(peer);
	const char *error = result->error ? strerrorname_np(-result->error) : "0";

	fprintf(file, "{\"outcome\":\"%s\",\"connected\":%s,\"handshake\":%s,\"error\":\"%s\"",
		outcome_names[peer_outcome(result)], result->connected ? "true" : "false",
		result->handshake ? "true" : "false", error);
	print_alert(file, "alert", result->alert);
	print_alert(file, "alert_sent", result->alert_sent);
	fprintf(file, ",\"verify\":\"%s\",\"version\":\"%s\",\"cipher\":\"%s\",\"local\":\"%s\"",
		X509_verify_cert_error_string(result->verify), result->version, result->cipher,
		result->local);
	fprintf(file, ",\"sent\":%llu,\"received\":%llu", (unsigned long long)result->sent,
		(unsigned long long)result->received);
	fprintf(file, ",\"sent_sha256\":\"%s\",\"received_sha256\":\"%s\"", result->sent_sha256,
		result->received_sha256);
	fprintf(file, ",\"key_updates_received\":%u,\"tickets_received\":%u",
		result->key_updates_received, result->tickets_received);
	fprintf(file, ",\"close\":\"%s\",\"transport\":\"%s\"}\n", peer_close_name(result->close),
		peer_close_name(result->transport));
}

void peer_free(struct peer *peer)
{
	if (!peer)
		return;
	if (peer->fd >= 0)
		close(peer->fd);
	SSL_free(peer->ssl); /* and its two BIOs */
	SSL_CTX_free(peer->ctx);
	EVP_MD_CTX_free(peer->sent_digest);
	EVP_MD_CTX_free(peer->received_digest);
	free(peer);
}
