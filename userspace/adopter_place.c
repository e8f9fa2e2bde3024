// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "userspace/adopter.h"

#define PLACE_REFUSED_NS (2 * LOOP_SECOND) /* an app that restarts, or loads its listener anew */
#define PLACE_RING_NS (LOOP_SECOND / 10) /* a bell that nobody took: by chance its listener is slow */
#define PLACE_BELLS_MAX 4 /* in a queue that may have room for five */

static struct place *place_find(const struct adopter *adopter, const struct endpoint *at)
{
	struct place *place;

	LIST_FOREACH(place, &adopter->places, entry)
		if (place->at.port == at->port &&
		    !memcmp(place->at.addr, at->addr, sizeof(at->addr)))
			return place;
	return NULL;
}

/* Those where nothing is left; called where nobody has a pointer to one of them. */
static void place_collect(struct adopter *adopter)
{
	struct place *place, *next;

	for (place = LIST_FIRST(&adopter->places); place; place = next) {
		next = LIST_NEXT(place, entry);
		if (!STAILQ_EMPTY(&place->clients) || !LIST_EMPTY(&place->bells))
			continue;
		bell_silence(place);
		LIST_REMOVE(place, entry);
		free(place);
	}
}

static struct place *place_make(struct adopter *adopter, const struct endpoint *at)
{
	struct place *place = place_find(adopter, at);

	if (place)
		return place;
	place_collect(adopter);
	place = calloc(1, sizeof(*place));
	if (!place)
		return NULL;
	place->at = *at;
	place->spare = -1;
	STAILQ_INIT(&place->clients);
	LIST_INIT(&place->bells);
	LIST_INSERT_HEAD(&adopter->places, place, entry);
	return place;
}

struct place *place_add(struct adopter *adopter, int fd, uint64_t cookie,
			const struct endpoint *peer)
{
	struct client *client = calloc(1, sizeof(*client));
	struct place *place = NULL;
	struct endpoint at;

	if (client && endpoint_local(fd, &at) == 0)
		place = place_make(adopter, &at);
	if (client && peer)
		client->peer = *peer;
	/* one of the app's queue that has gone is the app's to find out, as it would be without us */
	if (!place || (!peer && endpoint_peer(fd, &client->peer) < 0)) {
		close(fd);
		free(client);
		return NULL;
	}
	client->fd = fd;
	client->cookie = cookie;
	STAILQ_INSERT_TAIL(&place->clients, client, entry);
	return place;
}

struct place *place_of(struct adopter *adopter, const struct app_address *listener)
{
	struct place *place;

	LIST_FOREACH(place, &adopter->places, entry)
		if (!STAILQ_EMPTY(&place->clients) &&
		    listener_serves(adopter, listener, &place->at))
			return place;
	return NULL;
}

bool place_has(const struct adopter *adopter, uint64_t cookie)
{
	const struct client *client;
	const struct place *place;

	LIST_FOREACH(place, &adopter->places, entry)
		STAILQ_FOREACH(client, &place->clients, entry)
			if (client->cookie == cookie)
				return true;
	return false;
}

static void place_remove_first(struct place *place)
{
	struct client *client = STAILQ_FIRST(&place->clients);

	STAILQ_REMOVE_HEAD(&place->clients, entry);
	close(client->fd);
	free(client);
}

void place_served(struct adopter *adopter, struct place *place)
{
	const struct handover message = {
		.type = HANDOVER_TAKEN,
		.cookie = STAILQ_FIRST(&place->clients)->cookie,
	};

	place_remove_first(place);
	bell_spare(place);
	place->refused = 0;
	if (message.cookie)
		adopter_tell(adopter, &message);
}

static void place_return(struct adopter *adopter, struct place *place, int err)
{
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	struct handover message = { .type = HANDOVER_RETURNED, .error = err };

	while (!STAILQ_EMPTY(&place->clients)) {
		const struct client *client = STAILQ_FIRST(&place->clients);

		message.cookie = client->cookie;
		if (message.cookie)
			adopter_tell(adopter, &message);
		else
			setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		place_remove_first(place);
	}
	place->refused = 0;
}

void place_return_all(struct adopter *adopter, int err)
{
	struct place *place;

	LIST_FOREACH(place, &adopter->places, entry) {
		place_return(adopter, place, err);
		bell_silence(place);
	}
	place_collect(adopter);
}

void place_lost_bell(struct adopter *adopter, struct place *place, int err)
{
	if (!place->refused)
		place->refused = loop_now(adopter->loop);
	if (err == -ECONNREFUSED)
		listener_forget(adopter, &place->at);
	adopter_tick_soon(adopter);
}

static void place_ring(struct adopter *adopter, struct place *place)
{
	int err = bell_ring(adopter, place);

	place->rung = loop_now(adopter->loop);
	if (err)
		place_lost_bell(adopter, place, err);
}

void place_call(struct adopter *adopter, struct place *place)
{
	if (STAILQ_EMPTY(&place->clients))
		return;
	if (!place->bell_count)
		place_ring(adopter, place);
	adopter_tick_soon(adopter);
}

void place_call_all(struct adopter *adopter)
{
	struct place *place;

	LIST_FOREACH(place, &adopter->places, entry)
		place_call(adopter, place);
}

bool place_tick(struct adopter *adopter)
{
	uint64_t now = loop_now(adopter->loop);
	struct place *place;
	bool waiting = false;

	LIST_FOREACH(place, &adopter->places, entry) {
		if (STAILQ_EMPTY(&place->clients))
			continue;
		if (place->refused && bell_is_in_queue(place))
			place->refused = 0;
		if (place->refused && now - place->refused >= PLACE_REFUSED_NS) {
			place_return(adopter, place, -ECONNREFUSED);
			continue;
		}
		waiting = true;
		if (!place->bell_count ||
		    (now - place->rung >= PLACE_RING_NS && place->bell_count < PLACE_BELLS_MAX))
			place_ring(adopter, place);
	}
	return waiting;
}
