// SPDX-License-Identifier: Apache-2.0
#include "userspace/inherit.h"

#include <linux/in.h>
#include <linux/in6.h>
#include <linux/tcp.h>
#include <stddef.h>
#include <string.h>

/* include/uapi/asm-generic/socket.h, and include/uapi/linux/socket.h beside glibc's own */
#ifndef SO_BUF_LOCK
#define SO_BUF_LOCK 72
#endif
#ifndef SOCK_SNDBUF_LOCK
#define SOCK_SNDBUF_LOCK 1
#define SOCK_RCVBUF_LOCK 2
#endif

static const struct inherit_option {
	int level, name;
	socklen_t size;
	int lock; /* of SO_BUF_LOCK: the size was set, else the kernel finds it; it doubles what is set */
} inherit_table[] = {
	{ SOL_SOCKET, SO_KEEPALIVE, sizeof(int), 0 },
	{ SOL_SOCKET, SO_OOBINLINE, sizeof(int), 0 },
	{ SOL_SOCKET, SO_LINGER, sizeof(struct linger), 0 },
	{ SOL_SOCKET, SO_RCVTIMEO, sizeof(struct timeval), 0 },
	{ SOL_SOCKET, SO_SNDTIMEO, sizeof(struct timeval), 0 },
	{ SOL_SOCKET, SO_RCVLOWAT, sizeof(int), 0 },
	{ SOL_SOCKET, SO_RCVBUF, sizeof(int), SOCK_RCVBUF_LOCK },
	{ SOL_SOCKET, SO_SNDBUF, sizeof(int), SOCK_SNDBUF_LOCK },
	{ SOL_SOCKET, SO_PRIORITY, sizeof(int), 0 },
	{ SOL_SOCKET, SO_MARK, sizeof(int), 0 },
	{ SOL_SOCKET, SO_TIMESTAMP, sizeof(int), 0 },
	{ SOL_SOCKET, SO_BUSY_POLL, sizeof(int), 0 },
	{ IPPROTO_TCP, TCP_NODELAY, sizeof(int), 0 },
	{ IPPROTO_TCP, TCP_CORK, sizeof(int), 0 },
	{ IPPROTO_TCP, TCP_KEEPIDLE, sizeof(int), 0 },
	{ IPPROTO_TCP, TCP_KEEPINTVL, sizeof(int), 0 },
	{ IPPROTO_TCP, TCP_KEEPCNT, sizeof(int), 0 },
	{ IPPROTO_TCP, TCP_USER_TIMEOUT, sizeof(int), 0 },
	{ IPPROTO_TCP, TCP_LINGER2, sizeof(int), 0 },
	{ IPPROTO_TCP, TCP_NOTSENT_LOWAT, sizeof(int), 0 },
	{ IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS, sizeof(int), 0 },
	{ IPPROTO_IP, IP_TOS, sizeof(int), 0 },
	{ IPPROTO_IP, IP_TTL, sizeof(int), 0 },
	{ IPPROTO_IP, IP_MTU_DISCOVER, sizeof(int), 0 },
	{ IPPROTO_IPV6, IPV6_TCLASS, sizeof(int), 0 },
	{ IPPROTO_IPV6, IPV6_UNICAST_HOPS, sizeof(int), 0 },
	{ IPPROTO_IPV6, IPV6_MTU_DISCOVER, sizeof(int), 0 },
};
enum { INHERIT_COUNT = sizeof(inherit_table) / sizeof(inherit_table[0]) };
_Static_assert((int)INHERIT_COUNT <= (int)INHERIT_MAX, "bounded");

static int inherit_int(int fd, int name)
{
	int value = 0;
	socklen_t size = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : 0;
}

static void inherit_ask(int fd, int locks, struct inherit_options *out)
{
	socklen_t size;
	size_t i;

	memset(out, 0, sizeof(*out));
	for (i = 0; i < INHERIT_COUNT; i++) {
		const struct inherit_option *option = &inherit_table[i];

		size = option->size;
		if ((option->lock & ~locks) ||
		    getsockopt(fd, option->level, option->name, &out->values[i], &size) < 0 ||
		    size != option->size)
			continue;
		out->has |= UINT32_C(1) << i;
	}
}

void inherit_read(int listener, struct inherit_options *out)
{
	inherit_ask(listener, inherit_int(listener, SO_BUF_LOCK), out);
}

void inherit_give(const struct inherit_options *options, int socket,
		  struct inherit_options usual[2])
{
	const struct inherit_options *ours = &usual[inherit_int(socket, SO_DOMAIN) == AF_INET6];
	union inherit_value value;
	size_t i;

	if (!ours->has)
		inherit_ask(socket, ~0, &usual[ours - usual]);
	for (i = 0; i < INHERIT_COUNT; i++) {
		const struct inherit_option *option = &inherit_table[i];

		value = options->values[i];
		if (!(options->has & ours->has & (UINT32_C(1) << i)) ||
		    !memcmp(&value, &ours->values[i], option->size))
			continue;
		if (option->lock)
			value.number /= 2;
		setsockopt(socket, option->level, option->name, &value, option->size);
	}
}
