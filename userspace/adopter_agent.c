// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "userspace/adopter.h"
#include "userspace/fd.h"

/* bytes on the way: that an app takes clients by the hundred while the main process is busy */
#define AGENT_BUFFER (4 << 20)
#define AGENT_WAIT_NS (8 * LOOP_SECOND) /* of an app that is to start, for a daemon that starts too */

static void agent_hang_up(struct adopter *adopter)
{
	int fd = adopter->agent.fd;

	if (fd < 0)
		return;
	loop_remove(adopter->loop, &adopter->agent);
	close(fd);
	connect_drop_all(adopter);
	loop_timeout_start(adopter->loop, &adopter->retries, &adopter->agent_retry);
}

void adopter_tell(struct adopter *adopter, const struct handover *message)
{
	if (adopter->agent.fd < 0)
		return;
	/*
	 * One that does not read hears everything anew when it, or the next one, does. Of one that
	 * has ended there may be clients to be received still.
	 */
	if (handover_send(adopter->agent.fd, message, NULL, 0) == -EAGAIN)
		agent_hang_up(adopter);
}

void adopter_answer_exec(struct adopter *adopter, int err)
{
	const struct handover answer = { .type = HANDOVER_WRAPPED, .error = err };

	if (adopter->wrapping < 0)
		return;
	handover_send(adopter->wrapping, &answer, NULL, 0);
	close(adopter->wrapping);
	adopter->wrapping = -1;
}

static void agent_take_maps(struct adopter *adopter, int fds[PACKET_FDS_MAX])
{
	int i;

	for (i = 0; i < HANDOVER_MAP_COUNT; i++) {
		if (adopter->maps[i] >= 0)
			close(adopter->maps[i]);
		adopter->maps[i] = TAKE_FD(fds[i]);
	}
	parents_doubt(adopter);
	adopter_keeper_tell_maps(adopter);
	listener_tell_all(adopter);
	adopter_answer_exec(adopter, 0);
}

static void agent_take_client(struct adopter *adopter, uint64_t cookie, int fd)
{
	const struct handover taken = { .type = HANDOVER_TAKEN, .cookie = cookie };
	struct place *place;

	/* sent once more, since the main process did not hear what became of it */
	if (ledger_was_given(adopter->ledger, cookie)) {
		close(fd);
		adopter_tell(adopter, &taken);
		return;
	}
	if (place_has(adopter, cookie)) {
		close(fd);
		return;
	}
	place = place_add(adopter, fd, cookie, NULL);
	if (!place) {
		adopter_tell(adopter, &(struct handover){ .type = HANDOVER_RETURNED,
							  .cookie = cookie,
							  .error = -ENOTCONN });
		return;
	}
	held_serve(adopter, place);
	if (STAILQ_EMPTY(&place->clients))
		return;
	place_call(adopter, place);
	/* while the app wakes; one that was rung for others is about to call already */
	parents_come(adopter, place, !STAILQ_NEXT(STAILQ_FIRST(&place->clients), entry));
}

static void agent_take(struct adopter *adopter, const struct handover *message,
		       int fds[PACKET_FDS_MAX])
{
	switch (message->type) {
	case HANDOVER_MAPS:
		adopter->connect_ms = message->connect_ms;
		agent_take_maps(adopter, fds);
		return;
	case HANDOVER_CLIENT:
		agent_take_client(adopter, message->cookie, fds[0]);
		return;
	default:
		adopter_connected(adopter, message, fds[0]);
		return;
	}
}

static void agent_ready(struct loop_io *io, uint32_t events)
{
	struct adopter *adopter = CONTAINER_OF(io, struct adopter, agent);
	struct handover message;
	int fds[PACKET_FDS_MAX];
	int err = 0;

	(void)events;
	while (io->fd >= 0 &&
	       !(err = handover_receive(io->fd, HANDOVER_AT_ADOPTER, &message, fds)))
		agent_take(adopter, &message, fds);
	if (err && err != -EAGAIN)
		agent_hang_up(adopter);
}

static int agent_connect(struct adopter *adopter)
{
	struct handover hello = {
		.type = HANDOVER_HELLO,
		.id = adopter->id,
		.netns = adopter->netns,
		.pid = adopter->pid,
	};
	const int room = AGENT_BUFFER;
	_cleanup_fd_ int fd = handover_connect(adopter->run_path, HANDOVER_ADOPT);
	int err;

	if (fd < 0)
		return fd;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
	snprintf(hello.name, sizeof(hello.name), "%s", adopter->name);
	err = handover_send(fd, &hello, NULL, 0);
	if (!err)
		err = loop_add(adopter->loop, &adopter->agent, fd, EPOLLIN);
	if (!err)
		TAKE_FD(fd);
	return err;
}

static void agent_retry(struct loop_timeout *timeout)
{
	struct adopter *adopter = CONTAINER_OF(timeout, struct adopter, agent_retry);

	int err = agent_connect(adopter);

	if (err == 0)
		return;
	if (loop_now(adopter->loop) - adopter->started >= AGENT_WAIT_NS)
		adopter_answer_exec(adopter, err);
	loop_timeout_start(adopter->loop, &adopter->retries, timeout);
}

void adopter_agent_start(struct adopter *adopter)
{
	adopter->agent = (struct loop_io){ -1, agent_ready };
	adopter->retries = (struct loop_timeouts){
		.duration = LOOP_SECOND / 10,
		.expired = agent_retry,
	};
	loop_timeouts_add(adopter->loop, &adopter->retries);
	adopter->started = loop_now(adopter->loop);
	if (agent_connect(adopter) < 0)
		loop_timeout_start(adopter->loop, &adopter->retries, &adopter->agent_retry);
}

void adopter_agent_stop(struct adopter *adopter)
{
	int fd = adopter->agent.fd, i;

	if (fd >= 0) {
		loop_remove(adopter->loop, &adopter->agent);
		close(fd);
	}
	for (i = 0; i < HANDOVER_MAP_COUNT; i++)
		if (adopter->maps[i] >= 0)
			close(adopter->maps[i]);
}
