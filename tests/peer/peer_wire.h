/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The peer's inside. OpenSSL works on memory BIOs; these functions carry the bytes between
 * them and the socket, so that the peer decides what leaves and when.
 */
#ifndef TESTS_PEER_PEER_WIRE_H
#define TESTS_PEER_PEER_WIRE_H

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <stddef.h>

#include "tests/peer/peer.h"

struct peer {
	struct peer_options options;
	struct peer_result result;
	int fd; /* does not block */
	SSL_CTX *ctx;
	SSL *ssl;
	BIO *in, *out; /* the SSL's; what came, and what is to be sent */
	bool hold;
	bool reset; /* sending has met the RST, so that receiving sees a plain end */
	long long deadline; /* of what is going on, CLOCK_MONOTONIC in ms */
	uint64_t pattern_offset; /* how much of the pattern was sent */
	EVP_MD_CTX *sent_digest, *received_digest;
	unsigned char head[16384]; /* the first bytes that came over the wire */
	size_t head_size;
};

/* wire_start_clock - gives what follows this long; 0: the option's usual time */
void wire_start_clock(struct peer *peer, int ms);

/* wire_connect - TCP; errors of connect() and -ETIMEDOUT */
int wire_connect(struct peer *peer);

/**
 * wire_move - sends what waits (unless held) and takes in what came, waiting for either
 * @wants_input: wait until something comes in; else until what waits has been sent
 *
 * Returns 0; -EPIPE: nothing more will come in; -ECONNRESET; -ETIMEDOUT. What came before
 * the end has been taken in.
 */
int wire_move(struct peer *peer, bool wants_input);

/* wire_flush - sends all that waits; errors as wire_move */
int wire_flush(struct peer *peer);

/* wire_send_raw - puts bytes outside TLS behind what waits, and flushes; as wire_move */
int wire_send_raw(struct peer *peer, const void *data, size_t size);

/* wire_abort - RST */
void wire_abort(struct peer *peer);

#endif
