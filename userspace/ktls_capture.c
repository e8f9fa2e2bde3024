// SPDX-License-Identifier: Apache-2.0
#include "userspace/ktls_capture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/crypto.h>

/*
 * OpenSSL hands an SSL object and nothing else to the keylog callback, so the capture hangs
 * on it. The number of the hook is the process's, as OpenSSL never gives one back.
 */
static CRYPTO_ONCE capture_once = CRYPTO_ONCE_STATIC_INIT;
static int capture_index = -1;
static _Thread_local SSL *capture_now; /* the one that shakes hands */

static void capture_free(void *ssl, void *capture, CRYPTO_EX_DATA *ad, int idx, long argl,
			 void *argp)
{
	(void)ssl;
	(void)ad;
	(void)idx;
	(void)argl;
	(void)argp;
	OPENSSL_clear_free(capture, sizeof(struct ktls_capture));
}

static void capture_make_index(void)
{
	capture_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, capture_free);
}

const struct ktls_capture *ktls_capture_get(const SSL *ssl)
{
	return capture_index < 0 ? NULL : SSL_get_ex_data(ssl, capture_index);
}

/*
 * The argument is the capture, which may be gone before the BIO is: it is touched on writes
 * only, and nothing writes through the BIO of a freed SSL object.
 */
static long capture_bio(BIO *bio, int oper, const char *bytes, size_t len, int argi, long argl,
			int ret, size_t *processed)
{
	(void)len;
	(void)argi;
	(void)argl;
	if (oper == (BIO_CB_WRITE | BIO_CB_RETURN) && ret > 0 && processed)
		ktls_wire_pass((struct ktls_wire *)BIO_get_callback_arg(bio),
			       (const uint8_t *)bytes, *processed);
	return ret;
}

/*
 * OpenSSL reports the header of the first record, read or written, before a byte leaves: early
 * enough to see all that goes over the wire. Without memory there is no capture, and then no
 * hand-over either.
 */
static struct ktls_capture *capture_of(SSL *ssl)
{
	struct ktls_capture *capture = SSL_get_ex_data(ssl, capture_index);
	BIO *bio = SSL_get_wbio(ssl);

	if (capture || !bio)
		return capture;
	capture = OPENSSL_zalloc(sizeof(*capture));
	if (!capture)
		return NULL;
	if (!SSL_set_ex_data(ssl, capture_index, capture)) {
		OPENSSL_free(capture);
		return NULL;
	}
	BIO_set_callback_arg(bio, (char *)&capture->wire);
	BIO_set_callback_ex(bio, capture_bio);
	return capture;
}

/*
 * In both directions a record's header is reported before the message in it, so a header
 * that comes after the message Finished is one of a later record.
 */
static void capture_message(int write, int version, int type, const void *bytes, size_t len,
			    SSL *ssl, void *arg)
{
	struct ktls_capture *capture = capture_of(ssl);
	bool finished = type == SSL3_RT_HANDSHAKE && len &&
			*(const uint8_t *)bytes == SSL3_MT_FINISHED;

	(void)version;
	(void)arg;
	if (!capture)
		return;
	if (type == SSL3_RT_HEADER && write) {
		capture->tx_records++;
		capture->tx_after_finished += capture->tx_finished;
	} else if (type == SSL3_RT_HEADER) {
		capture->rx_after_finished += capture->rx_finished;
	} else if (finished && write) {
		capture->tx_finished = true;
	} else if (finished) {
		capture->rx_finished = true;
	}
}

/*
 * The secret is the last word of "LABEL client_random secret", in hexadecimal digits. It is what
 * libssl uses, whatever came by the other way.
 */
static void capture_secret(const char *line, struct ktls_secret *secret)
{
	const char *hex = strrchr(line, ' ') + 1;
	struct ktls_secret logged = { 0 };

	if (!OPENSSL_hexstr2buf_ex(logged.bytes, sizeof(logged.bytes), &logged.len, hex, '\0'))
		logged.len = 0;
	logged.confirmed = logged.len && logged.len == secret->len &&
			   !CRYPTO_memcmp(logged.bytes, secret->bytes, logged.len);
	*secret = logged;
	OPENSSL_cleanse(&logged, sizeof(logged));
}

/* Other labels (handshake and exporter secrets, the TLS 1.2 master key) are not looked at. */
static void capture_keylog(const SSL *ssl, const char *line)
{
	static const char client[] = "CLIENT_TRAFFIC_SECRET_0 ";
	static const char server[] = "SERVER_TRAFFIC_SECRET_0 ";
	struct ktls_capture *capture = SSL_get_ex_data(ssl, capture_index);

	if (!capture)
		return;
	if (!strncmp(line, client, sizeof(client) - 1))
		capture_secret(line, &capture->client);
	else if (!strncmp(line, server, sizeof(server) - 1))
		capture_secret(line, &capture->server);
	if (capture->client.confirmed && capture->server.confirmed)
		SSL_CTX_set_keylog_callback(SSL_get_SSL_CTX(ssl), NULL);
}

static struct ktls_secret *capture_secret_of(struct ktls_capture *capture, const void *label,
					     size_t label_len)
{
	/* RFC 8446 section 7.1 */
	static const char client[] = "c ap traffic", server[] = "s ap traffic";

	if (label_len != sizeof(client) - 1)
		return NULL;
	if (!memcmp(label, client, label_len))
		return &capture->client;
	return memcmp(label, server, label_len) ? NULL : &capture->server;
}

void ktls_capture_derived(const void *label, size_t label_len, const uint8_t *secret, size_t len)
{
	struct ktls_capture *capture =
		capture_now ? SSL_get_ex_data(capture_now, capture_index) : NULL;
	struct ktls_secret *out = capture ? capture_secret_of(capture, label, label_len) : NULL;

	if (!out || len > sizeof(out->bytes))
		return;
	memcpy(out->bytes, secret, len);
	out->len = len;
}

int ktls_capture_handshake(SSL *ssl)
{
	int ret;

	capture_now = ssl;
	ret = SSL_do_handshake(ssl);
	capture_now = NULL;
	return ret;
}

int ktls_capture_start(SSL_CTX *ctx)
{
	if (!CRYPTO_THREAD_run_once(&capture_once, capture_make_index) || capture_index < 0)
		return -ENOMEM;
	SSL_CTX_set_keylog_callback(ctx, capture_keylog);
	SSL_CTX_set_msg_callback(ctx, capture_message);
	return 0;
}
