// SPDX-License-Identifier: Apache-2.0
#include "userspace/loopback.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>

#define STRANGERS_MAX 8

static int loopback_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

/* A listener on a free port, and its address. */
static int loopback_listen(struct sockaddr_in *addr)
{
	_cleanup_fd_ int fd = loopback_socket();
	socklen_t len = sizeof(*addr);

	if (fd < 0)
		return fd;
	*addr = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	if (bind(fd, (const struct sockaddr *)addr, len) || listen(fd, STRANGERS_MAX) ||
	    getsockname(fd, (struct sockaddr *)addr, &len))
		return -errno;
	return TAKE_FD(fd);
}

static int wait_for(int fd, short events, int timeout_ms)
{
	struct pollfd pollfd = { .fd = fd, .events = events };
	int n = poll(&pollfd, 1, timeout_ms);

	if (n < 0)
		return -errno;
	return n ? 0 : -ETIMEDOUT;
}

/* Whether fd is the other end of a connection from this address. */
static bool comes_from(int fd, const struct sockaddr_in *addr)
{
	struct sockaddr_in peer = { 0 };
	socklen_t len = sizeof(peer);

	return !getpeername(fd, (struct sockaddr *)&peer, &len) &&
	       peer.sin_port == addr->sin_port && peer.sin_addr.s_addr == addr->sin_addr.s_addr;
}

/* Any local user can connect to the port in the meantime: only the own connection will do. */
static int loopback_accept(int listener, const struct sockaddr_in *from, int timeout_ms)
{
	for (int i = 0; i < STRANGERS_MAX; i++) {
		int r = wait_for(listener, POLLIN, timeout_ms);

		if (r)
			return r;

		_cleanup_fd_ int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0 && errno != ECONNABORTED && errno != EAGAIN)
			return -errno;
		if (fd >= 0 && comes_from(fd, from))
			return TAKE_FD(fd);
	}
	return -EBUSY;
}

int loopback_pair_open(int timeout_ms, struct loopback_pair *pair)
{
	const int on = 1;
	struct sockaddr_in to, from;
	socklen_t len = sizeof(from);
	_cleanup_fd_ int listener = loopback_listen(&to);
	_cleanup_fd_ int a = loopback_socket();

	if (listener < 0 || a < 0)
		return listener < 0 ? listener : a;
	if (connect(a, (const struct sockaddr *)&to, sizeof(to)) && errno != EINPROGRESS)
		return -errno;
	if (getsockname(a, (struct sockaddr *)&from, &len))
		return -errno;

	_cleanup_fd_ int b = loopback_accept(listener, &from, timeout_ms);
	if (b < 0)
		return b;
	if (setsockopt(a, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) ||
	    setsockopt(b, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)))
		return -errno;
	pair->a = TAKE_FD(a);
	pair->b = TAKE_FD(b);
	return 0;
}
