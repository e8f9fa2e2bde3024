// SPDX-License-Identifier: Apache-2.0
/*
 * A call of connect() to an address that a line claims for this: it is held while the daemon makes
 * a connection of its own, with TLS in the kernel, and verified. That socket then takes the place
 * of the app's, which was never connected: there is no moment at which another thread, or another
 * descriptor, of the app has a socket that plain text could leave by.
 *
 * Whatever speaks against it lets the kernel carry the call out, which goes by relay then.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "userspace/adopter.h"
#include "userspace/fd.h"
#include "userspace/task_file.h"

#define CONNECT_MS (LOOP_SECOND / 1000)

struct dial {
	LIST_ENTRY(dial) entry;
	union notify *call; /* in the ledger */
	int fd; /* a descriptor of ours for the app's socket */
	uint64_t cookie; /* of that socket */
	uint64_t until; /* loop_now(): goes on by relay then; 0: the daemon has limits of its own */
};

static pid_t connect_tid(const union notify *call)
{
	return (pid_t)call->call.pid;
}

static int connect_number(const union notify *call)
{
	return (int)call->call.data.args[0];
}

/* An address that connect() of this family takes: af_inet.c, af_inet6.c (SIN6_LEN_RFC2133) */
static int connect_target(const union notify *call, struct endpoint *to)
{
	const uint64_t *args = (const uint64_t *)call->call.data.args;
	struct sockaddr_storage ss = { 0 };
	const size_t sin6_len_rfc2133 = 24;
	size_t len = (uint32_t)args[2];
	int err;

	if (len < sizeof(struct sockaddr_in) || len > sizeof(ss))
		return -EINVAL;
	if (len > sizeof(struct sockaddr_in6))
		len = sizeof(struct sockaddr_in6);
	err = task_read(connect_tid(call), args[1], &ss, len);
	if (err)
		return err;
	if (ss.ss_family == AF_INET6 && len < sin6_len_rfc2133)
		return -EINVAL;
	err = endpoint_from(&ss, to);
	return err ? err : ss.ss_family;
}

static int connect_int(int fd, int level, int name)
{
	int value = 0;
	socklen_t size = sizeof(value);

	return getsockopt(fd, level, name, &value, &size) < 0 ? -errno : value;
}

static uint64_t connect_cookie(int fd, int name)
{
	uint64_t cookie = 0;
	socklen_t size = sizeof(cookie);

	getsockopt(fd, SOL_SOCKET, name, &cookie, &size);
	return cookie;
}

static bool connect_is_closed(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
	       info.tcpi_state == TCP_CLOSE;
}

/*
 * A TCP socket of the app's that is not connected. With TCP_FASTOPEN_CONNECT, connect() would not
 * even begin; with SO_BINDTODEVICE the way is one that the daemon's own may not take.
 */
static bool connect_fits(const struct adopter *adopter, int fd, int family)
{
	char device[16] = "";
	socklen_t size = sizeof(device);

	return connect_int(fd, SOL_SOCKET, SO_TYPE) == SOCK_STREAM &&
	       connect_int(fd, SOL_SOCKET, SO_DOMAIN) == family &&
	       connect_int(fd, SOL_SOCKET, SO_PROTOCOL) == IPPROTO_TCP &&
	       connect_cookie(fd, SO_NETNS_COOKIE) == adopter->netns &&
	       connect_int(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT) <= 0 &&
	       (getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, &size) < 0 || !*device) &&
	       connect_is_closed(fd);
}

/* Under one number, and watched by no epoll instance, which would lose sight of it. */
static bool connect_is_single(const union notify *call, int fd)
{
	struct stat stat;

	return fstat(fd, &stat) == 0 && task_file_is_single(connect_tid(call), stat.st_ino) == 0;
}

static uint64_t connect_limit(const struct adopter *adopter, int fd)
{
	const uint64_t now = loop_now(adopter->loop);
	struct timeval limit = { 0 };
	socklen_t size = sizeof(limit);

	if (fcntl(fd, F_GETFL) & O_NONBLOCK)
		return now + adopter->connect_ms * CONNECT_MS;
	if (getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, &size) < 0 ||
	    (!limit.tv_sec && !limit.tv_usec))
		return 0;
	return now + (uint64_t)limit.tv_sec * LOOP_SECOND + (uint64_t)limit.tv_usec * 1000;
}

/* The descriptor keeps the app's socket, and so its port, alive: not longer than the call. */
static void connect_end(struct dial *dial)
{
	LIST_REMOVE(dial, entry);
	close(dial->fd);
	free(dial);
}

static void connect_go_on(struct adopter *adopter, struct dial *dial)
{
	adopter_continue(adopter, dial->call);
	connect_end(dial);
}

/* One that another thread calls it for, too, is no socket to be replaced any more. */
static bool connect_is_held(const struct adopter *adopter, uint64_t cookie)
{
	const struct dial *dial;

	LIST_FOREACH(dial, &adopter->dials, entry)
		if (dial->cookie == cookie)
			return true;
	return false;
}

static int connect_hold(struct adopter *adopter, union notify *call, int fd)
{
	struct dial *dial = calloc(1, sizeof(*dial));

	if (!dial)
		return -ENOMEM;
	*dial = (struct dial){
		.call = call,
		.fd = fd,
		.cookie = connect_cookie(fd, SO_COOKIE),
		.until = connect_limit(adopter, fd),
	};
	LIST_INSERT_HEAD(&adopter->dials, dial, entry);
	adopter_tick_soon(adopter);
	return 0;
}

/* 0: it is held, and the descriptor taken. */
static int connect_ask(struct adopter *adopter, union notify *call, int fd, int family,
		       const struct endpoint *to)
{
	struct handover ask = {
		.type = HANDOVER_CONNECT,
		.call = call->call.id,
		.family = family,
		.at = *to,
	};
	const int on = 1;
	int err;

	if (!connect_fits(adopter, fd, family) ||
	    (family == AF_INET6 && endpoint_is_ip4(to) &&
	     connect_int(fd, IPPROTO_IPV6, IPV6_V6ONLY)) ||
	    connect_is_held(adopter, connect_cookie(fd, SO_COOKIE)) || !connect_is_single(call, fd))
		return -EOPNOTSUPP;
	err = endpoint_local(fd, &ask.from);
	if (err)
		return err;
	/* the daemon's socket is to have the port, too: as connect.bpf.c does for the relay */
	if (ask.from.port)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	err = connect_hold(adopter, call, fd);
	if (!err)
		adopter_tell(adopter, &ask);
	return err;
}

void adopter_connect(struct adopter *adopter, union notify *call)
{
	_cleanup_fd_ int fd = -1;
	struct endpoint to;
	int family;

	/* first what costs little: most calls are of other families, or nobody's business */
	family = adopter->connect_ms && adopter->agent.fd >= 0 ? connect_target(call, &to) :
								 -ENOENT;
	if (family >= 0)
		fd = tasks_descriptor(adopter->tasks, connect_tid(call), connect_number(call));
	if (fd < 0 || connect_ask(adopter, call, fd, family, &to)) {
		adopter_continue(adopter, call);
		return;
	}
	TAKE_FD(fd);
}

/* What the app's own socket has, the new one has; what the app has done to it since, it has not. */
static int connect_replace(struct adopter *adopter, const struct dial *dial, int socket)
{
	const int number = connect_number(dial->call);
	const pid_t tid = connect_tid(dial->call);
	_cleanup_fd_ int now = tasks_descriptor(adopter->tasks, tid, number);
	int closes = task_file_closes_on_exec(tid, number), err;
	const uint64_t cookie = connect_cookie(socket, SO_COOKIE);
	struct inherit_options options;

	if (now < 0 || closes < 0 || connect_cookie(now, SO_COOKIE) != dial->cookie ||
	    !connect_is_closed(now) || !connect_is_single(dial->call, now))
		return -EBUSY;
	inherit_read(now, &options);
	inherit_give(&options, socket, adopter->dialled);
	fcntl(socket, F_SETFL, fcntl(now, F_GETFL));
	ledger_note(adopter->ledger, cookie, dial->call);
	err = notify_replace(adopter->calls.fd, dial->call, socket, number, closes);
	if (err)
		ledger_strike(adopter->ledger, cookie);
	return err;
}

static void connect_give(struct adopter *adopter, struct dial *dial, int socket)
{
	const struct handover taken = {
		.type = HANDOVER_TAKEN,
		.cookie = connect_cookie(socket, SO_COOKIE),
	};
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };

	if (connect_replace(adopter, dial, socket)) {
		setsockopt(socket, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		connect_go_on(adopter, dial);
		return;
	}
	/* a signal in between: the call says EINTR, and the next one EISCONN, as ever */
	notify_succeed(adopter->calls.fd, dial->call);
	adopter_done(adopter, dial->call);
	connect_end(dial);
	adopter_tell(adopter, &taken);
}

void adopter_connected(struct adopter *adopter, const struct handover *answer, int socket)
{
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	_cleanup_fd_ int fd = socket;
	struct dial *dial;

	LIST_FOREACH(dial, &adopter->dials, entry)
		if (dial->call->call.id == answer->call)
			break;
	/* given up meanwhile */
	if (!dial) {
		if (fd >= 0)
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		return;
	}
	if (fd >= 0) {
		connect_give(adopter, dial, fd);
	} else if (answer->error) {
		adopter_fail(adopter, dial->call, answer->error);
		connect_end(dial);
	} else {
		connect_go_on(adopter, dial);
	}
}

/* One whose caller does not wait any more, or has waited long enough; NULL: none. */
static struct dial *connect_over(const struct adopter *adopter)
{
	const uint64_t now = loop_now(adopter->loop);
	struct dial *dial;

	LIST_FOREACH(dial, &adopter->dials, entry)
		if (!notify_is_valid(adopter->calls.fd, dial->call) ||
		    (dial->until && now >= dial->until))
			return dial;
	return NULL;
}

bool connect_tick(struct adopter *adopter)
{
	struct handover cancel = { .type = HANDOVER_CANCEL };
	struct dial *dial;

	/* from the first one on each time: a main process that cannot be told takes all with it */
	while ((dial = connect_over(adopter))) {
		cancel.call = dial->call->call.id;
		connect_go_on(adopter, dial);
		adopter_tell(adopter, &cancel);
	}
	return !LIST_EMPTY(&adopter->dials);
}

void connect_drop_all(struct adopter *adopter)
{
	while (!LIST_EMPTY(&adopter->dials))
		connect_go_on(adopter, LIST_FIRST(&adopter->dials));
}

/*
 * Its attempt has ended with that adopter, or the socket is the app's already, and only that was
 * not said any more.
 */
void adopter_inherit_connect(struct adopter *adopter, union notify *call)
{
	_cleanup_fd_ int fd = tasks_descriptor(adopter->tasks, connect_tid(call),
					       connect_number(call));

	if (fd >= 0 && ledger_was_given(adopter->ledger, connect_cookie(fd, SO_COOKIE))) {
		notify_succeed(adopter->calls.fd, call);
		adopter_done(adopter, call);
		return;
	}
	adopter_continue(adopter, call);
}
