/* SPDX-License-Identifier: Apache-2.0 */
/* One end of a measured connection: plain TCP, or TLS by OpenSSL alone, and what is said on it. */
#ifndef TESTS_BENCH_WIRE_H
#define TESTS_BENCH_WIRE_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WIRE_WIDTH_MAX = 16384 };

/* What is not a request is echoed. One request at a time, in one write; host byte order. */
#define WIRE_MAGIC UINT32_C(0x4c574221)

enum wire_what {
	WIRE_UP, /* as many bytes follow, in writes of the width; then the server sends one */
	WIRE_DOWN, /* the server sends as many */
};

struct wire_request {
	uint32_t magic;
	uint32_t what;
	uint32_t width;
	uint32_t padding;
	uint64_t bytes;
};

struct wire {
	int fd; /* blocking */
	SSL *ssl; /* NULL: plain */
};

/* wire_read - what there is; 0 at the end, -1 when that came as an error */
ssize_t wire_read(struct wire *wire, void *data, size_t size);

/* all of it: false when the connection has ended */
bool wire_write(struct wire *wire, const void *data, size_t size);
bool wire_read_all(struct wire *wire, void *data, size_t size);

/* wire_send - so many bytes, in writes of the width */
bool wire_send(struct wire *wire, uint64_t bytes, size_t width);

/* wire_receive - so many bytes, and forgets them */
bool wire_receive(struct wire *wire, uint64_t bytes);

/* wire_close - the socket, after a close_notify where there is TLS, and the SSL object */
void wire_close(struct wire *wire);

/*
 * wire_context - TLS 1.3, TLS_AES_128_GCM_SHA256 and X25519, with no sessions to resume; of a
 * server, mutual by the CA certificates in a file. The certificate's file has its chain as well.
 * Ends the program where that cannot be.
 */
SSL_CTX *wire_context(bool server, const char *certificate, const char *key, const char *ca);

#endif
