// SPDX-License-Identifier: Apache-2.0
/* The steps of peer.h, one function each, and their table. */
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "tests/peer/pattern.h"
#include "tests/peer/peer_data.h"
#include "tests/peer/peer_wire.h"

#define MAX_WIDTH 65536

struct step {
	const char *name;
	int (*fn)(struct peer *peer, const char *args);
	bool needs_tls;
};

/* "N" or "N:W"; without W it stays as it was */
static int parse_numbers(const char *args, unsigned long long *first, unsigned long long *second)
{
	char *end;

	errno = 0;
	*first = strtoull(args, &end, 10);
	if (end == args || errno)
		return -EINVAL;
	if (*end == ':' && second) {
		args = end + 1;
		*second = strtoull(args, &end, 10);
		if (end == args || errno)
			return -EINVAL;
	}
	return *end ? -EINVAL : 0;
}

static int send_pattern(struct peer *peer, uint64_t size, size_t width)
{
	unsigned char data[MAX_WIDTH];

	while (size > 0) {
		size_t part = size < width ? (size_t)size : width;
		int rc;

		pattern_fill(peer->options.seed, peer->pattern_offset, data, part);
		rc = data_put(peer, data, part);
		if (rc == 0)
			rc = wire_move(peer, false);
		if (rc < 0)
			return rc;
		peer->pattern_offset += part;
		size -= part;
	}
	return 0;
}

static int step_text(struct peer *peer, const char *args)
{
	int rc = data_put(peer, args, strlen(args));

	return rc < 0 ? rc : wire_move(peer, false);
}

static int step_expect(struct peer *peer, const char *args)
{
	size_t left = strlen(args);
	char data[4096];

	while (left > 0) {
		int n = data_get(peer, data, left < sizeof(data) ? left : sizeof(data));

		if (n <= 0)
			return n < 0 ? n : -EPIPE;
		if (memcmp(args, data, (size_t)n))
			return -EBADMSG;
		args += n;
		left -= (size_t)n;
	}
	return 0;
}

static int parse_size(const char *args, unsigned long long *size, unsigned long long *width)
{
	*width = SSL3_RT_MAX_PLAIN_LENGTH;
	if (parse_numbers(args, size, width) < 0 || *width < 1 || *width > MAX_WIDTH)
		return -EINVAL;
	return 0;
}

static int step_send(struct peer *peer, const char *args)
{
	unsigned long long size, width;
	int rc = parse_size(args, &size, &width);

	return rc < 0 ? rc : send_pattern(peer, size, width);
}

static int step_receive(struct peer *peer, const char *args)
{
	unsigned long long left;
	unsigned char data[16384];

	if (parse_numbers(args, &left, NULL) < 0)
		return -EINVAL;
	while (left > 0) {
		int n = data_get(peer, data, left < sizeof(data) ? (size_t)left : sizeof(data));

		if (n <= 0)
			return n < 0 ? n : -EPIPE;
		left -= (unsigned int)n;
	}
	return 0;
}

static int step_echo(struct peer *peer, const char *args)
{
	unsigned char data[16384], want[16384];
	unsigned long long left, width;
	uint64_t offset = peer->pattern_offset;
	int rc = parse_size(args, &left, &width);

	if (rc == 0)
		rc = send_pattern(peer, left, width);
	while (rc == 0 && left > 0) {
		int n = data_get(peer, data, left < sizeof(data) ? (size_t)left : sizeof(data));

		if (n <= 0)
			return n < 0 ? n : -EPIPE;
		pattern_fill(peer->options.seed, offset, want, (size_t)n);
		if (memcmp(data, want, (size_t)n))
			return -EBADMSG;
		offset += (unsigned int)n;
		left -= (unsigned int)n;
	}
	return rc;
}

static int step_settle(struct peer *peer, const char *args)
{
	unsigned char data[16384];
	unsigned long long ms;
	int n;

	if (parse_numbers(args, &ms, NULL) < 0 || ms < 1 || ms > INT_MAX)
		return -EINVAL;
	wire_start_clock(peer, (int)ms);
	while ((n = data_get(peer, data, sizeof(data))) > 0)
		;
	return n == -ETIMEDOUT ? 0 : n;
}

static int step_drain(struct peer *peer, const char *args)
{
	unsigned char data[16384];
	int n;

	(void)args;
	while ((n = data_get(peer, data, sizeof(data))) > 0)
		;
	return n == -EPIPE || n == -ECONNRESET ? 0 : n;
}

static int step_keyupdate(struct peer *peer, const char *args)
{
	int type = SSL_KEY_UPDATE_NOT_REQUESTED;
	char *end;
	unsigned long count = strtoul(args, &end, 10);

	if (strcmp(end, ":request") == 0)
		type = SSL_KEY_UPDATE_REQUESTED;
	else if (end == args || *end)
		return -EINVAL;
	while (count-- > 0) {
		int rc;

		if (SSL_key_update(peer->ssl, type) != 1 || SSL_do_handshake(peer->ssl) != 1) {
			ERR_clear_error();
			return -EPROTO;
		}
		rc = wire_move(peer, false);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int step_close_notify(struct peer *peer, const char *args)
{
	(void)args;
	if (SSL_shutdown(peer->ssl) < 0) {
		ERR_clear_error();
		return -EPROTO;
	}
	return wire_move(peer, false);
}

static int step_hold(struct peer *peer, const char *args)
{
	(void)args;
	peer->hold = true;
	return 0;
}

static int step_flush(struct peer *peer, const char *args)
{
	(void)args;
	return wire_flush(peer);
}

static int step_hello(struct peer *peer, const char *args)
{
	unsigned char hello[16384];
	unsigned long long size = sizeof(hello);
	int length;

	if (!peer->options.without_handshake || (*args && parse_numbers(args, &size, NULL) < 0))
		return -EINVAL;
	SSL_do_handshake(peer->ssl);
	ERR_clear_error();
	length = BIO_read(peer->out, hello, sizeof(hello));
	if (length <= 0)
		return -EPROTO;
	return wire_send_raw(peer, hello, size < (size_t)length ? (size_t)size : (size_t)length);
}

static int step_plain(struct peer *peer, const char *args)
{
	return wire_send_raw(peer, args, strlen(args));
}

static int step_garbage(struct peer *peer, const char *args)
{
	unsigned char data[MAX_WIDTH];
	unsigned long long size;

	if (parse_numbers(args, &size, NULL) < 0 || size > sizeof(data))
		return -EINVAL;
	pattern_fill(peer->options.seed, 0, data, (size_t)size);
	return wire_send_raw(peer, data, (size_t)size);
}

static int step_fin(struct peer *peer, const char *args)
{
	int rc = wire_flush(peer);

	(void)args;
	if (rc < 0)
		return rc;
	return shutdown(peer->fd, SHUT_WR) < 0 ? -errno : 0;
}

static int step_rst(struct peer *peer, const char *args)
{
	(void)args;
	wire_abort(peer);
	return 0;
}

static int step_fin_wait(struct peer *peer, const char *args)
{
	int rc;

	(void)args;
	do
		rc = wire_move(peer, true);
	while (rc == 0);
	return rc == -EPIPE || rc == -ECONNRESET ? 0 : rc;
}

static int step_sleep(struct peer *peer, const char *args)
{
	unsigned long long ms;
	struct timespec time;

	(void)peer;
	if (parse_numbers(args, &ms, NULL) < 0)
		return -EINVAL;
	time = (struct timespec){ (time_t)(ms / 1000), (long)(ms % 1000 * 1000000) };
	nanosleep(&time, NULL);
	return 0;
}

static const struct step steps[] = {
	{ "text", step_text, false },
	{ "expect", step_expect, false },
	{ "send", step_send, false },
	{ "receive", step_receive, false },
	{ "echo", step_echo, false },
	{ "settle", step_settle, false },
	{ "drain", step_drain, false },
	{ "keyupdate", step_keyupdate, true },
	{ "close_notify", step_close_notify, true },
	{ "hold", step_hold, false },
	{ "flush", step_flush, false },
	{ "hello", step_hello, false },
	{ "plain", step_plain, false },
	{ "garbage", step_garbage, false },
	{ "fin", step_fin, false },
	{ "rst", step_rst, false },
	{ "fin-wait", step_fin_wait, false },
	{ "sleep", step_sleep, false },
};

static const struct step *find_step(const char *name, size_t length)
{
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++)
		if (strlen(steps[i].name) == length && strncmp(steps[i].name, name, length) == 0)
			return &steps[i];
	return NULL;
}

int peer_step(struct peer *peer, const char *format, ...)
{
	char text[4096];
	const struct step *step;
	size_t length;
	va_list args;
	int rc;

	va_start(args, format);
	rc = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	length = strcspn(text, ":");
	step = rc < (int)sizeof(text) ? find_step(text, length) : NULL;
	if (!step || (step->needs_tls && peer->options.without_handshake))
		return -EINVAL;
	wire_start_clock(peer, 0);
	rc = step->fn(peer, text[length] ? text + length + 1 : "");
	if (rc < 0 && rc != -EINVAL) {
		data_failed(peer);
		if (!peer->result.error)
			peer->result.error = rc;
	}
	return rc;
}
