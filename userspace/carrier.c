// SPDX-License-Identifier: Apache-2.0
#include "userspace/carrier.h"

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "userspace/fd.h"
#include "userspace/handover.h"
#include "userspace/ktls_crypto.h"
#include "userspace/loop.h"
#include "userspace/relayed.h"
#include "userspace/sandbox.h"

#define CARRIER_SPARE_FDS 64
#define CARRIER_LINGER (2 * LOOP_SECOND)
#define CARRIER_MESSAGES 64 /* the main process's turn */
#define CARRIER_UNTOLD_MAX 65536

struct carrier {
	struct loop *loop;
	struct loop_io keeper, agent; /* agent: the main process; both not in the loop without one */
	int last_agent; /* that gives no more, and is told of ends still; -1 */
	struct ktls_crypto *crypto;
	struct buffer_pool buffers;
	struct loop_timeouts beats, lingers;
	struct loop_timeout beat;
	struct beat *sign;
	uint32_t count, room;
	bool load_due; /* the main process has not heard it yet */
	STAILQ_HEAD(, untold) untold;
	unsigned int untold_count;
};

/* a session */
struct carried {
	struct carrier *carrier;
	struct loop_garbage garbage;
	struct loop_timeout linger;
	uint64_t cookie;
	int fd, app_fd; /* the peer's and the app's */
	bool told; /* of its end */
	struct relayed relayed;
};

/* an end that no main process has heard of */
struct untold {
	STAILQ_ENTRY(untold) entry;
	uint64_t cookie, bytes_in, bytes_out;
	const char *why; /* as of struct relay: it is there for ever */
};

static int carrier_agent(const struct carrier *carrier)
{
	return carrier->agent.fd >= 0 ? carrier->agent.fd : carrier->last_agent;
}

static bool carrier_is_retired(const struct carrier *carrier)
{
	return carrier->keeper.fd < 0;
}

/* Its keeper has gone, nothing can come any more, and nothing is left to do. */
static void carrier_rest(struct carrier *carrier)
{
	if (carrier_is_retired(carrier) && !carrier->count && carrier->agent.fd < 0)
		loop_stop(carrier->loop);
}

static int carrier_tell(struct carrier *carrier, const struct untold *end)
{
	struct handover message = {
		.type = HANDOVER_ENDED,
		.cookie = end->cookie,
		.end = { .bytes_in = end->bytes_in, .bytes_out = end->bytes_out },
	};
	int fd = carrier_agent(carrier);

	snprintf(message.end.why, sizeof(message.end.why), "%s", end->why);
	return fd < 0 ? -ENOTCONN : handover_send(fd, &message, NULL, 0);
}

static void carrier_tell_untold(struct carrier *carrier)
{
	struct untold *end;

	while ((end = STAILQ_FIRST(&carrier->untold)) && carrier_tell(carrier, end) == 0) {
		STAILQ_REMOVE_HEAD(&carrier->untold, entry);
		carrier->untold_count--;
		free(end);
	}
}

static void carrier_seek(struct carrier *carrier)
{
	const struct handover seek = { .type = HANDOVER_SEEK };

	if (carrier->keeper.fd >= 0)
		handover_send(carrier->keeper.fd, &seek, NULL, 0);
}

static void carried_release(struct loop_garbage *garbage)
{
	free(CONTAINER_OF(garbage, struct carried, garbage));
}

/* Before the sockets are closed: the kernel tells of that, too, and does not know why. */
static void carried_tell_end(struct carried *session)
{
	struct carrier *carrier = session->carrier;
	const struct relay *relay = &session->relayed.relay;
	struct untold end = {
		.cookie = session->cookie,
		.bytes_in = relay->up.bytes,
		.bytes_out = relay->down.bytes,
		.why = relay->why ? relay->why : "closed",
	}, *kept;

	if (session->told)
		return;
	session->told = true;
	if (STAILQ_EMPTY(&carrier->untold) && carrier_tell(carrier, &end) == 0)
		return;
	kept = carrier->untold_count < CARRIER_UNTOLD_MAX ? malloc(sizeof(*kept)) : NULL;
	if (!kept)
		return;
	*kept = end;
	STAILQ_INSERT_TAIL(&carrier->untold, kept, entry);
	carrier->untold_count++;
}

/* Whoever gave the socket may have set it to wait here. */
static void carried_close(int fd, bool reset)
{
	const struct linger linger = { .l_onoff = reset, .l_linger = 0 };

	if (fd < 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(fd);
}

static void carried_end(struct carried *session, bool reset)
{
	struct carrier *carrier = session->carrier;

	carried_tell_end(session);
	loop_timeout_stop(&carrier->lingers, &session->linger);
	relayed_release(&session->relayed);
	carried_close(session->fd, reset);
	carried_close(session->app_fd, reset);
	carrier->count--;
	loop_discard(carrier->loop, &session->garbage);
	carrier_rest(carrier);
}

static void carried_cut(struct carried *session)
{
	carried_tell_end(session);
	relayed_linger(&session->relayed);
	carried_close(session->app_fd, false);
	session->app_fd = -1;
	loop_timeout_start(session->carrier->loop, &session->carrier->lingers, &session->linger);
}

static void carried_ended(struct relayed *relayed, enum relayed_end how)
{
	struct carried *session = CONTAINER_OF(relayed, struct carried, relayed);

	if (how == RELAYED_CUT)
		carried_cut(session);
	else
		carried_end(session, how == RELAYED_BROKEN);
}

static void carried_linger_expired(struct loop_timeout *timeout)
{
	carried_end(CONTAINER_OF(timeout, struct carried, linger), true);
}

/* The descriptors are the session's from here on; where it cannot be had, both sides are reset. */
static void carried_take(struct carrier *carrier, const struct handover *message,
			 int fds[PACKET_FDS_MAX])
{
	struct carried *session = calloc(1, sizeof(*session));
	const struct untold lost = { .cookie = message->cookie, .why = "out of memory" };
	int err;

	if (!session) {
		carrier_tell(carrier, &lost);
		carried_close(TAKE_FD(fds[0]), true);
		carried_close(TAKE_FD(fds[1]), true);
		return;
	}
	carrier->count++;
	session->carrier = carrier;
	session->garbage.release = carried_release;
	session->cookie = message->cookie;
	session->fd = TAKE_FD(fds[0]);
	session->app_fd = TAKE_FD(fds[1]);
	relayed_init(&session->relayed, carrier->loop, carried_ended);
	err = relayed_restore(&session->relayed, &message->carry, carrier->crypto, session->fd,
			      session->app_fd, &carrier->buffers);
	if (!err)
		err = relayed_start(&session->relayed);
	if (!err)
		return;
	session->relayed.relay.why = "the carrier cannot relay it";
	carried_end(session, true);
}

static void agent_hang_up(struct carrier *carrier)
{
	int fd = carrier->agent.fd;

	if (fd < 0)
		return;
	loop_remove(carrier->loop, &carrier->agent);
	/* it may have said no more than that it gives no more */
	if (carrier_is_retired(carrier))
		carrier->last_agent = fd;
	else
		close(fd);
	carrier_seek(carrier);
	carrier_rest(carrier);
}

static void agent_ready(struct loop_io *io, uint32_t events)
{
	struct carrier *carrier = CONTAINER_OF(io, struct carrier, agent);
	struct handover message;
	int fds[PACKET_FDS_MAX];
	int i, err = 0;

	(void)events;
	for (i = 0; !err && i < CARRIER_MESSAGES; i++) {
		err = handover_receive(io->fd, HANDOVER_AT_CARRIER, &message, fds);
		if (!err)
			carried_take(carrier, &message, fds);
		else if (err == -EBADMSG) /* of descriptors that found no room: a session less */
			err = 0;
	}
	carry_wipe(&message.carry);
	if (err && err != -EAGAIN)
		agent_hang_up(carrier);
}

static void carrier_tell_load(struct carrier *carrier)
{
	const struct handover message = {
		.type = HANDOVER_CARRIES,
		.load = {
			.sessions = carrier->count,
			.room = carrier->count > carrier->room ? 0 : carrier->room - carrier->count,
			.retires = carrier_is_retired(carrier),
		},
	};
	int err;

	if (carrier->agent.fd < 0)
		return;
	/* after the ends that it does not count any more: main adds the room of each that it hears of */
	err = STAILQ_EMPTY(&carrier->untold) || carrier_is_retired(carrier) ?
		      handover_send(carrier->agent.fd, &message, NULL, 0) :
		      -EAGAIN;
	carrier->load_due = err == -EAGAIN;
	if (err == -EPIPE)
		agent_hang_up(carrier);
}

static void carrier_meet(struct carrier *carrier, int fd)
{
	if (carrier->agent.fd >= 0 || loop_add(carrier->loop, &carrier->agent, fd, EPOLLIN) < 0) {
		close(fd);
		return;
	}
	carrier_tell_untold(carrier);
	carrier_tell_load(carrier);
}

static void keeper_gone(struct carrier *carrier)
{
	int fd = carrier->keeper.fd;

	loop_remove(carrier->loop, &carrier->keeper);
	close(fd);
	carrier_tell_load(carrier);
	carrier_rest(carrier);
}

static void keeper_ready(struct loop_io *io, uint32_t events)
{
	struct carrier *carrier = CONTAINER_OF(io, struct carrier, keeper);
	struct handover message;
	int fds[PACKET_FDS_MAX];
	int err;

	(void)events;
	while (!(err = handover_receive(io->fd, HANDOVER_AT_CARRIER_OF_KEEPER, &message, fds)))
		carrier_meet(carrier, TAKE_FD(fds[0]));
	if (err != -EAGAIN)
		keeper_gone(carrier);
}

static void carrier_beat(struct loop_timeout *timeout)
{
	struct carrier *carrier = CONTAINER_OF(timeout, struct carrier, beat);

	beat_give(carrier->sign);
	carrier_tell_untold(carrier);
	if (carrier->load_due)
		carrier_tell_load(carrier);
	loop_timeout_start(carrier->loop, &carrier->beats, timeout);
}

/* Two descriptors a session. */
static uint32_t carrier_count_room(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur <= CARRIER_SPARE_FDS)
		return 0;
	return limit.rlim_cur > UINT32_MAX ? UINT32_MAX / 2 :
					     (uint32_t)(limit.rlim_cur - CARRIER_SPARE_FDS) / 2;
}

/*
 * Whoever sends is not preempted for each record: what it sends until it waits is moved at once.
 * sched(7), SCHED_BATCH; where that is not to be had there are more rounds.
 */
static void carrier_set_batch(void)
{
	const struct sched_param param = { 0 };

	sched_setscheduler(0, SCHED_BATCH, &param);
}

static int carrier_start(struct carrier *carrier, const struct carrier_setup *setup)
{
	int err;

	carrier_set_batch();
	err = ktls_crypto_new(&carrier->crypto);
	if (!err)
		err = loop_new(&carrier->loop);
	if (err)
		return err;
	carrier->room = carrier_count_room();
	carrier->beats = (struct loop_timeouts){ .duration = LOOP_SECOND, .expired = carrier_beat };
	carrier->lingers = (struct loop_timeouts){ .duration = CARRIER_LINGER,
						   .expired = carried_linger_expired };
	loop_timeouts_add(carrier->loop, &carrier->beats);
	loop_timeouts_add(carrier->loop, &carrier->lingers);
	err = loop_add(carrier->loop, &carrier->keeper, setup->keeper, EPOLLIN);
	if (!err)
		err = sandbox_close();
	if (err)
		return err;
	carrier_beat(&carrier->beat);
	carrier_seek(carrier);
	return 0;
}

int carrier_run(const struct carrier_setup *setup)
{
	struct carrier carrier = {
		.keeper = { -1, keeper_ready },
		.agent = { -1, agent_ready },
		.last_agent = -1,
		.sign = setup->beat,
	};
	int err;

	STAILQ_INIT(&carrier.untold);
	err = sandbox_drop(setup->uid, setup->gid, 0);
	if (!err)
		err = carrier_start(&carrier, setup);
	if (!err)
		err = loop_run(carrier.loop);
	buffer_pool_release(&carrier.buffers);
	loop_free(carrier.loop);
	ktls_crypto_free(carrier.crypto);
	return err;
}
