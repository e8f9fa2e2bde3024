// SPDX-License-Identifier: Apache-2.0
#include "userspace/ktls_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <linux/tls.h>

#include "userspace/fd.h"
#include "userspace/ktls.h"
#include "userspace/loopback.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/*
 * How long bytes are waited for that take microseconds on loopback: each time, and in all. The
 * time that the kernel takes to load a cipher (seconds, in an emulated guest) is none of it.
 */
#define PROBE_STEP_MS 200
#define PROBE_TOTAL_MS 900

/* A full record and two shorter ones. */
#define PROBE_BYTES 25000
static const size_t probe_records[] = { 16384, 8000, 616 };

struct probe {
	const struct ktls_crypto *crypto;
	const struct ktls_cipher *cipher; /* NULL: none has been shown to work */
	const char *step;		  /* what is being tried, should it fail */
	int left_ms;			  /* of PROBE_TOTAL_MS */
	uint8_t sent[PROBE_BYTES], got[PROBE_BYTES];
};

static const char *const feature_names[] = {
	[KTLS_ULP] = "kernel TLS",
	[KTLS_TLS13_AES_128_GCM] = "TLS 1.3 AES-128-GCM",
	[KTLS_TLS13_AES_256_GCM] = "TLS 1.3 AES-256-GCM",
	[KTLS_TLS13_CHACHA20_POLY1305] = "TLS 1.3 CHACHA20-POLY1305",
	[KTLS_TLS12_AES_128_GCM] = "TLS 1.2 AES-128-GCM",
	[KTLS_TLS12_AES_256_GCM] = "TLS 1.2 AES-256-GCM",
	[KTLS_TLS12_CHACHA20_POLY1305] = "TLS 1.2 CHACHA20-POLY1305",
	[KTLS_NO_PAD] = "decryption without a copy",
	[KTLS_REKEY] = "key update",
	[KTLS_SPLICE_RX] = "splice from a session",
	[KTLS_SPLICE_TX] = "splice into a session",
	[KTLS_MAX_FRAGMENT] = "short records on request",
};

_Static_assert(ARRAY_SIZE(feature_names) == KTLS_FEATURE_COUNT, "a feature without a name");
_Static_assert(KTLS_TLS13_CHACHA20_POLY1305 == KTLS_TLS13_AES_128_GCM + KTLS_AEAD_COUNT - 1 &&
		       KTLS_TLS12_CHACHA20_POLY1305 == KTLS_TLS12_AES_128_GCM + KTLS_AEAD_COUNT - 1,
	       "features of the AEADs are not in their order");

const char *ktls_feature_name(enum ktls_feature feature)
{
	return feature_names[feature];
}

unsigned int ktls_features_aeads(const struct ktls_features *features, uint16_t version)
{
	enum ktls_feature first = version == TLS1_3_VERSION ? KTLS_TLS13_AES_128_GCM :
							      KTLS_TLS12_AES_128_GCM;
	unsigned int set = 0;

	for (unsigned int i = 0; i < KTLS_AEAD_COUNT; i++)
		set |= (unsigned int)features->has[first + i] << i;
	return set;
}

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static int probe_wait(struct probe *probe, int fd)
{
	int limit = probe->left_ms < PROBE_STEP_MS ? probe->left_ms : PROBE_STEP_MS;
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };
	long long start = now_ms();
	int n = poll(&pollfd, 1, limit);
	long long waited = now_ms() - start;

	probe->left_ms -= waited < limit ? (int)waited : limit;
	return n == 1 ? 0 : -ETIMEDOUT;
}

/* Receives one record's bytes, of this type. */
static ssize_t probe_recv(struct probe *probe, int fd, enum ktls_record wanted, void *buf,
			  size_t len)
{
	enum ktls_record type;
	ssize_t n;

	while ((n = ktls_recv(fd, buf, len, &type)) == -EAGAIN) {
		int r = probe_wait(probe, fd);

		if (r)
			return r;
	}
	if (n < 0)
		return n;
	return type == wanted ? n : -EBADMSG;
}

/* Whatever has arrived so far must be what was sent: so that a loss is seen at once. */
static int probe_compare(const struct probe *probe, size_t len)
{
	return memcmp(probe->sent, probe->got, len) ? -EILSEQ : 0;
}

static int probe_send(const struct probe *probe, int fd, size_t at, size_t len)
{
	ssize_t n = send(fd, probe->sent + at, len, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

/* A record of data from one end to the other. */
static int probe_carry(struct probe *probe, int from, int to)
{
	const size_t len = 1000;
	size_t seen = 0;
	int r = probe_send(probe, from, 0, len);

	while (!r && seen < len) {
		ssize_t n = probe_recv(probe, to, KTLS_RECORD_DATA, probe->got + seen, len - seen);

		r = n < 0 ? (int)n : n == 0 ? -EPIPE : 0;
		seen += n > 0 ? (size_t)n : 0;
	}
	return r ? r : probe_compare(probe, len);
}

/*
 * Keys that everybody can read here, for connections that never leave this process. The
 * record numbers are no zeros, as after a handshake.
 */
static void probe_keys(const struct ktls_cipher *cipher, struct ktls_keys *a, struct ktls_keys *b)
{
	*a = (struct ktls_keys){
		.cipher = cipher,
		.tx = { .secret = "linewarden self-test from a to b", .seq = 2, .nonce = 77 },
		.rx = { .secret = "linewarden self-test from b to a", .seq = 1, .nonce = 99 },
	};
	*b = (struct ktls_keys){ .cipher = cipher, .tx = a->rx, .rx = a->tx };
}

static int probe_install(struct probe *probe, const struct loopback_pair *pair,
			 struct ktls_keys *a, struct ktls_keys *b)
{
	probe_keys(probe->cipher, a, b);
	probe->step = "keys";

	int r = ktls_install(probe->crypto, pair->a, a);
	return r ? r : ktls_install(probe->crypto, pair->b, b);
}

/* Data both ways, and an alert that arrives as an alert. */
static int probe_cipher(struct probe *probe, const struct loopback_pair *pair)
{
	struct ktls_keys a, b;
	int r = probe_install(probe, pair, &a, &b);

	if (r)
		return r;
	probe->step = "data";
	r = probe_carry(probe, pair->a, pair->b);
	if (!r)
		r = probe_carry(probe, pair->b, pair->a);
	if (r)
		return r;
	probe->step = "close_notify";
	r = ktls_send_alert(pair->a, 1, 0);
	if (r)
		return r;

	ssize_t n = probe_recv(probe, pair->b, KTLS_RECORD_ALERT, probe->got, PROBE_BYTES);
	return n == 2 ? 0 : n < 0 ? (int)n : -EBADMSG;
}

static int probe_no_pad(struct probe *probe, const struct loopback_pair *pair)
{
	struct ktls_keys a, b;
	int r = probe_install(probe, pair, &a, &b);

	if (r)
		return r;
	probe->step = "TLS_RX_EXPECT_NO_PAD";
	r = ktls_expect_no_pad(pair->b);
	return r ? r : probe_carry(probe, pair->a, pair->b);
}

static int probe_rekey(struct probe *probe, const struct loopback_pair *pair)
{
	struct ktls_keys a, b;
	int r = probe_install(probe, pair, &a, &b);

	if (r)
		return r;
	probe->step = "the sender's second key";
	r = ktls_rekey_tx(probe->crypto, pair->a, &a);
	if (r)
		return r;
	probe->step = "KeyUpdate";
	ssize_t n = probe_recv(probe, pair->b, KTLS_RECORD_HANDSHAKE, probe->got, PROBE_BYTES);
	if (n < 0)
		return (int)n;
	probe->step = "the receiver's second key";
	r = ktls_rekey_rx(probe->crypto, pair->b, &b);
	return r ? r : probe_carry(probe, pair->a, pair->b);
}

/* What is in the pipe, behind the bytes that were got before. */
static int probe_drain(struct probe *probe, int pipe_out, size_t *seen)
{
	ssize_t n;

	while ((n = read(pipe_out, probe->got + *seen, PROBE_BYTES - *seen)) > 0)
		*seen += (size_t)n;
	return probe_compare(probe, *seen);
}

/*
 * A pipe of one page takes a record in pieces. Linux 6.12 before .113 drops what is left of a
 * piece that did not fit, and splice() says nothing.
 */
static int probe_splice_rx(struct probe *probe, const struct loopback_pair *pair)
{
	_cleanup_fd_ int out = -1, in = -1;
	struct ktls_keys a, b;
	int ends[2], r = probe_install(probe, pair, &a, &b);
	size_t seen = 0;

	for (size_t i = 0, at = 0; !r && i < ARRAY_SIZE(probe_records); at += probe_records[i++])
		r = probe_send(probe, pair->a, at, probe_records[i]);
	if (r)
		return r;
	probe->step = "pipe";
	if (pipe2(ends, O_NONBLOCK | O_CLOEXEC))
		return -errno;
	out = ends[0];
	in = ends[1];
	if (fcntl(in, F_SETPIPE_SZ, getpagesize()) < 0)
		return -errno;
	probe->step = "splice under back-pressure";
	while (!r && seen < PROBE_BYTES) {
		ssize_t n = splice(pair->b, NULL, in, NULL, PROBE_BYTES, SPLICE_F_NONBLOCK);

		if (n < 0 && errno == EAGAIN)
			r = probe_wait(probe, pair->b);
		else
			r = n < 0 ? -errno : n ? probe_drain(probe, out, &seen) : -EPIPE;
	}
	return r;
}

/* Into a pipe, from there into the socket, and out of the other end. */
static int probe_splice_tx(struct probe *probe, const struct loopback_pair *pair)
{
	_cleanup_fd_ int out = -1, in = -1;
	struct ktls_keys a, b;
	int ends[2], r = probe_install(probe, pair, &a, &b);
	size_t put = 0, seen = 0;

	if (r)
		return r;
	probe->step = "pipe";
	if (pipe2(ends, O_NONBLOCK | O_CLOEXEC))
		return -errno;
	out = ends[0];
	in = ends[1];
	probe->step = "splice";
	while (!r && seen < PROBE_BYTES) {
		ssize_t n = write(in, probe->sent + put, PROBE_BYTES - put);

		put += n > 0 ? (size_t)n : 0;
		if (splice(out, NULL, pair->a, NULL, PROBE_BYTES, SPLICE_F_NONBLOCK) < 0 &&
		    errno != EAGAIN)
			return -errno;
		n = probe_recv(probe, pair->b, KTLS_RECORD_DATA, probe->got + seen,
			       PROBE_BYTES - seen);
		seen += n > 0 ? (size_t)n : 0;
		r = n < 0 ? (int)n : n ? probe_compare(probe, seen) : -EPIPE;
	}
	return r;
}

/* The other end has no keys, so that it can look at the length of a record. */
static int probe_max_fragment(struct probe *probe, const struct loopback_pair *pair)
{
	const uint16_t limit = 512;
	const size_t overhead = 1 + 16; /* type of the content and tag: RFC 8446 section 5.2 */
	struct ktls_keys a, b;
	uint8_t header[5];

	probe_keys(probe->cipher, &a, &b);
	a.max_fragment = limit;
	probe->step = "limit";
	int r = ktls_install(probe->crypto, pair->a, &a);
	if (!r)
		r = probe_send(probe, pair->a, 0, 2U * limit);
	if (!r)
		r = probe_wait(probe, pair->b);
	if (r)
		return r;
	if (recv(pair->b, header, sizeof(header), MSG_DONTWAIT) != sizeof(header))
		return -EIO;
	return (size_t)(header[3] << 8 | header[4]) <= limit + overhead ? 0 : -EMSGSIZE;
}

/* In the order in which they run: the first AEAD that works serves those that follow. */
static const struct probe_test {
	enum ktls_feature feature;
	int (*run)(struct probe *probe, const struct loopback_pair *pair);
	uint16_t version; /* of an AEAD's test; 0: takes the first cipher that worked */
	enum ktls_aead_id aead;
} probe_tests[] = {
	{ KTLS_TLS13_AES_128_GCM, probe_cipher, TLS1_3_VERSION, KTLS_AES_128_GCM },
	{ KTLS_TLS13_AES_256_GCM, probe_cipher, TLS1_3_VERSION, KTLS_AES_256_GCM },
	{ KTLS_TLS13_CHACHA20_POLY1305, probe_cipher, TLS1_3_VERSION, KTLS_CHACHA20_POLY1305 },
	{ KTLS_TLS12_AES_128_GCM, probe_cipher, TLS1_2_VERSION, KTLS_AES_128_GCM },
	{ KTLS_TLS12_AES_256_GCM, probe_cipher, TLS1_2_VERSION, KTLS_AES_256_GCM },
	{ KTLS_TLS12_CHACHA20_POLY1305, probe_cipher, TLS1_2_VERSION, KTLS_CHACHA20_POLY1305 },
	{ KTLS_NO_PAD, probe_no_pad, 0, 0 },
	{ KTLS_REKEY, probe_rekey, 0, 0 },
	{ KTLS_SPLICE_RX, probe_splice_rx, 0, 0 },
	{ KTLS_SPLICE_TX, probe_splice_tx, 0, 0 },
	{ KTLS_MAX_FRAGMENT, probe_max_fragment, 0, 0 },
};

_Static_assert(ARRAY_SIZE(probe_tests) == KTLS_FEATURE_COUNT - 1, "a feature without a test");

static const struct ktls_cipher *cipher_with(uint16_t version, enum ktls_aead_id aead)
{
	const struct ktls_cipher *cipher;

	for (size_t i = 0; (cipher = ktls_cipher_at(i)); i++)
		if (cipher->version == version && cipher->aead == ktls_aead(aead))
			return cipher;
	return NULL;
}

static void set_reason(struct ktls_features *features, enum ktls_feature feature,
		       const char *step, int error)
{
	snprintf(features->reason[feature], KTLS_REASON_MAX, "%s: %s", step,
		 error == -EILSEQ ? "bytes were lost or changed" : strerrordesc_np(-error));
}

static int probe_open(struct loopback_pair *pair)
{
	int r = loopback_pair_open(PROBE_STEP_MS, pair);

	if (!r)
		r = ktls_attach(pair->a);
	return r ? r : ktls_attach(pair->b);
}

static int probe_run(struct probe *probe, const struct probe_test *test)
{
	_cleanup_pair_ struct loopback_pair pair = LOOPBACK_PAIR_CLOSED;
	const struct ktls_cipher *working = probe->cipher;

	probe->step = "self-test";
	int r = probe_open(&pair);
	if (r)
		return r;
	if (test->version)
		probe->cipher = cipher_with(test->version, test->aead);
	r = probe->cipher ? test->run(probe, &pair) : -ENOTSUP;
	if (working || r)
		probe->cipher = working;
	return r;
}

/* Fails only where a connection cannot be made at all. */
static int probe_ulp(struct ktls_features *features)
{
	_cleanup_pair_ struct loopback_pair pair = LOOPBACK_PAIR_CLOSED;
	int r = loopback_pair_open(PROBE_STEP_MS, &pair);

	if (r)
		return r;
	r = ktls_attach(pair.a);
	features->has[KTLS_ULP] = !r;
	for (int i = 0; i < KTLS_FEATURE_COUNT; i++)
		set_reason(features, i, "TCP_ULP", r);
	return 0;
}

int ktls_probe(const struct ktls_crypto *crypto, struct ktls_features *features)
{
	_cleanup_free_ struct probe *probe = calloc(1, sizeof(*probe));

	memset(features, 0, sizeof(*features));
	if (!probe)
		return -ENOMEM;
	probe->crypto = crypto;
	probe->left_ms = PROBE_TOTAL_MS;
	for (size_t i = 0; i < PROBE_BYTES; i++)
		probe->sent[i] = (uint8_t)(i % 251);

	int r = probe_ulp(features);
	if (r || !features->has[KTLS_ULP])
		return r;
	features->reason[KTLS_ULP][0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(probe_tests); i++) {
		const struct probe_test *test = &probe_tests[i];

		r = probe_run(probe, test);
		features->has[test->feature] = !r;
		features->reason[test->feature][0] = '\0';
		if (r)
			set_reason(features, test->feature, probe->step, r);
	}
	return 0;
}
