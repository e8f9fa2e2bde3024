/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moves bytes between a verified stream and the app's socket, both ways, each way at its
 * own pace: a side that does not read stops the other side's reading, nothing else.
 */
#ifndef USERSPACE_RELAY_H
#define USERSPACE_RELAY_H

#include <stdbool.h>
#include <stdint.h>

#include "userspace/buffer.h"
#include "userspace/stream.h"

/* one direction */
struct relay_half {
	struct buffer *buffer; /* borrowed while it holds bytes */
	uint32_t at, len; /* what of it is still to be written */
	bool ended; /* the source sends no more */
	bool closed; /* and the sink was told so */
	uint64_t bytes; /* that the sink took */
};

/* what the last readiness event of a socket said that was not used up since */
struct relay_side {
	bool readable, writable;
	bool lasts; /* and nothing of an end: what a read does not fill has emptied it */
	bool failed; /* it was reset: what it sent before may still be there */
};

struct relay {
	struct stream *stream;
	struct buffer_pool *pool;
	int app;
	struct relay_half up; /* client to app */
	struct relay_half down; /* app to client */
	struct relay_side client, server;
	const char *why; /* what ended it */
};

enum relay_state {
	RELAY_WAITS, /* for an event of either socket */
	RELAY_TURN, /* more could be done at once, after others had their turn */
	RELAY_DONE, /* both directions ended in order */
	RELAY_BROKEN, /* one side failed: both are to be reset */
};

void relay_init(struct relay *relay, struct stream *stream, int app, struct buffer_pool *pool);

/* Takes both sockets for ready: events are gone that were not given to relay_run(). */
void relay_wake(struct relay *relay);

/* Nothing that was read is still to be written, and neither side has ended or failed. */
bool relay_is_quiet(const struct relay *relay);

/*
 * Moves what can be moved. events_client and events_app are what epoll said (edge-triggered), or
 * 0. now: monotonic, ns.
 */
enum relay_state relay_run(struct relay *relay, uint32_t events_client, uint32_t events_app,
			   uint64_t now);

/* Gives the buffers back. */
void relay_release(struct relay *relay);

#endif
