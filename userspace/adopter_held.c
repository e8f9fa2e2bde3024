// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "userspace/adopter.h"

struct held {
	TAILQ_ENTRY(held) entry;
	struct adopter *adopter;
	struct adopter_call call;
	struct loop_io io; /* the listener: something came to its own queue, or it was shut down */
	struct loop_garbage garbage;
	uint64_t until; /* loop_now(): SO_RCVTIMEO of the listener; 0: none */
};

static void held_release(struct loop_garbage *garbage)
{
	free(CONTAINER_OF(garbage, struct held, garbage));
}

/* The descriptor keeps the app's listener, and so its port, alive: not longer than the call. */
static void held_end(struct held *held)
{
	struct adopter *adopter = held->adopter;

	loop_remove(adopter->loop, &held->io);
	close(held->call.listener);
	TAILQ_REMOVE(&adopter->held, held, entry);
	loop_discard(adopter->loop, &held->garbage);
}

static bool held_try(struct held *held)
{
	struct adopter *adopter = held->adopter;
	int err;

	if (adopter_serve(adopter, &held->call, &err)) {
		held_end(held);
		return true;
	}
	if (err == -EAGAIN)
		return false;
	adopter_fail(adopter, held->call.notify, err);
	held_end(held);
	return true;
}

static void held_ready(struct loop_io *io, uint32_t events)
{
	(void)events;
	held_try(CONTAINER_OF(io, struct held, io));
}

static uint64_t held_limit(int listener, uint64_t now)
{
	struct timeval limit = { 0 };
	socklen_t size = sizeof(limit);

	if (getsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &limit, &size) < 0 ||
	    (!limit.tv_sec && !limit.tv_usec))
		return 0;
	return now + (uint64_t)limit.tv_sec * LOOP_SECOND + (uint64_t)limit.tv_usec * 1000;
}

void held_add(struct adopter *adopter, const struct adopter_call *call)
{
	struct held *held = calloc(1, sizeof(*held));

	if (held) {
		*held = (struct held){
			.adopter = adopter,
			.call = *call,
			.io = { -1, held_ready },
			.garbage.release = held_release,
			.until = held_limit(call->listener, loop_now(adopter->loop)),
		};
		if (loop_add(adopter->loop, &held->io, call->listener, EPOLLIN) == 0) {
			TAILQ_INSERT_TAIL(&adopter->held, held, entry);
			parent_learn(adopter, call, true);
			if (held->until)
				adopter_tick_soon(adopter);
			return;
		}
		free(held);
	}
	adopter_fail(adopter, call->notify, -ENOMEM);
	close(call->listener);
}

void held_serve(struct adopter *adopter, struct place *place)
{
	struct held *held, *next;

	for (held = TAILQ_FIRST(&adopter->held); held && !STAILQ_EMPTY(&place->clients);
	     held = next) {
		next = TAILQ_NEXT(held, entry);
		if (listener_serves(adopter, &held->call.address, &place->at))
			held_try(held);
	}
}

static bool held_is_over(struct held *held)
{
	struct adopter *adopter = held->adopter;

	if (!notify_is_valid(adopter->calls.fd, held->call.notify)) {
		adopter_done(adopter, held->call.notify);
		return true;
	}
	if (!held->until || loop_now(adopter->loop) < held->until)
		return false;
	adopter_fail(adopter, held->call.notify, -EAGAIN);
	return true;
}

void held_sweep(struct adopter *adopter)
{
	struct held *held, *next;

	for (held = TAILQ_FIRST(&adopter->held); held; held = next) {
		next = TAILQ_NEXT(held, entry);
		if (held_is_over(held))
			held_end(held);
	}
}

bool held_tick(struct adopter *adopter)
{
	const struct held *held;

	held_sweep(adopter);
	TAILQ_FOREACH(held, &adopter->held, entry)
		if (held->until)
			return true;
	return false;
}

void held_learn(struct adopter *adopter)
{
	const struct held *held;

	TAILQ_FOREACH(held, &adopter->held, entry)
		parent_learn(adopter, &held->call, false);
}

void held_drop_all(struct adopter *adopter)
{
	while (!TAILQ_EMPTY(&adopter->held))
		held_end(TAILQ_FIRST(&adopter->held));
}
