// SPDX-License-Identifier: Apache-2.0
#include "userspace/holder.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bpf/abi.h"
#include "userspace/fd.h"
#include "userspace/handover.h"
#include "userspace/log.h"

#define HOLDER_WAIT (10 * LOOP_SECOND)
#define HOLDER_MAX (2 * LW_PORTS_MAX)

struct held_listener {
	int fd;
	struct handover what; /* HANDOVER_LISTENER: namespace, port, family */
};

struct holder {
	struct loop *loop;
	struct loop_io main;
	struct loop_timeouts waits;
	struct loop_timeout wait; /* for the next main process */
	struct held_listener listeners[HOLDER_MAX];
	size_t count;
};

static void holder_drop(struct holder *holder)
{
	while (holder->count)
		close(holder->listeners[--holder->count].fd);
	loop_timeout_stop(&holder->waits, &holder->wait);
}

static void holder_expired(struct loop_timeout *timeout)
{
	struct holder *holder = CONTAINER_OF(timeout, struct holder, wait);

	log_line(LOG_WARNING, "linewardend did not come back: its ports are closed");
	holder_drop(holder);
}

static void holder_add(struct holder *holder, const struct handover *message, int fd)
{
	if (holder->count == HOLDER_MAX) {
		close(fd);
		return;
	}
	holder->listeners[holder->count++] = (struct held_listener){ fd, *message };
}

static void holder_main_ended(struct holder *holder)
{
	int fd = holder->main.fd;

	loop_remove(holder->loop, &holder->main);
	close(fd);
	if (!holder->count)
		return;
	log_line(LOG_NOTICE, "linewardend has ended; who connects waits for it for %llu s",
		 (unsigned long long)(HOLDER_WAIT / LOOP_SECOND));
	loop_timeout_start(holder->loop, &holder->waits, &holder->wait);
}

static void holder_main_ready(struct loop_io *io, uint32_t events)
{
	struct holder *holder = CONTAINER_OF(io, struct holder, main);
	struct handover message;
	int fds[PACKET_FDS_MAX], err;

	(void)events;
	while (!(err = handover_receive(io->fd, HANDOVER_AT_KEEPER, &message, fds))) {
		if (message.type == HANDOVER_LISTENER)
			holder_add(holder, &message, TAKE_FD(fds[0]));
		else if (message.type == HANDOVER_RELEASE)
			holder_drop(holder);
		packet_drop_fds(fds);
	}
	if (err != -EAGAIN)
		holder_main_ended(holder);
}

static int holder_give(struct holder *holder, int socket)
{
	const int room = 1 << 20;
	struct handover message;
	int err = 0;
	size_t i;

	setsockopt(socket, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
	for (i = 0; !err && i < holder->count; i++) {
		message = holder->listeners[i].what;
		message.type = HANDOVER_FETCHED;
		err = handover_send(socket, &message, &holder->listeners[i].fd, 1);
	}
	message = (struct handover){ .type = HANDOVER_FETCHED_ALL };
	return err ? err : handover_send(socket, &message, NULL, 0);
}

int holder_meet(struct holder *holder, int socket)
{
	struct ucred peer = { .uid = (uid_t)-1 };
	socklen_t size = sizeof(peer);
	_cleanup_fd_ int fd = socket;
	int err;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 || peer.uid != 0)
		return -EPERM;
	/* there is one at a time (dataplane_lock()): the one before has ended, if not heard of yet */
	if (holder->main.fd >= 0)
		holder_main_ready(&holder->main, EPOLLIN);
	if (holder->main.fd >= 0)
		holder_main_ended(holder);
	err = holder_give(holder, fd);
	if (!err)
		err = loop_add(holder->loop, &holder->main, fd, EPOLLIN);
	if (err)
		return err;
	TAKE_FD(fd);
	/* those that it goes on with it gives back */
	holder_drop(holder);
	return 0;
}

struct holder *holder_new(struct loop *loop)
{
	struct holder *holder = calloc(1, sizeof(*holder));

	if (!holder)
		return NULL;
	holder->loop = loop;
	holder->main = (struct loop_io){ -1, holder_main_ready };
	holder->waits = (struct loop_timeouts){ .duration = HOLDER_WAIT, .expired = holder_expired };
	loop_timeouts_add(loop, &holder->waits);
	return holder;
}

void holder_free(struct holder *holder)
{
	int fd;

	if (!holder)
		return;
	holder_drop(holder);
	fd = holder->main.fd;
	loop_remove(holder->loop, &holder->main);
	if (fd >= 0)
		close(fd);
	free(holder);
}
