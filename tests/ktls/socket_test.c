// SPDX-License-Identifier: Apache-2.0
/*
 * How a socket with keys behaves where it differs from plain TCP: what the relay and an app
 * that has adopted a session will meet. Hostile records are made with the peer's own keys.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/ktls/protection.h"
#include "tests/ktls/session.h"

static const struct peers_setup tls13 = {
	.version = TLS1_3_VERSION, .suite = 0x1301, .agent_is_server = true, .prepare_peer = true,
};
static const struct peers_setup tls12 = {
	.version = TLS1_2_VERSION, .suite = 0xc02b, .agent_is_server = true, .prepare_peer = true,
};

FIXTURE(sock) {
	struct session session;
	struct protection forge; /* seals as the peer would */
	int agent, peer;
};

FIXTURE_VARIANT(sock) {
	const struct peers_setup *setup;
};

FIXTURE_VARIANT_ADD(sock, tls13) {
	.setup = &tls13,
};
FIXTURE_VARIANT_ADD(sock, tls12) {
	.setup = &tls12,
};

FIXTURE_SETUP(sock)
{
	struct peers *peers = &self->session.peers;
	struct ktls_keys keys;

	session_init(&self->session);
	session_open(&self->session, variant->setup);
	ASSERT_OK(ktls_keys_from_ssl(peers->crypto, peers->peer, &keys));
	protection_init(&self->forge, peers->crypto, keys.cipher, &keys.tx);
	self->agent = peers->pair.a;
	self->peer = peers->pair.b;
}

FIXTURE_TEARDOWN(sock)
{
	session_close(&self->session);
}

static void inject(int fd, const void *bytes, size_t len)
{
	ASSERT_EQ(len, send(fd, bytes, len, 0));
}

static void forge(FIXTURE_DATA(sock) *self, uint8_t type, const void *data, size_t len)
{
	uint8_t record[PROTECTION_RECORD_MAX];

	inject(self->peer, record, protection_seal(&self->forge, type, data, len, record));
}

static bool is_ready(int fd, short event)
{
	struct pollfd pollfd = { .fd = fd, .events = event };

	return poll(&pollfd, 1, 50) == 1 && pollfd.revents & event;
}

TEST_F(sock, control_record_stops_plain_calls)
{
	uint8_t byte, alert[2];
	int ends[2];

	ASSERT_OK(pipe(ends));
	forge(self, KTLS_RECORD_ALERT, "\1", 2);
	forge(self, KTLS_RECORD_DATA, "z", 1);
	peers_wait(self->agent, POLLIN);
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(-1, read(self->agent, &byte, 1));
		EXPECT_EQ(EIO, errno);
		EXPECT_EQ(-1, splice(self->agent, NULL, ends[1], NULL, 1, SPLICE_F_NONBLOCK));
		EXPECT_EQ(EINVAL, errno);
	}
	/* In pieces, if need be; what is behind it comes after. */
	session_receive(&self->session, KTLS_RECORD_ALERT, alert, 1);
	session_receive(&self->session, KTLS_RECORD_ALERT, alert + 1, 1);
	EXPECT_MEMEQ("\1", alert, 2);
	ASSERT_EQ(1, read(self->agent, &byte, 1));
	EXPECT_EQ('z', byte);
	close(ends[0]);
	close(ends[1]);
}

TEST_F(sock, data_records_are_merged)
{
	enum ktls_record type;
	char seen[16];

	forge(self, KTLS_RECORD_DATA, "ab", 2);
	forge(self, KTLS_RECORD_DATA, "", 0);
	forge(self, KTLS_RECORD_DATA, "cd", 2);
	forge(self, KTLS_RECORD_ALERT, "\1", 2);
	usleep(50000);
	EXPECT_EQ(3, ktls_recv(self->agent, seen, 3, &type));
	EXPECT_TRUE(is_ready(self->agent, POLLIN));
	EXPECT_EQ(1, ktls_recv(self->agent, seen + 3, sizeof(seen) - 3, &type));
	EXPECT_MEMEQ("abcd", seen, 4);
	EXPECT_EQ(KTLS_RECORD_DATA, type);
	EXPECT_EQ(2, ktls_recv(self->agent, seen, sizeof(seen), &type));
	EXPECT_EQ(KTLS_RECORD_ALERT, type);
	EXPECT_EQ(-EAGAIN, ktls_recv(self->agent, seen, sizeof(seen), &type));
	EXPECT_FALSE(is_ready(self->agent, POLLIN));
}

/* Those of data are legal, wherever they are; others are not, and are no end of the stream. */
TEST_F(sock, empty_records)
{
	uint8_t seen[2];

	forge(self, KTLS_RECORD_DATA, "", 0);
	forge(self, KTLS_RECORD_DATA, "a", 1);
	forge(self, KTLS_RECORD_DATA, "", 0);
	forge(self, KTLS_RECORD_ALERT, "\1", 2);
	session_receive(&self->session, KTLS_RECORD_DATA, seen, 1);
	session_receive(&self->session, KTLS_RECORD_ALERT, seen, 2);
	forge(self, KTLS_RECORD_DATA, "", 0);
	forge(self, KTLS_RECORD_ALERT, "\1", 2);
	session_receive(&self->session, KTLS_RECORD_ALERT, seen, 2);
	forge(self, KTLS_RECORD_ALERT, "", 0);
	EXPECT_EQ(-EBADMSG, session_receive_error(&self->session));
}

TEST_F(sock, empty_record_at_the_end)
{
	forge(self, KTLS_RECORD_DATA, "", 0);
	ASSERT_OK(shutdown(self->peer, SHUT_WR));
	peers_wait(self->agent, POLLRDHUP);
	EXPECT_EQ(0, session_receive_error(&self->session));
}

/* splice() returns 0 for an empty record as well as at the end: only ktls_recv() can tell. */
TEST_F(sock, splice_of_an_empty_record)
{
	int ends[2];
	char seen;

	ASSERT_OK(pipe(ends));
	forge(self, KTLS_RECORD_DATA, "", 0);
	forge(self, KTLS_RECORD_DATA, "z", 1);
	peers_wait(self->agent, POLLIN);
	usleep(50000);
	EXPECT_EQ(0, splice(self->agent, NULL, ends[1], NULL, 100, SPLICE_F_NONBLOCK));
	session_receive(&self->session, KTLS_RECORD_DATA, &seen, 1);
	EXPECT_EQ('z', seen);
	close(ends[0]);
	close(ends[1]);
}

/* Nothing can be sent any more: not even the alert bad_record_mac. */
TEST_F(sock, tampered)
{
	uint8_t record[PROTECTION_RECORD_MAX];
	size_t size = protection_seal(&self->forge, KTLS_RECORD_DATA, "abc", 3, record);

	record[size - 1] ^= 1;
	inject(self->peer, record, size);
	EXPECT_EQ(-EBADMSG, session_receive_error(&self->session));
	EXPECT_EQ(-EBADMSG, session_receive_error(&self->session));
	EXPECT_EQ(-EBADMSG, ktls_send_alert(self->agent, 2, SSL_AD_BAD_RECORD_MAC));
}

TEST_F(sock, replayed)
{
	uint8_t record[PROTECTION_RECORD_MAX], seen[3];
	size_t size = protection_seal(&self->forge, KTLS_RECORD_DATA, "abc", 3, record);

	inject(self->peer, record, size);
	inject(self->peer, record, size);
	session_receive(&self->session, KTLS_RECORD_DATA, seen, sizeof(seen));
	EXPECT_EQ(-EBADMSG, session_receive_error(&self->session));
}

TEST_F(sock, plain_text)
{
	inject(self->peer, "INVITE sip:100@pbx SIP/2.0\r\n", 28);
	EXPECT_EQ(-EMSGSIZE, session_receive_error(&self->session));
}

/* Told once: a session that goes on after it hangs for ever. */
TEST_F(sock, malformed)
{
	static const struct {
		int error;
		uint8_t record[16]; /* the kernel waits for header and explicit nonce */
	} cases[] = {
		{ -EMSGSIZE, { 23, 3, 3, 0xff, 0xff } },
		{ -EINVAL, { 23, 3, 1, 0, 100 } },
		{ -EBADMSG, { 23, 3, 3, 0, 3 } },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct session session;
		enum ktls_record type;
		uint8_t byte;

		session_init(&session);
		session_open(&session, variant->setup);
		inject(session.peers.pair.b, cases[i].record, sizeof(cases[i].record));
		EXPECT_EQ(cases[i].error, session_receive_error(&session));
		EXPECT_EQ(-EAGAIN, ktls_recv(session.peers.pair.a, &byte, 1, &type));
		session_close(&session);
	}
}

TEST_F(sock, ends_inside_a_record)
{
	uint8_t record[PROTECTION_RECORD_MAX];
	size_t size = protection_seal(&self->forge, KTLS_RECORD_DATA, "abc", 3, record);

	inject(self->peer, record, size - 1);
	ASSERT_OK(shutdown(self->peer, SHUT_WR));
	peers_wait(self->agent, POLLRDHUP);
	EXPECT_EQ(0, session_receive_error(&self->session));
}

TEST_F(sock, reset)
{
	const struct linger hard = { .l_onoff = 1 };
	char seen[3];

	forge(self, KTLS_RECORD_DATA, "abc", 3);
	peers_wait(self->agent, POLLIN);
	ASSERT_OK(setsockopt(self->peer, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)));
	close(self->peer);
	self->session.peers.pair.b = -1;
	session_receive(&self->session, KTLS_RECORD_DATA, seen, sizeof(seen));
	EXPECT_EQ(-ECONNRESET, session_receive_error(&self->session));
}

static void expect_edge(int epoll, uint32_t wanted)
{
	struct epoll_event event = { 0 };
	int n = epoll_wait(epoll, &event, 1, 50);

	EXPECT_EQ(wanted != 0, n);
	EXPECT_EQ(wanted, event.events & wanted);
}

/* One edge for each arrival, and none lost. */
TEST_F(sock, edge_triggered)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	uint8_t record[PROTECTION_RECORD_MAX];
	int epoll = epoll_create1(0);
	char seen[8];

	ASSERT_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, self->agent, &event));
	forge(self, KTLS_RECORD_DATA, "one", 3);
	expect_edge(epoll, EPOLLIN);
	session_receive(&self->session, KTLS_RECORD_DATA, seen, 1);
	expect_edge(epoll, 0);
	forge(self, KTLS_RECORD_DATA, "two", 3);
	expect_edge(epoll, EPOLLIN);
	session_receive(&self->session, KTLS_RECORD_DATA, seen, 5);

	/* A record that comes in two halves, of which the first may give an edge too. */
	size_t size = protection_seal(&self->forge, KTLS_RECORD_DATA, "three", 5, record);
	inject(self->peer, record, 9);
	epoll_wait(epoll, &event, 1, 50);
	inject(self->peer, record + 9, size - 9);
	expect_edge(epoll, EPOLLIN);
	session_receive(&self->session, KTLS_RECORD_DATA, seen, 5);
	EXPECT_MEMEQ("three", seen, 5);
	close(epoll);
}

static size_t send_until_full(int fd, const uint8_t *bytes, size_t len)
{
	size_t sent = 0;
	ssize_t n;

	while ((n = send(fd, bytes + sent, len - sent, MSG_NOSIGNAL | MSG_DONTWAIT)) > 0)
		sent += (size_t)n;
	EXPECT_EQ(EAGAIN, errno);
	return sent;
}

TEST_F(sock, full_send_buffer)
{
	static uint8_t seen[1 << 20];
	const uint8_t *bytes = peers_pattern(sizeof(seen));
	struct epoll_event event = { .events = EPOLLOUT | EPOLLET };
	const int small = 4096;
	int epoll = epoll_create1(0);

	ASSERT_OK(setsockopt(self->agent, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)));
	ASSERT_OK(setsockopt(self->peer, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)));
	ASSERT_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, self->agent, &event));
	expect_edge(epoll, EPOLLOUT);
	size_t sent = send_until_full(self->agent, bytes, sizeof(seen));
	ASSERT_LT(sent, sizeof(seen));
	EXPECT_EQ(-EAGAIN, ktls_send_alert(self->agent, 1, 0));
	peers_read(&self->session.peers, seen, sent);
	EXPECT_MEMEQ(bytes, seen, sent);
	expect_edge(epoll, EPOLLOUT);
	EXPECT_OK(ktls_send_alert(self->agent, 1, 0));
	EXPECT_EQ(SSL_ERROR_ZERO_RETURN, peers_read_error(&self->session.peers));
	close(epoll);
}

/* After a rekey poll() says nothing of records that were there before: they must be read. */
TEST_F(sock, rekey_with_data_waiting)
{
	struct peers *peers = &self->session.peers;
	enum ktls_record type;
	uint8_t seen[5];

	bool is_tls13 = variant->setup->version == TLS1_3_VERSION;
	if (!is_tls13 || !session_kernel_has(&self->session, KTLS_REKEY)) {
		EXPECT_EQ(is_tls13 ? -EBUSY : -EINVAL,
			  ktls_rekey_rx(peers->crypto, self->agent, &self->session.keys));
		return;
	}
	ASSERT_EQ(1, SSL_key_update(peers->peer, SSL_KEY_UPDATE_NOT_REQUESTED));
	ASSERT_EQ(1, SSL_do_handshake(peers->peer));
	session_receive(&self->session, KTLS_RECORD_HANDSHAKE, seen, sizeof(seen));
	EXPECT_EQ(-EKEYEXPIRED, ktls_recv(self->agent, seen, sizeof(seen), &type));
	peers_write(peers, "new", 3);
	EXPECT_FALSE(is_ready(self->agent, POLLIN));
	ASSERT_OK(ktls_rekey_rx(peers->crypto, self->agent, &self->session.keys));
	EXPECT_EQ(3, ktls_recv(self->agent, seen, sizeof(seen), &type));
	EXPECT_MEMEQ("new", seen, 3);
}

FIXTURE(attach) {
	struct loopback_pair pair;
};

FIXTURE_SETUP(attach)
{
	self->pair = (struct loopback_pair)LOOPBACK_PAIR_CLOSED;
	ASSERT_OK(loopback_pair_open(1000, &self->pair));
	int r = ktls_attach(self->pair.a);
	if (r == -ENOENT)
		SKIP("this kernel has no TLS");
	ASSERT_OK(r);
}

FIXTURE_TEARDOWN(attach)
{
	cleanup_loopback_pair(&self->pair);
}

TEST_F(attach, twice)
{
	EXPECT_EQ(-EEXIST, ktls_attach(self->pair.a));
}

TEST_F(attach, not_connected)
{
	_cleanup_fd_ int fd = socket(AF_INET, SOCK_STREAM, 0);

	EXPECT_EQ(-ENOTCONN, ktls_attach(fd));
}

TEST_F(attach, half_closed)
{
	ASSERT_OK(shutdown(self->pair.a, SHUT_WR));
	peers_wait(self->pair.b, POLLRDHUP);
	EXPECT_EQ(-ENOTCONN, ktls_attach(self->pair.b));
}

/* Until keys are there, bytes pass as they are, but never as data of a session. */
TEST_F(attach, without_keys)
{
	enum ktls_record type;
	char seen[5];

	ASSERT_EQ(5, send(self->pair.b, "hello", 5, 0));
	peers_wait(self->pair.a, POLLIN);
	EXPECT_EQ(5, recv(self->pair.a, seen, sizeof(seen), MSG_PEEK));
	EXPECT_EQ(-EBADMSG, ktls_recv(self->pair.a, seen, sizeof(seen), &type));
}

/* what is not encrypted is not taken for it */
TEST_F(attach, is_not_installed)
{
	EXPECT_FALSE(ktls_is_installed(self->pair.a));
	EXPECT_FALSE(ktls_is_installed(self->pair.b));
}

TEST_F(sock, is_installed)
{
	EXPECT_TRUE(ktls_is_installed(self->agent));
}

HARNESS_MAIN
