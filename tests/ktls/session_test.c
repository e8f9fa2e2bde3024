// SPDX-License-Identifier: Apache-2.0
/* Sessions whose keys are in the kernel, against a plain OpenSSL peer: all suites, both roles. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/err.h>

#include "tests/harness.h"
#include "tests/ktls/session.h"
#include "tests/ktls/suites.h"
#include "userspace/ktls_control.h"

FIXTURE(session) {
	struct session session;
};

FIXTURE_VARIANT(session) {
	struct peers_setup setup;
};

#define BOTH_ROLES(name, suite_version, number)                                                    \
	FIXTURE_VARIANT_ADD(session, name##_server) {                                              \
		.setup = { .version = (suite_version), .suite = (number), .agent_is_server = true, \
			   .tickets = 2 },                                                         \
	};                                                                                         \
	FIXTURE_VARIANT_ADD(session, name##_client) {                                              \
		.setup = { .version = (suite_version), .suite = (number), .tickets = 2 },          \
	};
SUITES(BOTH_ROLES)

FIXTURE_SETUP(session)
{
	session_init(&self->session);
}

FIXTURE_TEARDOWN(session)
{
	session_close(&self->session);
}

TEST_F(session, sizes)
{
	static const size_t sizes[] = { 1, 2, 700, 16383, 16384, 16385, 40000, 300000 };

	session_open(&self->session, &variant->setup);
	session_take_tickets(&self->session, &variant->setup);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		session_exchange(&self->session, sizes[i]);
}

TEST_F(session, number_of_tickets)
{
	/* In TLS 1.2 a ticket is a part of the handshake, which OpenSSL sends as it likes. */
	int most = variant->setup.version == TLS1_3_VERSION ? 2 : 0;

	for (int tickets = 0; tickets <= most; tickets++) {
		struct peers_setup setup = variant->setup;

		setup.tickets = tickets;
		session_open(&self->session, &setup);
		session_take_tickets(&self->session, &setup);
		session_exchange(&self->session, 1000);
		session_close(&self->session);
		session_init(&self->session);
	}
}

TEST_F(session, data_with_finished)
{
	struct peers_setup setup = variant->setup;
	char seen[sizeof(PEERS_EARLY) - 1];

	setup.early = true;
	session_open(&self->session, &setup);
	session_take_tickets(&self->session, &setup);
	session_receive(&self->session, KTLS_RECORD_DATA, seen, sizeof(seen));
	EXPECT_MEMEQ(PEERS_EARLY, seen, sizeof(seen));
	session_exchange(&self->session, 1000);
}

TEST_F(session, peer_closes)
{
	uint8_t alert[2];

	session_open(&self->session, &variant->setup);
	session_take_tickets(&self->session, &variant->setup);
	peers_write(&self->session.peers, "BYE", 3);
	ASSERT_EQ(0, SSL_shutdown(self->session.peers.peer));
	uint8_t bye[3];
	session_receive(&self->session, KTLS_RECORD_DATA, bye, sizeof(bye));
	session_receive(&self->session, KTLS_RECORD_ALERT, alert, sizeof(alert));
	EXPECT_MEMEQ(((const uint8_t[]){ 1, 0 }), alert, 2);

	/* The other direction goes on until it is closed as well. */
	ASSERT_EQ(2, send(self->session.peers.pair.a, "OK", 2, MSG_NOSIGNAL));
	char ok[2];
	peers_read(&self->session.peers, ok, sizeof(ok));
	EXPECT_MEMEQ("OK", ok, 2);
	ASSERT_OK(shutdown(self->session.peers.pair.b, SHUT_WR));
	EXPECT_EQ(0, session_receive_error(&self->session));
}

TEST_F(session, agent_closes)
{
	session_open(&self->session, &variant->setup);
	session_take_tickets(&self->session, &variant->setup);
	ASSERT_OK(ktls_send_alert(self->session.peers.pair.a, 1, 0));
	EXPECT_EQ(SSL_ERROR_ZERO_RETURN, peers_read_error(&self->session.peers));
	EXPECT_EQ(SSL_RECEIVED_SHUTDOWN, SSL_get_shutdown(self->session.peers.peer));

	char seen[4];
	peers_write(&self->session.peers, "late", 4);
	session_receive(&self->session, KTLS_RECORD_DATA, seen, sizeof(seen));
	EXPECT_MEMEQ("late", seen, 4);
}

TEST_F(session, fatal_alert)
{
	session_open(&self->session, &variant->setup);
	session_take_tickets(&self->session, &variant->setup);
	ASSERT_OK(ktls_send_alert(self->session.peers.pair.a, 2, SSL_AD_CERTIFICATE_EXPIRED));
	EXPECT_EQ(SSL_ERROR_SSL, peers_read_error(&self->session.peers));
	EXPECT_EQ(SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, ERR_GET_REASON(ERR_peek_last_error()));
}

/* A stream that ends without close_notify was perhaps cut off by somebody else. */
TEST_F(session, truncated)
{
	session_open(&self->session, &variant->setup);
	session_take_tickets(&self->session, &variant->setup);
	ASSERT_OK(shutdown(self->session.peers.pair.b, SHUT_WR));
	EXPECT_EQ(0, session_receive_error(&self->session));
}

/* What follows is in the peer's next key: shown to go on, or to end in a defined way. */
static void follow_key_update(struct session *session, bool can_rekey)
{
	static const uint8_t want[] = { SSL3_MT_KEY_UPDATE, 0, 0, 1, SSL_KEY_UPDATE_REQUESTED };
	uint8_t seen[sizeof(want)];
	struct peers *peers = &session->peers;

	ASSERT_EQ(1, SSL_key_update(peers->peer, SSL_KEY_UPDATE_REQUESTED));
	peers_write(peers, "ACK", 3);
	session_receive(session, KTLS_RECORD_HANDSHAKE, seen, sizeof(seen));
	EXPECT_MEMEQ(want, seen, sizeof(seen));
	if (!can_rekey) {
		EXPECT_EQ(-EBUSY, ktls_rekey_rx(peers->crypto, peers->pair.a, &session->keys));
		EXPECT_EQ(-EBADMSG, session_receive_error(session));
		return;
	}
	EXPECT_EQ(-EKEYEXPIRED, session_receive_error(session));
	ASSERT_OK(ktls_rekey_rx(peers->crypto, peers->pair.a, &session->keys));
	session_receive(session, KTLS_RECORD_DATA, seen, 3);
	EXPECT_MEMEQ("ACK", seen, 3);
	ASSERT_OK(ktls_rekey_tx(peers->crypto, peers->pair.a, &session->keys));
	session_exchange(session, 20000);
}

TEST_F(session, key_update)
{
	session_open(&self->session, &variant->setup);
	session_take_tickets(&self->session, &variant->setup);
	if (variant->setup.version != TLS1_3_VERSION) {
		struct peers *peers = &self->session.peers;

		EXPECT_EQ(-EINVAL,
			  ktls_rekey_rx(peers->crypto, peers->pair.a, &self->session.keys));
		EXPECT_EQ(-EINVAL,
			  ktls_rekey_tx(peers->crypto, peers->pair.a, &self->session.keys));
		session_exchange(&self->session, 1000);
		return;
	}
	bool can_rekey = session_kernel_has(&self->session, KTLS_REKEY);
	for (int i = 0; i < (can_rekey ? 3 : 1); i++)
		follow_key_update(&self->session, can_rekey);
}

/* Spoils one thing, and sees that the direction is dead: what the tests above see is real. */
static void expect_broken(struct session *session, const struct peers_setup *setup,
			  struct ktls_half *half, int seq_off, uint8_t key_off)
{
	struct peers *peers = &session->peers;

	session_shake(session, setup);
	half->seq += (uint64_t)seq_off;
	half->secret[3] ^= key_off;
	ASSERT_OK(ktls_install(peers->crypto, peers->pair.a, &session->keys));
	if (half == &session->keys.tx) {
		ASSERT_EQ(6, send(peers->pair.a, "INVITE", 6, MSG_NOSIGNAL));
		EXPECT_EQ(SSL_ERROR_SSL, peers_read_error(peers));
	} else {
		peers_write(peers, "INVITE", 6);
		EXPECT_EQ(-EBADMSG, session_receive_error(session));
	}
	session_close(session);
	session_init(session);
}

TEST_F(session, wrong_keys)
{
	struct peers_setup setup = variant->setup;

	setup.tickets = 0;
	expect_broken(&self->session, &setup, &self->session.keys.tx, 0, 1);
	expect_broken(&self->session, &setup, &self->session.keys.rx, 0, 1);
	expect_broken(&self->session, &setup, &self->session.keys.tx, 1, 0);
	expect_broken(&self->session, &setup, &self->session.keys.rx, 1, 0);
}

TEST_F(session, max_fragment)
{
	struct peers_setup setup = variant->setup;

	setup.agent_is_server = true; /* only a client can ask */
	setup.max_fragment = TLSEXT_max_fragment_length_512;
	session_shake(&self->session, &setup);
	struct peers *peers = &self->session.peers;
	int r = ktls_install(peers->crypto, peers->pair.a, &self->session.keys);
	if (!session_kernel_has(&self->session, KTLS_MAX_FRAGMENT)) {
		EXPECT_EQ(-ENOTSUP, r);
		return;
	}
	ASSERT_OK(r);
	session_exchange(&self->session, 5000);
}

HARNESS_MAIN
