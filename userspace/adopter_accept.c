// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "userspace/adopter.h"
#include "userspace/fd.h"

static int accept_flags(const union notify *call)
{
	return call->call.data.nr == SYS_accept4 ? (int)call->call.data.args[3] : 0;
}

/* What accept() refuses of its arguments, before it takes a connection: net/socket.c. */
static int accept_check(const union notify *call, int *room)
{
	const uint64_t *args = (const uint64_t *)call->call.data.args;
	int err;

	*room = 0;
	if (accept_flags(call) & ~(SOCK_NONBLOCK | SOCK_CLOEXEC))
		return -EINVAL;
	if (!args[1])
		return 0;
	err = task_read((pid_t)call->call.pid, args[2], room, sizeof(*room));
	if (err)
		return err;
	return *room < 0 ? -EINVAL : 0;
}

/* As the listener's family shows it: an IPv4 client of a dual-stack one has a v4-mapped address. */
static socklen_t accept_address(const struct adopter_call *call, const struct endpoint *peer,
				struct sockaddr_storage *out)
{
	return endpoint_is_ip4(&call->address.at) ? endpoint_sockaddr(peer, out) :
						    endpoint_sockaddr6(peer, out);
}

static int accept_write_address(const struct adopter *adopter, const struct adopter_call *call,
				const struct endpoint *peer)
{
	const uint64_t *args = (const uint64_t *)call->notify->call.data.args;
	pid_t tid = (pid_t)call->notify->call.pid;
	struct sockaddr_storage ss;
	int size, room = call->room;

	if (!args[1])
		return 0;
	/* the memory is that of the thread which asked only as long as it still does */
	if (!notify_is_valid(adopter->calls.fd, call->notify))
		return -ENOENT;
	/* a short buffer gets what fits, and the whole length: move_addr_to_user() */
	size = (int)accept_address(call, peer, &ss);
	if (room > size)
		room = size;
	return task_write(tid,
			  (const struct task_piece[]){ { args[1], &ss, (size_t)room },
						       { args[2], &size, sizeof(size) } },
			  2);
}

static int accept_give(struct adopter *adopter, const struct adopter_call *call,
		       const struct client *client)
{
	int flags = accept_flags(call->notify), err;

	err = accept_write_address(adopter, call, &client->peer);
	if (err)
		return err;
	/* one of the own queue has them of the kernel */
	if (client->cookie)
		parent_endow(adopter, call, client->fd);
	/* all that accept() sets of them, and a socket has no others yet */
	fcntl(client->fd, F_SETFL, flags & SOCK_NONBLOCK ? O_NONBLOCK : 0);
	if (client->cookie)
		ledger_note(adopter->ledger, client->cookie, call->notify);
	err = notify_give(adopter->calls.fd, call->notify, client->fd, flags & SOCK_CLOEXEC);
	if (err && client->cookie)
		ledger_strike(adopter->ledger, client->cookie);
	return err;
}

/* The listener may be one that blocks, and nobody else takes out of its queue. */
static int accept_next(int listener, struct endpoint *peer)
{
	struct pollfd queue = { .fd = listener, .events = POLLIN };
	int fd;

	do {
		if (poll(&queue, 1, 0) <= 0)
			return -EAGAIN;
		fd = endpoint_accept(listener, peer);
	} while (fd == -ECONNABORTED || fd == -EINTR);
	return fd;
}

/*
 * Empties the app's own queue, of bells and of connections that are the app's in their own right:
 * those are clients from then on. 0: *place has clients that this listener is to serve;
 * -EAGAIN: nothing there; -errno: what accept() says of the listener.
 */
static int accept_drain(struct adopter *adopter, const struct adopter_call *call,
			struct place **place)
{
	struct place *found = NULL, *from;
	struct endpoint peer;
	int fd;

	while ((fd = accept_next(call->listener, &peer)) >= 0) {
		if (!bell_is_one(adopter, fd, &peer, &from))
			from = place_add(adopter, fd, 0, &peer);
		if (from && !STAILQ_EMPTY(&from->clients))
			found = from;
	}
	*place = found;
	return found ? 0 : fd;
}

static bool accept_serve(struct adopter *adopter, const struct adopter_call *call, int *err)
{
	struct place *place = place_of(adopter, &call->address), *other;

	*err = place ? 0 : accept_drain(adopter, call, &place);
	if (*err)
		return false;
	/* before the last one is given: what rings afterwards wakes the app for nothing */
	if (!STAILQ_NEXT(STAILQ_FIRST(&place->clients), entry))
		accept_drain(adopter, call, &other);
	*err = accept_give(adopter, call, STAILQ_FIRST(&place->clients));
	if (!*err) {
		adopter_done(adopter, call->notify);
		place_served(adopter, place);
	} else if (*err == -ENOENT) {
		adopter_done(adopter, call->notify);
	} else {
		/* out of descriptors, a bad address: the client stays the next one's */
		adopter_fail(adopter, call->notify, *err);
	}
	place_call_all(adopter);
	return true;
}

bool adopter_serve(struct adopter *adopter, const struct adopter_call *call, int *err)
{
	bool over = accept_serve(adopter, call, err);

	bell_close_taken(adopter);
	return over;
}

void adopter_accept(struct adopter *adopter, union notify *notify)
{
	struct adopter_call call = { .notify = notify };
	_cleanup_fd_ int fd = tasks_descriptor(adopter->tasks, (pid_t)notify->call.pid,
					       (int)notify->call.data.args[0]);
	int err;

	call.listener = fd;
	/* what is no governed listener is the kernel's business, whatever it is */
	if (fd < 0 || !parent_meet(adopter, &call)) {
		adopter_continue(adopter, notify);
		return;
	}
	listener_note(adopter, &call.address);
	err = accept_check(notify, &call.room);
	if (err) {
		adopter_fail(adopter, notify, err);
		return;
	}
	if (adopter_serve(adopter, &call, &err))
		return;
	if (err == -EAGAIN && !(fcntl(fd, F_GETFL) & O_NONBLOCK)) {
		TAKE_FD(fd);
		held_add(adopter, &call);
		return;
	}
	adopter_fail(adopter, notify, err);
}
