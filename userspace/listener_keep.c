// SPDX-License-Identifier: Apache-2.0
#include "userspace/listener_keep.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "userspace/agent.h"
#include "userspace/fd.h"
#include "userspace/handover.h"
#include "userspace/log.h"

#define KEEP_WAIT_MS 2000 /* for a keeper that has nothing else to do */
#define KEEP_MAX (2 * LW_PORTS_MAX)

struct fetched {
	int fd;
	uint64_t netns;
	uint16_t port;
	bool ipv6;
};

struct listener_keep {
	struct agent *agent;
	struct loop_io keeper;
	struct loop_timeouts retries;
	struct loop_timeout retry;
	int fetching; /* the keeper's socket until the loop has it; -1 */
	struct fetched fetched[KEEP_MAX];
	size_t count;
};

static int keep_connect(const struct listener_keep *keep)
{
	const struct handover fetch = { .type = HANDOVER_FETCH };
	_cleanup_fd_ int fd = handover_connect(keep->agent->config->run_path, HANDOVER_KEEPER);
	int err;

	if (fd < 0)
		return fd;
	err = handover_send(fd, &fetch, NULL, 0);
	return err ? err : TAKE_FD(fd);
}

static bool keep_is_listening(int fd)
{
	int listening = 0;
	socklen_t size = sizeof(listening);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening;
}

static void keep_note(struct listener_keep *keep, const struct handover *message, int fd)
{
	if (keep->count == KEEP_MAX || !keep_is_listening(fd)) {
		close(fd);
		return;
	}
	keep->fetched[keep->count++] = (struct fetched){
		.fd = fd,
		.netns = message->netns,
		.port = message->at.port,
		.ipv6 = message->v6only,
	};
}

static void keep_forget_fetched(struct listener_keep *keep)
{
	while (keep->count)
		close(keep->fetched[--keep->count].fd);
}

/* 0: all is there; -errno, and what is there is used all the same. */
static int keep_receive_all(struct listener_keep *keep)
{
	struct pollfd keeper = { .fd = keep->fetching, .events = POLLIN };
	struct handover message;
	int fds[PACKET_FDS_MAX], err;

	for (;;) {
		err = handover_receive(keep->fetching, HANDOVER_AT_KEEPERS_MAIN, &message, fds);
		if (err == -EAGAIN && poll(&keeper, 1, KEEP_WAIT_MS) == 1)
			continue;
		if (err || message.type == HANDOVER_FETCHED_ALL)
			return err;
		keep_note(keep, &message, fds[0]);
	}
}

void listener_keep_fetch(struct listener_keep *keep)
{
	keep->fetching = keep_connect(keep);
	if (keep->fetching < 0)
		return;
	if (keep_receive_all(keep) == 0)
		return;
	close(keep->fetching);
	keep->fetching = -1;
}

int listener_keep_take(struct listener_keep *keep, uint64_t netns, uint16_t port, bool ipv6)
{
	struct fetched *fetched;
	size_t i;
	int fd;

	for (i = 0; i < keep->count; i++) {
		fetched = &keep->fetched[i];
		if (fetched->netns != netns || fetched->port != port || fetched->ipv6 != ipv6)
			continue;
		fd = fetched->fd;
		*fetched = keep->fetched[--keep->count];
		return fd;
	}
	return -ENOENT;
}

static int keep_give_one(const struct listener_keep *keep, const struct listener *listener)
{
	const struct agent *agent = keep->agent;
	const struct listener_port *port = &agent->listeners->ports[listener->port];
	const struct handover message = {
		.type = HANDOVER_LISTENER,
		.netns = dataplane_cookie(agent->dataplane, listener->netns),
		.at.port = port->port,
		.v6only = listener->ipv6,
	};

	if (port->direction != DIRECTION_INBOUND)
		return 0;
	return handover_send(keep->keeper.fd, &message, &listener->fd, 1);
}

/* known: those that it has already; NULL: none. */
static int keep_give_all(const struct listener_keep *keep, const struct listeners *known)
{
	const struct listeners *listeners = keep->agent->listeners;
	const struct listener *entry;
	size_t i;
	int err = 0;

	for (i = 0; !err && i < listeners->count; i++) {
		entry = &listeners->entries[i];
		if (!known || !listeners_find(known, &listeners->ports[entry->port], entry->ipv6))
			err = keep_give_one(keep, entry);
	}
	return err;
}

static void keep_hang_up(struct listener_keep *keep)
{
	int fd = keep->keeper.fd;

	loop_remove(keep->agent->loop, &keep->keeper);
	close(fd);
	loop_timeout_start(keep->agent->loop, &keep->retries, &keep->retry);
}

static void keep_ready(struct loop_io *io, uint32_t events)
{
	struct listener_keep *keep = CONTAINER_OF(io, struct listener_keep, keeper);
	struct handover message;
	int fds[PACKET_FDS_MAX], err;

	(void)events;
	/* what it had of a main process before this one is not needed any more */
	while (!(err = handover_receive(io->fd, HANDOVER_AT_KEEPERS_MAIN, &message, fds)))
		packet_drop_fds(fds);
	if (err != -EAGAIN)
		keep_hang_up(keep);
}

static void keep_give(struct listener_keep *keep, const struct listeners *known)
{
	int err = keep_give_all(keep, known);

	if (!err)
		return;
	log_line(LOG_WARNING, "the keeper does not take the listening sockets: %s", strerror(-err));
	keep_hang_up(keep);
}

static void keep_begin(struct listener_keep *keep, int fd)
{
	const int size = 1 << 20;
	int err;

	/* a packet for each, which the keeper takes when it comes to it */
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	err = loop_add(keep->agent->loop, &keep->keeper, fd, EPOLLIN);
	if (err) {
		close(fd);
		loop_timeout_start(keep->agent->loop, &keep->retries, &keep->retry);
		return;
	}
	keep_give(keep, NULL);
}

static void keep_retry(struct loop_timeout *timeout)
{
	struct listener_keep *keep = CONTAINER_OF(timeout, struct listener_keep, retry);
	int fd = keep_connect(keep);

	if (fd < 0)
		loop_timeout_start(keep->agent->loop, &keep->retries, timeout);
	else
		keep_begin(keep, fd);
}

struct listener_keep *listener_keep_new(struct agent *agent)
{
	struct listener_keep *keep = calloc(1, sizeof(*keep));

	if (!keep)
		return NULL;
	keep->agent = agent;
	keep->fetching = -1;
	keep->keeper = (struct loop_io){ -1, keep_ready };
	keep->retries = (struct loop_timeouts){ .duration = LOOP_SECOND, .expired = keep_retry };
	loop_timeouts_add(agent->loop, &keep->retries);
	return keep;
}

void listener_keep_start(struct listener_keep *keep)
{
	/* ports that this configuration does not have */
	keep_forget_fetched(keep);
	if (keep->fetching < 0)
		keep_retry(&keep->retry);
	else
		keep_begin(keep, TAKE_FD(keep->fetching));
}

void listener_keep_change(struct listener_keep *keep, const struct listeners *before)
{
	keep_forget_fetched(keep);
	if (keep->keeper.fd >= 0)
		keep_give(keep, before);
}

void listener_keep_stop(struct listener_keep *keep)
{
	const struct handover release = { .type = HANDOVER_RELEASE };
	int fd;

	if (!keep)
		return;
	fd = keep->keeper.fd;
	if (fd >= 0) {
		handover_send(fd, &release, NULL, 0);
		loop_remove(keep->agent->loop, &keep->keeper);
		close(fd);
	}
	if (keep->fetching >= 0)
		close(keep->fetching);
	loop_timeout_stop(&keep->retries, &keep->retry);
	keep_forget_fetched(keep);
	free(keep);
}
