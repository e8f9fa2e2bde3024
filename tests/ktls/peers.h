/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two TLS endpoints over loopback in one process: the agent, whose session is to be handed to
 * the kernel, and a peer that is plain OpenSSL. Both are stepped in turn, so that a test
 * decides what is on the wire at each moment.
 */
#ifndef TESTS_KTLS_PEERS_H
#define TESTS_KTLS_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "userspace/ktls_keys.h"
#include "userspace/loopback.h"

#define PEERS_EARLY "sent together with Finished"

struct peers_setup {
	uint16_t version, suite;
	bool agent_is_server;
	int tickets;	       /* that the server sends in TLS 1.3 */
	bool early;	       /* the peer sends PEERS_EARLY as soon as it is done */
	bool prepare_peer;     /* the peer's keys are wanted too */
	bool unprepared;       /* the agent's context is not fit for a hand-over */
	uint8_t max_fragment;  /* TLSEXT_max_fragment_length_*, asked for by a client peer */
	SSL_SESSION *session;  /* that the client resumes */
	const char *cipher;    /* TLS 1.2: instead of the suite's name */
};

struct peers {
	struct ktls_crypto *crypto;
	SSL_CTX *agent_ctx, *peer_ctx;
	SSL *agent, *peer;
	struct loopback_pair pair; /* a is the agent's end */
};

/* What peers_close() takes; for a fixture whose set-up may fail half way. */
void peers_init(struct peers *peers);

/* Connects both, but sends nothing yet. */
void peers_connect(struct peers *peers, const struct peers_setup *setup);

/* Shakes hands, the peer first in each turn, and fails the test where that fails. */
void peers_handshake(struct peers *peers, const struct peers_setup *setup);

/* Both of them. */
void peers_open(struct peers *peers, const struct peers_setup *setup);

/* One attempt to go on with a handshake. True: complete. A failure fails the test. */
bool peers_step(SSL *ssl);

void peers_close(struct peers *peers);

/* The peer's side of a session, with a limit of a few seconds for each call. */
void peers_write(struct peers *peers, const void *bytes, size_t len);
void peers_read(struct peers *peers, void *bytes, size_t len);

/* Waits for the next thing from the agent; what SSL_get_error() says of it. */
int peers_read_error(struct peers *peers);

/* Waits until fd is readable, a few seconds at most; else the test fails. */
void peers_wait(int fd, short events);

/* Bytes that look different at each place; valid until the next call. */
const uint8_t *peers_pattern(size_t len);

#endif
