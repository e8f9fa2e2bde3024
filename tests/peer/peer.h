/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TLS client that does on the wire exactly what it is told, also what no client should.
 *
 *	struct peer_options options = { .address = "127.0.0.1:5061", .certificate = ... };
 *	struct peer *peer;
 *
 *	ASSERT_OK(peer_open(&options, &peer));
 *	ASSERT_OK(peer_step(peer, "echo:100000:1400"));
 *	ASSERT_OK(peer_step(peer, "close_notify"));
 *	ASSERT_OK(peer_step(peer, "drain"));
 *	EXPECT_EQ(PEER_CLOSE_NOTIFY, peer_result(peer)->close);
 *	peer_free(peer);
 *
 * A TLS 1.3 client has done its handshake before the server has seen its certificate: the
 * refusal arrives afterwards, so a step that reads has to follow.
 *
 * Steps, of the application data:
 *	text:TEXT		sends it
 *	expect:TEXT		receives just this
 *	send:N[:W]		sends N bytes of the pattern (pattern.h), W in each record
 *	receive:N		receives N bytes, whatever they are
 *	echo:N[:W]		send, and receives the same N bytes again
 *	settle:MS		reads what comes within the time; enough to see a refusal
 *	drain			reads until the other side ends: close_notify, FIN or RST
 * of TLS:
 *	keyupdate:N[:request]	N KeyUpdates, and with request asks for the other side's
 *	close_notify		the end of what we send
 * of the wire (without a handshake the application data is plain, too):
 *	hold, flush		keeps back what is to be sent, until a step waits for data;
 *				sends all of it at once
 *	hello[:N]		a ClientHello, or its first N bytes (without_handshake)
 *	plain:TEXT		sends it outside TLS
 *	garbage:N		sends N bytes of the pattern outside TLS
 *	fin, rst		ends the sending half of the connection; all of it at once
 *	fin-wait		waits until the other side ends its TCP connection
 *	sleep:MS		does nothing, reads nothing
 */
#ifndef TESTS_PEER_PEER_H
#define TESTS_PEER_PEER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct peer_options {
	const char *address; /* to connect to: 127.0.0.1:5061 or [::1]:5061 */
	const char *source; /* address to connect from, with a port or without; NULL: any */
	const char *certificate; /* PEM with the chain; NULL: shows none */
	const char *key; /* PEM; NULL: beside the certificate, NAME.key for NAME.pem */
	const char *ca; /* PEM to check the server by; NULL: it is not checked */
	const char *server_name; /* sent as SNI, and checked when there is a ca */
	int min_version, max_version; /* TLS1_VERSION …; 0: what the library knows */
	const char *ciphers; /* up to TLS 1.2, OpenSSL's syntax; NULL: DEFAULT */
	const char *suites; /* TLS 1.3; NULL: the library's three */
	uint32_t seed; /* of the pattern */
	int timeout_ms; /* for the handshake and for each step; 0: 10 s, 40 s in a virtual machine */
	bool without_handshake; /* TCP only: the steps say what goes over the wire */
	bool hold_finished; /* keeps back our last flight until the next flush: TLS 1.3 */
};

enum peer_close {
	PEER_OPEN, /* the other side has not ended */
	PEER_CLOSE_NOTIFY,
	PEER_FIN, /* without a close_notify before */
	PEER_RST,
	PEER_CLOSE_COUNT,
};

enum peer_outcome {
	PEER_OK, /* connected, shook hands, and every step was done */
	PEER_REFUSED, /* by the other side, before it sent any application data */
	PEER_FAILED, /* anything else */
	PEER_OUTCOME_COUNT,
};

struct peer_result {
	bool connected; /* TCP */
	bool handshake; /* done as far as the client can see */
	int error; /* 0, or what peer_open or the first failed step returned */
	int alert; /* received, other than close_notify; -1: none */
	int alert_sent; /* -1: none */
	long verify; /* X509_V_ERR_… of the server's certificate, where a ca was given */
	char version[16]; /* "TLSv1.3"; empty before the handshake */
	char cipher[64]; /* "TLS_AES_128_GCM_SHA256" */
	char local[64]; /* our end of the connection, as the options write addresses */
	uint64_t sent, received; /* application data */
	char sent_sha256[65], received_sha256[65];
	unsigned int key_updates_received, tickets_received;
	enum peer_close close; /* how the other side ended what it sends */
	enum peer_close transport; /* the same of TCP alone: never close_notify */
};

struct peer;

/* peer_close_name - "open", "close_notify", "fin", "rst" */
const char *peer_close_name(enum peer_close close);

/**
 * peer_open - connects, and does the handshake unless told not to
 * @options: the strings are used until peer_free
 * @out: written also when the connection failed, for its result; free it with peer_free
 *
 * Returns 0; -EINVAL: an option makes no sense, and *@out is NULL; -EPROTO: an alert or
 * another TLS failure; -EPIPE: the other side ended; -ETIMEDOUT; or connect()'s error.
 */
int peer_open(const struct peer_options *options, struct peer **out);

/**
 * peer_step - does one of the steps above; printf-like
 *
 * Returns 0; -EINVAL: no such step, and nothing was done; -EBADMSG: other data than
 * expected; -ECONNRESET; and as peer_open. After a failure every further one that uses the
 * connection fails alike.
 */
int peer_step(struct peer *peer, const char *format, ...) __attribute__((format(printf, 2, 3)));

enum peer_outcome peer_outcome(const struct peer_result *result);

/* peer_result - how it stands now; valid until peer_free */
const struct peer_result *peer_result(struct peer *peer);

/* peer_print - the result as one line of JSON */
void peer_print(struct peer *peer, FILE *file);

void peer_free(struct peer *peer);

#endif
