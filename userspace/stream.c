// SPDX-License-Identifier: Apache-2.0
#include "userspace/stream.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <sys/socket.h>

/*
 * A peer that keeps to the AEAD's limits changes its key after 2^24 records or more; one
 * that does so again and again only makes work (RFC 8446 section 4.6.3 leaves it open).
 */
#define STREAM_KEY_UPDATE_INTERVAL UINT64_C(1000000000) /* ns */
#define STREAM_KEY_UPDATE_BURST 16

/* of data that one read takes together, before others have their turn */
#define STREAM_GATHER_MAX 64

/* that bring no data, before others have their turn: a peer may send them without end */
#define STREAM_RECORDS_MAX 16

#define ALERT_FATAL 2
#define ALERT_WARNING 1

int stream_init_kernel(struct stream *stream, int fd, const struct ktls_crypto *crypto,
		       const struct ktls_keys *keys, bool is_client, bool can_rekey)
{
	*stream = (struct stream){
		.fd = fd,
		.crypto = crypto,
		.cipher = keys->cipher,
		/* what the handshake sent under the key */
		.records = keys->tx.seq,
		.records_max = keys->cipher->aead->records_max,
		.record_size = keys->max_fragment ? keys->max_fragment : KTLS_RECORD_SIZE_MAX,
	};
	ktls_handshake_init(&stream->handshake, keys->cipher->version, is_client);
	if (!can_rekey || keys->cipher->version != TLS1_3_VERSION)
		return 0;
	stream->keys = malloc(sizeof(*stream->keys));
	if (!stream->keys)
		return -ENOMEM;
	*stream->keys = *keys;
	return 0;
}

static void stream_note_message(int write, int version, int type, const void *buf, size_t len,
				    SSL *ssl, void *arg)
{
	struct stream *stream = arg;
	const uint8_t *bytes = buf;

	(void)version;
	(void)ssl;
	if (write || !len)
		return;
	if (type == SSL3_RT_HANDSHAKE && bytes[0] == SSL3_MT_KEY_UPDATE)
		stream->key_updates_seen++;
	if (type == SSL3_RT_ALERT && bytes[len - 1] == SSL_AD_CLOSE_NOTIFY)
		stream->close_notify_received = true;
}

void stream_init_user(struct stream *stream, int fd, SSL *ssl)
{
	*stream = (struct stream){ .fd = fd, .ssl = ssl };
	/* a KeyUpdate returns to us: any number of them could pass within one SSL_read() */
	SSL_clear_mode(ssl, SSL_MODE_AUTO_RETRY);
	SSL_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	/* a FIN without close_notify ends what the peer sends, not what it is sent */
	SSL_set_options(ssl, SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_set_msg_callback(ssl, stream_note_message);
	SSL_set_msg_callback_arg(ssl, stream);
}

static int stream_fail(struct stream *stream, int err, const char *why)
{
	if (!stream->why)
		stream->why = why;
	return err;
}

/* The peer broke the protocol: RFC 8446 section 6.2 has an alert for it. */
static int stream_violated(struct stream *stream, const char *why)
{
	stream->cut = true;
	stream->alert = SSL_AD_UNEXPECTED_MESSAGE;
	return stream_fail(stream, -EPROTO, why);
}

/* what an error of the socket means */
static int stream_broken(struct stream *stream, int err, const char *why)
{
	return stream_fail(stream, err,
			   err == -ECONNRESET ? "the peer reset the connection" : why);
}

static int stream_limit_key_updates(struct stream *stream, uint64_t now)
{
	if (bucket_take(&stream->key_updates, now, STREAM_KEY_UPDATE_INTERVAL,
			STREAM_KEY_UPDATE_BURST))
		return 0;
	return stream_violated(stream, "too many KeyUpdates");
}

/* our own KeyUpdate goes out before anything else does */
static int stream_send_key_update(struct stream *stream)
{
	int err;

	if (!stream->key_update_due)
		return 0;
	err = ktls_rekey_tx(stream->crypto, stream->fd, stream->keys);
	if (!err) {
		stream->key_update_due = false;
		stream->records = 0;
	} else if (err != -EAGAIN)
		stream_fail(stream, err, "the key for sending could not be changed");
	return err;
}

static void stream_end_tickets(struct stream *stream)
{
	ktls_tickets_free(stream->tickets);
	stream->tickets = NULL;
}

static int stream_take_handshake(struct stream *stream, const uint8_t *record, size_t len,
				 uint64_t now)
{
	struct ktls_handshake_news news;
	int err;

	if (ktls_handshake_read(&stream->handshake, record, len, &news))
		return stream_violated(stream, "a handshake message that has no place here");
	if (news.tickets && stream->tickets)
		ktls_tickets_feed(stream->tickets, record, len);
	/* one session is enough, and one that is spread over records is not worth it */
	stream_end_tickets(stream);
	if (!news.key_update)
		return 0;
	stream->cut = !stream->keys;
	if (!stream->keys)
		return stream_fail(stream, -EOPNOTSUPP,
				   "KeyUpdate: this kernel cannot change a session's keys (Linux "
				   "6.14 and later can)");
	err = stream_limit_key_updates(stream, now);
	if (err)
		return err;
	err = ktls_rekey_rx(stream->crypto, stream->fd, stream->keys);
	if (err)
		return stream_fail(stream, err, "the key for receiving could not be changed");
	stream->key_update_due |= news.update_requested;
	err = stream_send_key_update(stream);
	return err == -EAGAIN ? 0 : err;
}

/* 1: the peer closes; 0: go on */
static int stream_take_alert(struct stream *stream, const uint8_t *record, size_t len)
{
	uint16_t version = stream->handshake.key_updates ? TLS1_3_VERSION : TLS1_2_VERSION;
	struct ktls_alert alert;

	if (ktls_alert_read(record, len, version, &alert))
		return stream_violated(stream, "an alert that cannot be read");
	if (alert.close)
		return 1;
	if (alert.ignore)
		return 0;
	return stream_fail(stream, -ECONNABORTED, "the peer sent a fatal alert");
}

static ssize_t stream_read_kernel(struct stream *stream, void *buf, size_t len, uint64_t now)
{
	enum ktls_record type;
	ssize_t n;
	int err, i;

	for (i = 0; i < STREAM_RECORDS_MAX; i++) {
		n = ktls_recv(stream->fd, buf, len, &type);
		if (n < 0)
			return n == -EAGAIN ? n : stream_broken(stream, (int)n, "receiving failed");
		switch (type) {
		case KTLS_RECORD_DATA:
			stream_end_tickets(stream);
			if (n > 0)
				return n;
			continue; /* an empty record is legal and says nothing */
		case KTLS_RECORD_NONE:
			stream_fail(stream, 0, "the peer closed without close_notify");
			return 0;
		case KTLS_RECORD_ALERT:
			err = stream_take_alert(stream, buf, (size_t)n);
			if (err == 1)
				return 0;
			break;
		case KTLS_RECORD_HANDSHAKE:
			err = stream_take_handshake(stream, buf, (size_t)n, now);
			break;
		default:
			err = stream_violated(stream, "a record of an unknown type");
		}
		if (err)
			return err;
	}
	return -EINTR;
}

static ssize_t stream_read_record(struct stream *stream, void *buf, size_t len, uint64_t now)
{
	uint8_t peek;
	size_t n;
	int err, i;

	for (i = 0; i < STREAM_RECORDS_MAX; i++) {
		ERR_clear_error();
		if (SSL_read_ex(stream->ssl, buf, len, &n))
			return (ssize_t)n;
		switch (SSL_get_error(stream->ssl, 0)) {
		case SSL_ERROR_ZERO_RETURN:
			if (!stream->close_notify_received)
				stream_fail(stream, 0, "the peer closed without close_notify");
			return 0;
		case SSL_ERROR_WANT_READ:
			for (; stream->key_updates_seen; stream->key_updates_seen--) {
				err = stream_limit_key_updates(stream, now);
				if (err)
					return err;
			}
			/* without AUTO_RETRY it says so after anything that is not data */
			if (recv(stream->fd, &peek, 1, MSG_PEEK | MSG_DONTWAIT) >= 0)
				continue;
			/* the socket tells of an error once: there is no other time */
			return errno == EAGAIN ?
				       -EAGAIN :
				       stream_broken(stream, -errno, "receiving failed");
		case SSL_ERROR_WANT_WRITE:
			return -EAGAIN;
		case SSL_ERROR_SSL:
			return stream_fail(stream, -EPROTO, "receiving failed: TLS");
		default:
			return stream_broken(stream, errno ? -errno : -EPROTO, "receiving failed");
		}
	}
	return -EINTR;
}

/*
 * Many small records are one piece of data: OpenSSL gives one at a time. An end behind them is for
 * the next call. That there is nothing more is not: until that call it may no longer be so, and its
 * caller, whom epoll tells of an arrival once, would wait for ever.
 */
static ssize_t stream_read_user(struct stream *stream, uint8_t *buf, size_t len, uint64_t now)
{
	size_t filled = 0;
	int records = 0;
	ssize_t n;

	if (stream->has_late) {
		stream->has_late = false;
		return stream->late;
	}
	do {
		n = stream_read_record(stream, buf + filled, len - filled, now);
		if (n > 0)
			filled += (size_t)n;
	} while (n > 0 && filled < len && ++records < STREAM_GATHER_MAX);
	if (!filled)
		return n;
	stream->has_late = n <= 0 && n != -EAGAIN && n != -EINTR;
	stream->late = n;
	return (ssize_t)filled;
}

ssize_t stream_read(struct stream *stream, void *buf, size_t len, uint64_t now)
{
	return stream->ssl ? stream_read_user(stream, buf, len, now) :
			     stream_read_kernel(stream, buf, len, now);
}

static ssize_t stream_write_user(struct stream *stream, const void *buf, size_t len)
{
	size_t n;

	ERR_clear_error();
	if (SSL_write_ex(stream->ssl, buf, len, &n))
		return (ssize_t)n;
	switch (SSL_get_error(stream->ssl, 0)) {
	case SSL_ERROR_WANT_WRITE:
	case SSL_ERROR_WANT_READ:
		return -EAGAIN;
	default:
		return stream_broken(stream, errno ? -errno : -EPIPE, "sending failed");
	}
}

static bool stream_is_worn(const struct stream *stream)
{
	return stream->records_max && stream->records >= stream->records_max;
}

/*
 * RFC 8446 section 5.5, RFC 9325 section 4.4. The kernel cuts n bytes into full records and at most
 * one more; where it took only a part of what it was given, it may fill that one the next time.
 */
static void stream_count_records(struct stream *stream, size_t n)
{
	stream->records += n / stream->record_size + 1;
	if (stream->keys && stream_is_worn(stream))
		stream->key_update_due = true;
}

bool stream_is_spent(struct stream *stream)
{
	if (stream->keys || !stream_is_worn(stream))
		return false;
	stream->cut = true;
	stream_fail(stream, 0, "the key was used as often as it may be, and cannot be changed");
	return true;
}

ssize_t stream_write(struct stream *stream, const void *buf, size_t len)
{
	ssize_t n;
	int err;

	if (stream->ssl)
		return stream_write_user(stream, buf, len);
	err = stream_send_key_update(stream);
	if (err)
		return err;
	n = send(stream->fd, buf, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN ? -EAGAIN : stream_broken(stream, -errno, "sending failed");
	stream_count_records(stream, (size_t)n);
	return n;
}

static int stream_send_close_notify(struct stream *stream)
{
	int err;

	if (!stream->ssl) {
		err = stream_send_key_update(stream);
		if (err)
			return err;
		return stream->alert ?
			       ktls_send_alert(stream->fd, ALERT_FATAL, stream->alert) :
			       ktls_send_alert(stream->fd, ALERT_WARNING, SSL_AD_CLOSE_NOTIFY);
	}
	ERR_clear_error();
	err = SSL_shutdown(stream->ssl);
	if (err >= 0)
		return 0;
	return SSL_get_error(stream->ssl, err) == SSL_ERROR_WANT_WRITE ? -EAGAIN : -EPIPE;
}

int stream_close_write(struct stream *stream)
{
	int err;

	if (!stream->close_notify_sent) {
		err = stream_send_close_notify(stream);
		if (err)
			return err;
		stream->close_notify_sent = true;
	}
	return shutdown(stream->fd, SHUT_WR) < 0 ? -errno : 0;
}

bool stream_is_quiet(const struct stream *stream)
{
	return !stream->ssl && !stream->tickets && !stream->handshake.header_len &&
	       !stream->key_update_due && !stream->close_notify_sent && !stream->why;
}

void stream_release(struct stream *stream)
{
	SSL_free(stream->ssl);
	stream->ssl = NULL;
	stream_end_tickets(stream);
	if (stream->keys)
		ktls_keys_wipe(stream->keys);
	free(stream->keys);
	stream->keys = NULL;
}
