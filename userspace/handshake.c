// SPDX-License-Identifier: Apache-2.0
/* From the first byte to the keys in the kernel: PHASE_HANDSHAKE. */
#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "userspace/alert.h"
#include "userspace/beat.h"
#include "userspace/connection.h"
#include "userspace/judge.h"
#include "userspace/order.h"
#include "userspace/tls_context.h"
#include "userspace/tls_resume.h"

int connection_handshake_start(struct connection *connection)
{
	static const int modes[] = {
		[ASK_REQUIRE] = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
		[ASK_REQUEST] = SSL_VERIFY_PEER,
		[ASK_NONE] = SSL_VERIFY_NONE,
	};
	const struct config_line *line = connection->line;
	int mode = modes[line->rule.ask];

	/* the policy decides about a missing certificate then */
	if (line->mode == CONFIG_OBSERVE)
		mode &= ~SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	connection->tls = SSL_new(tls_contexts_find(connection->worker->tls, line));
	if (!connection->tls)
		return -ENOMEM;
	SSL_set_app_data(connection->tls, connection);
	SSL_set_verify(connection->tls, mode, NULL);
	if (!SSL_set_fd(connection->tls, connection->fd))
		return -EIO;
	if (!connection_is_outbound(connection)) {
		SSL_set_accept_state(connection->tls);
		return tls_resume_begin(connection);
	}
	SSL_set_connect_state(connection->tls);
	if (order_limit(connection->order, connection->tls))
		return -EIO;
	SSL_set_tlsext_status_type(connection->tls, TLSEXT_STATUSTYPE_ocsp);
	if (line->server_name && !SSL_set_tlsext_host_name(connection->tls, line->server_name))
		return -EIO;
	return tls_resume_begin(connection);
}

/* Whether the policy lets the connection go on, or the line does against it. */
static bool handshake_may_go_on(const struct connection *connection)
{
	return connection->decided &&
	       judge_lets_pass(connection->line, &connection->record->verdict);
}

/* The policy decides about "no certificate" too: OpenSSL does not ask it then. */
static void handshake_decide_without(struct connection *connection)
{
	if (!connection->decided)
		tls_decide(connection, NULL, NULL);
}

static void handshake_failed(struct connection *connection)
{
	unsigned long err = ERR_peek_error();
	const char *text = ERR_reason_error_string(err);
	char reason[RECORD_TEXT_LEN];

	/* the app's connect() goes by relay then, which has its own record */
	if (order_met_tls13(connection, err)) {
		order_set_error(connection, MESSAGE_TLS13);
		connection_close(connection, false, "");
		return;
	}
	if (tls_resume_failed(connection)) {
		connection_redial(connection);
		return;
	}
	if (ERR_GET_LIB(err) == ERR_LIB_SSL &&
	    ERR_GET_REASON(err) == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE)
		handshake_decide_without(connection);
	if (connection->decided && !handshake_may_go_on(connection)) {
		connection_refuse(connection, RECORD_REFUSED, connection->record->verdict.reason);
		return;
	}
	if (err && ERR_GET_REASON(err) != SSL_R_UNEXPECTED_EOF_WHILE_READING)
		snprintf(reason, sizeof(reason), "the TLS handshake failed: %s",
			 text ? text : "unknown error");
	else
		snprintf(reason, sizeof(reason), "the %s closed during the TLS handshake",
			 connection_is_outbound(connection) ? "server" : "client");
	connection_refuse(connection, RECORD_FAILED, reason);
}

static void handshake_describe(struct connection *connection)
{
	const SSL_CIPHER *cipher = SSL_get_current_cipher(connection->tls);
	struct record *record = connection->record;

	snprintf(record->tls, sizeof(record->tls), "%s", SSL_get_version(connection->tls));
	snprintf(record->cipher, sizeof(record->cipher), "%s", SSL_CIPHER_get_name(cipher));
	snprintf(record->ktls, sizeof(record->ktls), "%s",
		 connection->worker->setup.kernel_tls ? "yes" : "no");
}

/*
 * The kernel has the keys, and the SSL object goes; as a client of TLS 1.3 it stays until the
 * server has named a session that may be resumed, which it does before any data or never.
 */
static void handshake_let_go(struct connection *connection, const struct ktls_keys *keys)
{
	SSL *tls = TAKE_PTR(connection->tls);

	if (connection_is_outbound(connection) && connection->line->resumption &&
	    keys->cipher && keys->cipher->version == TLS1_3_VERSION) {
		ktls_tickets_new(connection->worker->setup.crypto, tls, keys,
				 &connection->relayed.stream.tickets);
		return;
	}
	/* a session whose SSL object ends otherwise counts as broken: ssl_clear_bad_session() */
	SSL_set_shutdown(tls, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(tls);
}

/* The SSL object goes with this, sooner or later. */
static int handshake_keys_to_kernel(struct connection *connection)
{
	const struct worker_setup *setup = &connection->worker->setup;
	_cleanup_(ktls_keys_wipe) struct ktls_keys keys = { 0 };
	int err;

	err = ktls_keys_from_ssl(setup->crypto, connection->tls, &keys);
	if (!err)
		err = ktls_install(setup->crypto, connection->fd, &keys);
	if (!err)
		err = stream_init_kernel(&connection->relayed.stream, connection->fd, setup->crypto, &keys,
					 connection_is_outbound(connection),
					 setup->features->has[KTLS_REKEY]);
	handshake_let_go(connection, &keys);
	return err;
}

static void handshake_done(struct connection *connection)
{
	char reason[RECORD_TEXT_LEN];
	int err = 0;

	loop_timeout_stop(&connection->worker->handshakes, &connection->timeout);
	if (tls_resume_settle(connection))
		handshake_decide_without(connection);
	handshake_describe(connection);
	/* OpenSSL has refused already what the policy refused; nothing gets by that it missed */
	if (!handshake_may_go_on(connection)) {
		connection_refuse(connection, RECORD_REFUSED, connection->record->verdict.reason);
		return;
	}
	if (connection->worker->setup.kernel_tls) {
		err = handshake_keys_to_kernel(connection);
	} else {
		stream_init_user(&connection->relayed.stream, connection->fd, connection->tls);
		connection->tls = NULL;
	}
	if (err) {
		snprintf(reason, sizeof(reason), "the keys cannot be put into the kernel: %s",
			 strerror(-err));
		connection_refuse(connection, RECORD_FAILED, reason);
		return;
	}
	connection_deliver(connection);
}

void connection_handshake(struct connection *connection)
{
	int ret;

	/* a round of hundreds may take long on a slow host: who is busy does not hang */
	beat_give(connection->worker->setup.beat);
	ERR_clear_error();
	ret = ktls_capture_handshake(connection->tls);
	if (ret == 1) {
		handshake_done(connection);
		return;
	}
	switch (SSL_get_error(connection->tls, ret)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return;
	default:
		handshake_failed(connection);
	}
}
