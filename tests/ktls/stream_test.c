// SPDX-License-Identifier: Apache-2.0
/* How much one key may encrypt: a stream changes it before, or ends in order. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "policy/cleanup.h"
#include "tests/harness.h"
#include "tests/ktls/session.h"
#include "tests/ktls/suites.h"
#include "userspace/fd.h"
#include "userspace/relay.h"

#define RECORDS_MAX 8
#define WRITES 50
#define TICKETS 100

static const struct peers_setup user_space = { .version = TLS1_3_VERSION, .suite = 0x1302 };

FIXTURE(stream) {
	struct session session;
	struct stream stream;
	unsigned int key_updates; /* that the peer has seen */
};

FIXTURE_VARIANT(stream) {
	struct peers_setup setup;
};

#define AS_SERVER(name, suite_version, number)                                                     \
	FIXTURE_VARIANT_ADD(stream, name) {                                                        \
		.setup = { .version = (suite_version), .suite = (number), .agent_is_server = true, \
			   .tickets = 2 },                                                         \
	};
SUITES(AS_SERVER)

static void note_message(int write, int version, int type, const void *buf, size_t len, SSL *ssl,
			 void *arg)
{
	unsigned int *key_updates = arg;

	(void)version;
	(void)ssl;
	if (!write && type == SSL3_RT_HANDSHAKE && len &&
	    *(const uint8_t *)buf == SSL3_MT_KEY_UPDATE)
		++*key_updates;
}

FIXTURE_SETUP(stream)
{
	session_init(&self->session);
	session_open(&self->session, &variant->setup);
	SSL_set_msg_callback(self->session.peers.peer, note_message);
	SSL_set_msg_callback_arg(self->session.peers.peer, &self->key_updates);
}

FIXTURE_TEARDOWN(stream)
{
	stream_release(&self->stream);
	session_close(&self->session);
}

static void begin(FIXTURE_DATA(stream) *self, bool can_rekey)
{
	struct peers *peers = &self->session.peers;

	ASSERT_OK(stream_init_kernel(&self->stream, peers->pair.a, peers->crypto,
				     &self->session.keys, false, can_rekey));
	self->stream.records_max = RECORDS_MAX;
	self->stream.records = 0;
}

static void write_one(FIXTURE_DATA(stream) *self, size_t len)
{
	const uint8_t *bytes = peers_pattern(len);
	uint8_t seen[40000];
	ssize_t n;

	while ((n = stream_write(&self->stream, bytes, len)) == -EAGAIN)
		peers_wait(self->stream.fd, POLLOUT);
	ASSERT_EQ((ssize_t)len, n);
	peers_read(&self->session.peers, seen, len);
	EXPECT_MEMEQ(bytes, seen, len);
}

TEST_F(stream, limit_is_that_of_the_cipher)
{
	struct peers *peers = &self->session.peers;
	const struct ktls_aead *aead = self->session.keys.cipher->aead;

	ASSERT_OK(stream_init_kernel(&self->stream, peers->pair.a, peers->crypto,
				     &self->session.keys, false, false));
	EXPECT_EQ(aead == ktls_aead(KTLS_CHACHA20_POLY1305) ? 0U : 1U << 24,
		  self->stream.records_max);
	EXPECT_EQ(self->session.keys.tx.seq, self->stream.records);
	EXPECT_EQ(16384, self->stream.record_size);
}

TEST_F(stream, key_is_changed_in_time)
{
	unsigned int i;

	if (variant->setup.version != TLS1_3_VERSION ||
	    !session_kernel_has(&self->session, KTLS_REKEY))
		SKIP("no session's keys can be changed");
	begin(self, true);
	for (i = 0; i < WRITES; i++) {
		write_one(self, 100);
		EXPECT_GE(RECORDS_MAX, self->stream.records);
	}
	/* it is sent before the first record that would be one too many */
	EXPECT_EQ((WRITES - 1) / RECORDS_MAX, self->key_updates);
	/* more than a record at once counts as many */
	self->stream.records = 0;
	write_one(self, 40000);
	EXPECT_EQ(3, self->stream.records);
}

/* what the app had sent before comes in order, then close_notify; the app sees an end of file */
TEST_F(stream, session_ends_where_the_key_cannot_be_changed)
{
	_cleanup_(buffer_pool_release) struct buffer_pool pool = { 0 };
	enum relay_state state = RELAY_WAITS;
	struct relay relay;
	uint8_t seen[100];
	int pair[2], i;

	ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	_cleanup_fd_ int app = pair[0];
	_cleanup_fd_ int own = pair[1];

	begin(self, false);
	relay_init(&relay, &self->stream, own, &pool);
	for (i = 0; i < RECORDS_MAX; i++) {
		EXPECT_EQ(RELAY_WAITS, state);
		ASSERT_EQ(100, send(app, peers_pattern(100), 100, 0));
		state = relay_run(&relay, EPOLLIN | EPOLLOUT, EPOLLIN | EPOLLOUT, 0);
		peers_read(&self->session.peers, seen, 100);
		EXPECT_MEMEQ(peers_pattern(100), seen, 100);
	}
	EXPECT_EQ(RELAY_DONE, state);
	EXPECT_TRUE(self->stream.cut);
	EXPECT_STREQ("the key was used as often as it may be, and cannot be changed", relay.why);
	EXPECT_EQ(SSL_ERROR_ZERO_RETURN, peers_read_error(&self->session.peers));
	EXPECT_EQ(0, recv(app, seen, sizeof(seen), MSG_DONTWAIT));
	relay_release(&relay);
}

/* where this process encrypts */
FIXTURE(user_stream) {
	struct peers peers;
	struct stream stream;
};

FIXTURE_SETUP(user_stream)
{
	peers_init(&self->peers);
	peers_open(&self->peers, &user_space);
	stream_init_user(&self->stream, self->peers.pair.a, TAKE_PTR(self->peers.agent));
}

FIXTURE_TEARDOWN(user_stream)
{
	stream_release(&self->stream);
	peers_close(&self->peers);
}

static void send_tickets(SSL *peer, int count)
{
	while (count--) {
		ASSERT_EQ(1, SSL_new_session_ticket(peer));
		ASSERT_EQ(1, SSL_do_handshake(peer));
	}
}

/* A peer may send records without data for ever; so one call is not to read for ever. */
TEST_F(user_stream, records_without_data_leave_others_their_turn)
{
	int turns = 0;
	uint8_t byte;
	ssize_t n;

	send_tickets(self->peers.peer, TICKETS);
	peers_write(&self->peers, "x", 1);
	while ((n = stream_read(&self->stream, &byte, 1, 0)) == -EINTR || n == -EAGAIN) {
		turns += n == -EINTR;
		if (n == -EAGAIN)
			peers_wait(self->stream.fd, POLLIN);
	}
	EXPECT_EQ(1, n);
	EXPECT_LE(TICKETS / 20, turns);
}

/* An arrival is told once: what was seen of the socket before it must not stand for what is. */
TEST_F(user_stream, what_came_after_a_read_is_there_for_the_next)
{
	uint8_t seen[100];

	for (int i = 0; i < WRITES; i++) {
		peers_write(&self->peers, peers_pattern(10), 10);
		peers_wait(self->stream.fd, POLLIN);
		EXPECT_EQ(10, stream_read(&self->stream, seen, sizeof(seen), 0));
	}
	EXPECT_EQ(-EAGAIN, stream_read(&self->stream, seen, sizeof(seen), 0));
}

/* a reset is not an end of the data, which would cut it unseen */
TEST_F(user_stream, reset_behind_a_record_is_seen)
{
	const struct linger at_once = { .l_onoff = 1 };
	uint8_t byte;

	send_tickets(self->peers.peer, 1);
	ASSERT_OK(setsockopt(self->peers.pair.b, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)));
	close(self->peers.pair.b);
	self->peers.pair.b = -1;
	peers_wait(self->stream.fd, POLLIN);
	EXPECT_EQ(-ECONNRESET, stream_read(&self->stream, &byte, 1, 0));
	EXPECT_STREQ("the peer reset the connection", self->stream.why);
}

HARNESS_MAIN
