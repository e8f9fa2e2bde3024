// SPDX-License-Identifier: Apache-2.0
/*
 * The keys that are taken out of an SSL object, held against what a plain OpenSSL peer sends
 * and accepts; no kernel TLS is needed for that.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/harness.h"
#include "tests/ktls/peers.h"
#include "tests/ktls/protection.h"
#include "tests/ktls/suites.h"

FIXTURE(keys) {
	struct peers peers;
};

FIXTURE_VARIANT(keys) {
	struct peers_setup setup;
};

#define BOTH_ROLES(name, suite_version, number)                                                    \
	FIXTURE_VARIANT_ADD(keys, name##_server) {                                                 \
		.setup = { .version = (suite_version), .suite = (number), .agent_is_server = true, \
			   .tickets = 2 },                                                         \
	};                                                                                         \
	FIXTURE_VARIANT_ADD(keys, name##_client) {                                                 \
		.setup = { .version = (suite_version), .suite = (number), .tickets = 2 },          \
	};
SUITES(BOTH_ROLES)

FIXTURE_SETUP(keys)
{
	peers_init(&self->peers);
}

FIXTURE_TEARDOWN(keys)
{
	peers_close(&self->peers);
}

/* One record from the agent's socket. */
static size_t receive_record(int fd, uint8_t *record)
{
	size_t want = 5, have = 0;

	while (have < want) {
		peers_wait(fd, POLLIN);
		ssize_t n = recv(fd, record + have, want - have, 0);
		ASSERT_LT(0, n);
		have += (size_t)n;
		if (have == 5)
			want = 5 + (size_t)(record[3] << 8 | record[4]);
	}
	return have;
}

static void expect_from_peer(struct protection *rx, int fd, const void *want, size_t len)
{
	uint8_t record[PROTECTION_RECORD_MAX], data[PROTECTION_RECORD_MAX], type;
	ssize_t n = protection_open(rx, record, receive_record(fd, record), &type, data);

	ASSERT_EQ(len, n);
	EXPECT_EQ(SSL3_RT_APPLICATION_DATA, type);
	EXPECT_MEMEQ(want, data, len);
}

static void send_to_peer(struct protection *tx, int fd, uint8_t type, const void *data, size_t len)
{
	uint8_t record[PROTECTION_RECORD_MAX];
	size_t size = protection_seal(tx, type, data, len, record);

	ASSERT_EQ(size, send(fd, record, size, 0));
}

/* Two records each way, as a wrong counter shows up in the second one too. */
static void exchange(struct peers *peers, const struct ktls_keys *keys)
{
	struct protection tx, rx;
	char seen[6];

	protection_init(&tx, peers->crypto, keys->cipher, &keys->tx);
	protection_init(&rx, peers->crypto, keys->cipher, &keys->rx);
	for (int i = 0; i < 2; i++) {
		send_to_peer(&tx, peers->pair.a, SSL3_RT_APPLICATION_DATA, "INVITE", 6);
		peers_read(peers, seen, sizeof(seen));
		EXPECT_MEMEQ("INVITE", seen, sizeof(seen));
	}
	for (int i = 0; i < 2; i++)
		peers_write(peers, "200 OK", 6);
	for (int i = 0; i < 2; i++)
		expect_from_peer(&rx, peers->pair.a, "200 OK", 6);
}

/* As a client, what the server has sent before is taken off the wire: its tickets. */
static void skip_tickets(struct peers *peers, struct ktls_keys *keys,
			 const struct peers_setup *setup)
{
	uint8_t record[PROTECTION_RECORD_MAX], data[PROTECTION_RECORD_MAX], type;
	struct protection rx;

	if (setup->agent_is_server || setup->version != TLS1_3_VERSION)
		return;
	protection_init(&rx, peers->crypto, keys->cipher, &keys->rx);
	for (int i = 0; i < setup->tickets; i++, keys->rx.seq++) {
		size_t size = receive_record(peers->pair.a, record);

		ASSERT_LT(0, protection_open(&rx, record, size, &type, data));
		EXPECT_EQ(SSL3_RT_HANDSHAKE, type);
		EXPECT_EQ(SSL3_MT_NEWSESSION_TICKET, data[0]);
	}
}

TEST_F(keys, exchange)
{
	struct ktls_keys keys;

	peers_open(&self->peers, &variant->setup);
	ASSERT_OK(ktls_keys_from_ssl(self->peers.crypto, self->peers.agent, &keys));
	EXPECT_EQ(variant->setup.suite, keys.cipher->suite);
	EXPECT_EQ(0, keys.max_fragment);
	skip_tickets(&self->peers, &keys, &variant->setup);
	exchange(&self->peers, &keys);
}

TEST_F(keys, both_ends_agree)
{
	struct peers_setup setup = variant->setup;
	struct ktls_keys agent, peer;

	setup.prepare_peer = true;
	setup.tickets = 0;
	peers_open(&self->peers, &setup);
	ASSERT_OK(ktls_keys_from_ssl(self->peers.crypto, self->peers.agent, &agent));
	ASSERT_OK(ktls_keys_from_ssl(self->peers.crypto, self->peers.peer, &peer));
	EXPECT_MEMEQ(agent.tx.secret, peer.rx.secret, KTLS_SECRET_MAX);
	EXPECT_MEMEQ(agent.rx.secret, peer.tx.secret, KTLS_SECRET_MAX);
	EXPECT_EQ(agent.tx.seq, peer.rx.seq);
	EXPECT_EQ(agent.rx.seq, peer.tx.seq);
}

TEST_F(keys, number_of_tickets)
{
	for (int tickets = 0; tickets <= 3; tickets++) {
		struct peers_setup setup = variant->setup;
		struct ktls_keys keys;

		setup.tickets = tickets;
		peers_open(&self->peers, &setup);
		ASSERT_OK(ktls_keys_from_ssl(self->peers.crypto, self->peers.agent, &keys));
		if (setup.version == TLS1_3_VERSION) {
			EXPECT_EQ(setup.agent_is_server ? tickets : 0, keys.tx.seq);
			EXPECT_EQ(0, keys.rx.seq);
		}
		skip_tickets(&self->peers, &keys, &setup);
		exchange(&self->peers, &keys);
		peers_close(&self->peers);
		peers_init(&self->peers);
	}
}

TEST_F(keys, data_with_finished)
{
	struct peers_setup setup = variant->setup;
	struct protection rx;
	struct ktls_keys keys;

	setup.early = true;
	peers_open(&self->peers, &setup);
	ASSERT_OK(ktls_keys_from_ssl(self->peers.crypto, self->peers.agent, &keys));
	skip_tickets(&self->peers, &keys, &setup);
	protection_init(&rx, self->peers.crypto, keys.cipher, &keys.rx);
	expect_from_peer(&rx, self->peers.pair.a, PEERS_EARLY, strlen(PEERS_EARLY));
}

/* Has the second server take the tickets of the first, which are sealed with its keys. */
static void share_ticket_keys(SSL_CTX *from, SSL_CTX *to)
{
	uint8_t ticket_keys[80];

	ASSERT_EQ(1, SSL_CTX_get_tlsext_ticket_keys(from, ticket_keys, sizeof(ticket_keys)));
	ASSERT_EQ(1, SSL_CTX_set_tlsext_ticket_keys(to, ticket_keys, sizeof(ticket_keys)));
}

TEST_F(keys, resumed)
{
	struct peers_setup setup = variant->setup;
	bool is_server = setup.agent_is_server;
	struct ktls_keys keys;
	struct peers first;
	char none;

	peers_init(&first);
	peers_open(&first, &setup);
	SSL *client = is_server ? first.peer : first.agent;
	SSL_read(client, &none, 1); /* takes the tickets */
	setup.session = SSL_get1_session(client);
	peers_connect(&self->peers, &setup);
	share_ticket_keys(is_server ? first.agent_ctx : first.peer_ctx,
			  is_server ? self->peers.agent_ctx : self->peers.peer_ctx);
	peers_handshake(&self->peers, &setup);
	EXPECT_TRUE(SSL_session_reused(self->peers.agent));
	ASSERT_OK(ktls_keys_from_ssl(self->peers.crypto, self->peers.agent, &keys));
	setup.tickets = 1; /* in place of the one that was used */
	skip_tickets(&self->peers, &keys, &setup);
	exchange(&self->peers, &keys);
	SSL_SESSION_free(setup.session);
	peers_close(&first);
}

TEST_F(keys, key_update)
{
	struct protection rx;
	struct ktls_keys keys;

	peers_open(&self->peers, &variant->setup);
	ASSERT_OK(ktls_keys_from_ssl(self->peers.crypto, self->peers.agent, &keys));
	if (variant->setup.version != TLS1_3_VERSION) {
		EXPECT_EQ(-EINVAL, ktls_keys_update(self->peers.crypto, keys.cipher, &keys.rx));
		return;
	}
	skip_tickets(&self->peers, &keys, &variant->setup);
	for (int i = 0; i < 3; i++) {
		uint8_t record[PROTECTION_RECORD_MAX], data[PROTECTION_RECORD_MAX], type;

		ASSERT_EQ(1, SSL_key_update(self->peers.peer, SSL_KEY_UPDATE_NOT_REQUESTED));
		peers_write(&self->peers, "ACK", 3);
		protection_init(&rx, self->peers.crypto, keys.cipher, &keys.rx);
		size_t size = receive_record(self->peers.pair.a, record);
		ASSERT_EQ(5, protection_open(&rx, record, size, &type, data));
		EXPECT_EQ(SSL3_MT_KEY_UPDATE, data[0]);
		ASSERT_OK(ktls_keys_update(self->peers.crypto, keys.cipher, &keys.rx));
		protection_init(&rx, self->peers.crypto, keys.cipher, &keys.rx);
		expect_from_peer(&rx, self->peers.pair.a, "ACK", 3);
		keys.rx.seq = rx.seq;
	}
}

/*
 * The explicit nonce of the agent's Finished, of TLS 1.2 AES-GCM, looked up on the wire while
 * the peer has not read it yet: Finished is the end of the agent's last flight.
 */
static uint64_t nonce_of_finished(struct peers *peers)
{
	const size_t body = 8 + 16 + 16; /* nonce, message, tag */
	uint8_t wire[16384];
	uint64_t nonce = 0;

	for (bool agent = false, peer = false; !agent || !peer;) {
		peer = peer || peers_step(peers->peer);
		agent = agent || peers_step(peers->agent);
		ssize_t n = recv(peers->pair.b, wire, sizeof(wire), MSG_PEEK | MSG_DONTWAIT);
		for (size_t i = 0; n >= (ssize_t)body && i < 8; i++)
			nonce = nonce << 8 | wire[(size_t)n - body + i];
	}
	return nonce;
}

/* The kernel's first explicit nonce must follow the one that was used under the same key. */
TEST_F(keys, explicit_nonce)
{
	struct ktls_keys keys;

	peers_connect(&self->peers, &variant->setup);
	uint64_t nonce = nonce_of_finished(&self->peers);
	ASSERT_OK(ktls_keys_from_ssl(self->peers.crypto, self->peers.agent, &keys));
	if (keys.cipher->version == TLS1_2_VERSION && keys.cipher->aead->explicit_len)
		EXPECT_EQ(nonce + 1, keys.tx.nonce);
	else
		EXPECT_EQ(0, keys.tx.nonce);
}

TEST_F(keys, not_finished)
{
	static const struct ktls_keys empty;
	struct ktls_keys keys;

	peers_connect(&self->peers, &variant->setup);
	EXPECT_EQ(-EINVAL, ktls_keys_from_ssl(self->peers.crypto, self->peers.agent, &keys));
	peers_step(self->peers.peer);
	peers_step(self->peers.agent);
	peers_step(self->peers.peer);
	EXPECT_EQ(-EINVAL, ktls_keys_from_ssl(self->peers.crypto, self->peers.agent, &keys));
	EXPECT_MEMEQ(&empty, &keys, sizeof(keys));
}

TEST_F(keys, not_prepared)
{
	struct peers_setup setup = variant->setup;
	struct ktls_keys keys;

	setup.unprepared = true;
	peers_open(&self->peers, &setup);
	EXPECT_EQ(-EINVAL, ktls_keys_from_ssl(self->peers.crypto, self->peers.agent, &keys));
}

TEST_F(keys, bytes_inside)
{
	struct ktls_keys keys;
	char byte;

	peers_open(&self->peers, &variant->setup);
	peers_write(&self->peers, "two", 3);
	ASSERT_EQ(1, SSL_read(self->peers.agent, &byte, 1));
	EXPECT_EQ(-EBUSY, ktls_keys_from_ssl(self->peers.crypto, self->peers.agent, &keys));
}

/* SSL_has_pending() does not tell that OpenSSL has eaten the first bytes of a record. */
TEST_F(keys, header_inside)
{
	static const uint8_t header[] = { SSL3_RT_APPLICATION_DATA, 3, 3, 0, 100 };
	struct peers_setup setup = variant->setup;
	struct ktls_keys keys;
	char byte;

	setup.tickets = 0;
	peers_open(&self->peers, &setup);
	ASSERT_EQ(sizeof(header), send(self->peers.pair.b, header, sizeof(header), 0));
	ASSERT_EQ(-1, SSL_read(self->peers.agent, &byte, 1));
	EXPECT_FALSE(SSL_has_pending(self->peers.agent));
	EXPECT_EQ(-EBUSY, ktls_keys_from_ssl(self->peers.crypto, self->peers.agent, &keys));
}

TEST_F(keys, max_fragment)
{
	struct peers_setup setup = variant->setup;
	struct ktls_keys keys;

	/* Only a client can ask: as a client, the agent does not. */
	setup.max_fragment = TLSEXT_max_fragment_length_1024;
	peers_open(&self->peers, &setup);
	ASSERT_OK(ktls_keys_from_ssl(self->peers.crypto, self->peers.agent, &keys));
	EXPECT_EQ(setup.agent_is_server ? 1024 : 0, keys.max_fragment);
}

/* A server may send data before it has the client's Finished: RFC 8446 section 2. */
TEST(half_rtt)
{
	struct peers_setup setup = { .version = TLS1_3_VERSION, .suite = 0x1301 };
	struct protection rx;
	struct ktls_keys keys;
	struct peers peers;
	char none;
	size_t n;

	peers_init(&peers);
	peers_connect(&peers, &setup);
	EXPECT_FALSE(peers_step(peers.agent));
	ASSERT_EQ(SSL_READ_EARLY_DATA_FINISH, SSL_read_early_data(peers.peer, &none, 1, &n));
	ASSERT_EQ(1, SSL_write_early_data(peers.peer, "200 OK", 6, &n));
	ASSERT_TRUE(peers_step(peers.agent));
	ASSERT_OK(ktls_keys_from_ssl(peers.crypto, peers.agent, &keys));
	ASSERT_TRUE(peers_step(peers.peer));
	protection_init(&rx, peers.crypto, keys.cipher, &keys.rx);
	expect_from_peer(&rx, peers.pair.a, "200 OK", 6);
	keys.rx.seq = rx.seq;
	exchange(&peers, &keys);
	peers_close(&peers);
}

TEST(other_suite)
{
	struct peers_setup setup = {
		.version = TLS1_2_VERSION,
		.cipher = "ECDHE-ECDSA-AES128-SHA256",
		.agent_is_server = true,
	};
	struct ktls_keys keys;
	struct peers peers;

	peers_init(&peers);
	peers_open(&peers, &setup);
	EXPECT_EQ(-ENOTSUP, ktls_keys_from_ssl(peers.crypto, peers.agent, &keys));
	peers_close(&peers);
}

/* A key that differs in one bit opens nothing: the checks above can fail. */
TEST(wrong_key)
{
	struct peers_setup setup = {
		.version = TLS1_3_VERSION, .suite = 0x1301, .agent_is_server = true,
	};
	uint8_t record[PROTECTION_RECORD_MAX], data[PROTECTION_RECORD_MAX], type;
	struct protection rx;
	struct ktls_keys keys;
	struct peers peers;

	peers_init(&peers);
	peers_open(&peers, &setup);
	ASSERT_OK(ktls_keys_from_ssl(peers.crypto, peers.agent, &keys));
	peers_write(&peers, "x", 1);
	size_t size = receive_record(peers.pair.a, record);
	keys.rx.secret[0] ^= 1;
	protection_init(&rx, peers.crypto, keys.cipher, &keys.rx);
	EXPECT_EQ(-EBADMSG, protection_open(&rx, record, size, &type, data));
	keys.rx.secret[0] ^= 1;
	keys.rx.seq++;
	protection_init(&rx, peers.crypto, keys.cipher, &keys.rx);
	EXPECT_EQ(-EBADMSG, protection_open(&rx, record, size, &type, data));
	keys.rx.seq--;
	protection_init(&rx, peers.crypto, keys.cipher, &keys.rx);
	EXPECT_EQ(1, protection_open(&rx, record, size, &type, data));
	peers_close(&peers);
}

HARNESS_MAIN
