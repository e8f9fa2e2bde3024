// SPDX-License-Identifier: Apache-2.0
#include "userspace/relay.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* bytes one session may move before the others have their turn */
#define RELAY_BUDGET (16 * BUFFER_SIZE)
/* reads and writes of the same: a peer that sends a byte a record has as much work done for it */
#define RELAY_STEPS 256

void relay_init(struct relay *relay, struct stream *stream, int app, struct buffer_pool *pool)
{
	*relay = (struct relay){
		.stream = stream,
		.pool = pool,
		.app = app,
	};
	relay_wake(relay);
}

void relay_wake(struct relay *relay)
{
	relay->client.readable = relay->client.writable = true;
	relay->server.readable = relay->server.writable = true;
	relay->server.lasts = false;
}

static bool relay_half_is_quiet(const struct relay_half *half)
{
	return !half->len && !half->ended;
}

bool relay_is_quiet(const struct relay *relay)
{
	return relay_half_is_quiet(&relay->up) && relay_half_is_quiet(&relay->down) &&
	       !relay->client.failed && !relay->server.failed;
}

static void relay_note(struct relay_side *side, uint32_t events)
{
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
		side->readable = true;
		side->lasts = !(events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR));
	}
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		side->writable = true;
	if (events & EPOLLERR)
		side->failed = true;
}

static int relay_fail(struct relay *relay, int err, const char *why)
{
	if (!relay->why)
		relay->why = why;
	return err;
}

static ssize_t relay_read_app(struct relay *relay, void *buf, size_t len)
{
	ssize_t n = recv(relay->app, buf, len, MSG_DONTWAIT);

	/* epoll(7): what comes later, an end too, is an event of its own. Of records that is not so. */
	if (n > 0 && (size_t)n < len && relay->server.lasts)
		relay->server.readable = false;
	if (n >= 0)
		return n;
	return errno == EAGAIN ? -EAGAIN : relay_fail(relay, -errno, "the app reset the connection");
}

static ssize_t relay_write_app(struct relay *relay, const void *buf, size_t len)
{
	ssize_t n = send(relay->app, buf, len, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n >= 0)
		return n;
	return errno == EAGAIN ? -EAGAIN : relay_fail(relay, -errno, "the app reset the connection");
}

/*
 * What a stream's error leaves of a session: a KeyUpdate that this kernel cannot follow, or
 * messages against the rules, end both directions in order with what was received
 * delivered; a connection that broke is reset.
 */
static ssize_t relay_read_client(struct relay *relay, void *buf, size_t len, uint64_t now)
{
	ssize_t n = stream_read(relay->stream, buf, len, now);

	if (n == -EOPNOTSUPP || n == -EPROTO) {
		relay->down.ended = true;
		return 0;
	}
	return n;
}

/* A key that may encrypt no more ends both directions, with what was received delivered. */
static bool relay_is_spent(struct relay *relay, const struct relay_half *half)
{
	if (half != &relay->down || !stream_is_spent(relay->stream))
		return false;
	relay->up.ended = relay->down.ended = true;
	return true;
}

/* Fills an empty half from its source. 0: something is there or the source ended; -EAGAIN */
static int relay_fill(struct relay *relay, struct relay_half *half, uint64_t now)
{
	ssize_t n;

	if (relay_is_spent(relay, half))
		return 0;
	half->buffer = buffer_borrow(relay->pool);
	if (!half->buffer)
		return relay_fail(relay, -ENOMEM, "out of memory");
	if (half == &relay->up)
		n = relay_read_client(relay, half->buffer->bytes, BUFFER_SIZE, now);
	else
		n = relay_read_app(relay, half->buffer->bytes, BUFFER_SIZE);
	if (n <= 0) {
		buffer_return(relay->pool, half->buffer);
		half->buffer = NULL;
	}
	if (n < 0)
		return (int)n;
	half->ended = n == 0;
	half->at = 0;
	half->len = (uint32_t)n;
	return 0;
}

static int relay_drain(struct relay *relay, struct relay_half *half)
{
	const uint8_t *bytes = half->buffer->bytes + half->at;
	ssize_t n;

	if (half == &relay->up)
		n = relay_write_app(relay, bytes, half->len);
	else
		n = stream_write(relay->stream, bytes, half->len);
	if (n < 0)
		return (int)n;
	half->at += (uint32_t)n;
	half->len -= (uint32_t)n;
	half->bytes += (uint64_t)n;
	if (!half->len) {
		buffer_return(relay->pool, half->buffer);
		half->buffer = NULL;
	}
	return 0;
}

static int relay_close(struct relay *relay, struct relay_half *half)
{
	int err;

	if (half == &relay->down)
		err = stream_close_write(relay->stream);
	else
		err = shutdown(relay->app, SHUT_WR) < 0 ? -errno : 0;
	if (err == -EAGAIN)
		return err;
	/* the other side may have gone altogether: then there is nobody to be told */
	half->closed = true;
	return 0;
}

/*
 * One direction, until it must wait or its budget is used up.
 * 0: it waits or is closed; 1: the budget is used up; -errno: broken.
 */
static int relay_pump(struct relay *relay, struct relay_half *half, struct relay_side *source,
		      struct relay_side *sink, uint64_t now)
{
	uint64_t limit = half->bytes + RELAY_BUDGET;
	unsigned int steps = 0;
	int err = 0;

	while (!half->closed) {
		if (half->bytes >= limit || ++steps > RELAY_STEPS || err == -EINTR)
			return 1;
		if (half->len || half->ended) {
			if (!sink->writable)
				return 0;
			err = half->len ? relay_drain(relay, half) : relay_close(relay, half);
			if (err == -EAGAIN)
				sink->writable = false;
		} else {
			/* a key may be spent while nothing is to be sent */
			if (!source->readable && !relay_is_spent(relay, half))
				return 0;
			err = relay_fill(relay, half, now);
			if (err == -EAGAIN)
				source->readable = false;
		}
		if (err && err != -EAGAIN && err != -EINTR)
			return err;
	}
	return 0;
}

enum relay_state relay_run(struct relay *relay, uint32_t events_client, uint32_t events_app,
			   uint64_t now)
{
	int up, down;

	relay_note(&relay->client, events_client);
	relay_note(&relay->server, events_app);
	up = relay_pump(relay, &relay->up, &relay->client, &relay->server, now);
	down = up < 0 ? 0 : relay_pump(relay, &relay->down, &relay->server, &relay->client, now);
	/* a key that is spent has ended both */
	if (down >= 0 && !up && relay->up.ended)
		up = relay_pump(relay, &relay->up, &relay->client, &relay->server, now);
	if (up < 0 || down < 0) {
		relay_fail(relay, 0, relay->stream->why ? relay->stream->why : "broken");
		return RELAY_BROKEN;
	}
	if (relay->up.closed && relay->down.closed) {
		relay_fail(relay, 0, relay->stream->why ? relay->stream->why : "closed");
		return RELAY_DONE;
	}
	if (up || down)
		return RELAY_TURN;
	/* what the other side does not take now would be waited with for ever: it has no reader */
	if (relay->client.failed || relay->server.failed) {
		relay_fail(relay, 0, relay->client.failed ? "the peer reset the connection" :
							    "the app reset the connection");
		return RELAY_BROKEN;
	}
	return RELAY_WAITS;
}

void relay_release(struct relay *relay)
{
	buffer_return(relay->pool, relay->up.buffer);
	buffer_return(relay->pool, relay->down.buffer);
	relay->up.buffer = relay->down.buffer = NULL;
}
