// SPDX-License-Identifier: Apache-2.0
#include "tests/ktls/session.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/harness.h"
#include "userspace/ktls_control.h"

void session_init(struct session *session)
{
	*session = (struct session){ 0 };
	peers_init(&session->peers);
}

void session_shake(struct session *session, const struct peers_setup *setup)
{
	struct peers *peers = &session->peers;

	peers_connect(peers, setup);
	int r = ktls_attach(peers->pair.a);
	if (r == -ENOENT)
		SKIP("this kernel has no TLS");
	ASSERT_OK(r);
	peers_handshake(peers, setup);
	ASSERT_OK(ktls_keys_from_ssl(peers->crypto, peers->agent, &session->keys));
	SSL_free(peers->agent);
	peers->agent = NULL;
}

void session_open(struct session *session, const struct peers_setup *setup)
{
	session_shake(session, setup);
	ASSERT_OK(ktls_install(session->peers.crypto, session->peers.pair.a, &session->keys));
}

void session_close(struct session *session)
{
	peers_close(&session->peers);
}

/* Waits for the next bytes, or whatever comes in their place. */
static ssize_t receive_some(struct session *session, void *bytes, size_t len,
			    enum ktls_record *type)
{
	ssize_t n;

	while ((n = ktls_recv(session->peers.pair.a, bytes, len, type)) == -EAGAIN)
		peers_wait(session->peers.pair.a, POLLIN);
	return n;
}

void session_receive(struct session *session, enum ktls_record type, void *bytes, size_t len)
{
	uint8_t *to = bytes;

	while (len) {
		enum ktls_record seen;
		ssize_t n = receive_some(session, to, len, &seen);

		ASSERT_LT(0, n);
		ASSERT_EQ(type, seen);
		to += n;
		len -= (size_t)n;
	}
}

int session_receive_error(struct session *session)
{
	uint8_t bytes[SESSION_RECORD_MAX];
	enum ktls_record type;
	ssize_t n = receive_some(session, bytes, sizeof(bytes), &type);

	ASSERT_GE(0, n);
	return (int)n;
}

void session_take_tickets(struct session *session, const struct peers_setup *setup)
{
	struct ktls_handshake hs;

	if (setup->version != TLS1_3_VERSION || setup->agent_is_server)
		return;
	ktls_handshake_init(&hs, setup->version, true);
	for (int left = setup->tickets; left > 0;) {
		uint8_t record[SESSION_RECORD_MAX];
		struct ktls_handshake_news news;
		enum ktls_record type;
		ssize_t n = receive_some(session, record, sizeof(record), &type);

		ASSERT_LT(0, n);
		ASSERT_EQ(KTLS_RECORD_HANDSHAKE, type);
		ASSERT_OK(ktls_handshake_read(&hs, record, (size_t)n, &news));
		left -= (int)news.tickets;
	}
}

static void send_to_peer(struct session *session, const uint8_t *bytes, size_t len)
{
	static uint8_t seen[1 << 20];

	for (size_t at = 0; at < len;) {
		ssize_t n = send(session->peers.pair.a, bytes + at, len - at,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		ASSERT_LT(0, n);
		peers_read(&session->peers, seen + at, (size_t)n);
		at += (size_t)n;
	}
	ASSERT_MEMEQ(bytes, seen, len);
}

/* In portions that the buffers of a TCP connection hold. */
static void send_from_peer(struct session *session, const uint8_t *bytes, size_t len)
{
	static uint8_t seen[1 << 20];
	const size_t portion = 32768;

	for (size_t at = 0; at < len; at += portion) {
		size_t n = len - at < portion ? len - at : portion;

		peers_write(&session->peers, bytes + at, n);
		session_receive(session, KTLS_RECORD_DATA, seen + at, n);
	}
	ASSERT_MEMEQ(bytes, seen, len);
}

void session_exchange(struct session *session, size_t len)
{
	const uint8_t *bytes = peers_pattern(len);

	send_to_peer(session, bytes, len);
	send_from_peer(session, bytes, len);
}

bool session_kernel_has(const struct session *session, enum ktls_feature feature)
{
	struct ktls_features features;

	ASSERT_OK(ktls_probe(session->peers.crypto, &features));
	return features.has[feature];
}
