// SPDX-License-Identifier: Apache-2.0
#include "userspace/relayed.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "policy/cleanup.h"

#define RELAYED_EVENTS (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET)

static void relayed_run(struct relayed *relayed, uint32_t client, uint32_t app)
{
	switch (relay_run(&relayed->relay, client, app, loop_now(relayed->loop))) {
	case RELAY_WAITS:
		return;
	case RELAY_TURN:
		loop_turn_add(relayed->loop, &relayed->turn);
		return;
	case RELAY_DONE:
		relayed->ended(relayed, relayed->stream.cut ? RELAYED_CUT : RELAYED_CLOSED);
		return;
	case RELAY_BROKEN:
		relayed->ended(relayed, RELAYED_BROKEN);
		return;
	}
}

static void relayed_client_ready(struct loop_io *io, uint32_t events)
{
	struct relayed *relayed = CONTAINER_OF(io, struct relayed, client);

	if (!relayed->lingers)
		relayed_run(relayed, events, 0);
	else if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		relayed->ended(relayed, RELAYED_GONE);
}

static void relayed_app_ready(struct loop_io *io, uint32_t events)
{
	relayed_run(CONTAINER_OF(io, struct relayed, app), 0, events);
}

static void relayed_turn(struct loop_turn *turn)
{
	relayed_run(CONTAINER_OF(turn, struct relayed, turn), 0, 0);
}

void relayed_init(struct relayed *relayed, struct loop *loop,
		  void (*ended)(struct relayed *relayed, enum relayed_end how))
{
	*relayed = (struct relayed){
		.loop = loop,
		.client = { -1, relayed_client_ready },
		.app = { -1, relayed_app_ready },
		.turn.run = relayed_turn,
		.ended = ended,
	};
}

void relayed_connect(struct relayed *relayed, int app, struct buffer_pool *pool)
{
	relay_init(&relayed->relay, &relayed->stream, app, pool);
}

int relayed_start(struct relayed *relayed)
{
	int err;

	/* events before this moment are gone: the sockets themselves are asked */
	relay_wake(&relayed->relay);
	err = loop_add(relayed->loop, &relayed->client, relayed->stream.fd, RELAYED_EVENTS);
	if (!err)
		err = loop_add(relayed->loop, &relayed->app, relayed->relay.app, RELAYED_EVENTS);
	if (err)
		relayed_pause(relayed);
	else
		loop_turn_add(relayed->loop, &relayed->turn);
	return err;
}

void relayed_pause(struct relayed *relayed)
{
	loop_turn_remove(relayed->loop, &relayed->turn);
	loop_remove(relayed->loop, &relayed->client);
	loop_remove(relayed->loop, &relayed->app);
}

bool relayed_is_quiet(const struct relayed *relayed)
{
	return relay_is_quiet(&relayed->relay) && stream_is_quiet(&relayed->stream);
}

int relayed_save(const struct relayed *relayed, struct carry *carry)
{
	const struct stream *stream = &relayed->stream;

	if (stream->ssl || !stream->cipher)
		return -ENOTSUP;
	if (!relayed_is_quiet(relayed))
		return -EAGAIN;
	*carry = (struct carry){
		.version = stream->cipher->version,
		.suite = stream->cipher->suite,
		.record_size = stream->record_size,
		.can_rekey = stream->keys != NULL,
		.is_client = stream->handshake.tickets,
		.records = stream->records,
		.records_max = stream->records_max,
		.bytes_in = relayed->relay.up.bytes,
		.bytes_out = relayed->relay.down.bytes,
	};
	if (!stream->keys)
		return 0;
	memcpy(carry->tx, stream->keys->tx.secret, sizeof(carry->tx));
	memcpy(carry->rx, stream->keys->rx.secret, sizeof(carry->rx));
	return 0;
}

int relayed_restore(struct relayed *relayed, const struct carry *carry,
		    const struct ktls_crypto *crypto, int client, int app, struct buffer_pool *pool)
{
	_cleanup_(ktls_keys_wipe) struct ktls_keys keys = { 0 };
	int err;

	if (!carry_is_sound(carry))
		return -EINVAL;
	keys.cipher = ktls_cipher_find(carry->version, carry->suite);
	memcpy(keys.tx.secret, carry->tx, sizeof(carry->tx));
	memcpy(keys.rx.secret, carry->rx, sizeof(carry->rx));
	err = stream_init_kernel(&relayed->stream, client, crypto, &keys, carry->is_client,
				 carry->can_rekey);
	if (err)
		return err;
	relayed->stream.records = carry->records;
	relayed->stream.records_max = carry->records_max;
	relayed->stream.record_size = carry->record_size;
	relayed_connect(relayed, app, pool);
	relayed->relay.up.bytes = carry->bytes_in;
	relayed->relay.down.bytes = carry->bytes_out;
	return 0;
}

void relayed_linger(struct relayed *relayed)
{
	loop_turn_remove(relayed->loop, &relayed->turn);
	loop_remove(relayed->loop, &relayed->app);
	relay_release(&relayed->relay);
	relayed->lingers = true;
	/* where that fails the owner's time-out ends it */
	if (relayed->client.fd < 0)
		loop_add(relayed->loop, &relayed->client, relayed->stream.fd, RELAYED_EVENTS);
}

void relayed_release(struct relayed *relayed)
{
	relayed_pause(relayed);
	relay_release(&relayed->relay);
	stream_release(&relayed->stream);
}
