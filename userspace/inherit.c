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

enum inherit_family { INHERIT_ALWAYS, INHERIT_IP4, INHERIT_IP6 };

static const struct inherit_option {
	int level, name;
	socklen_t size;
	enum inherit_family family;
	int lock; /* of SO_BUF_LOCK: the size was set, else the kernel finds it; it doubles what is set */
} inherit_table[] = {
	{ SOL_SOCKET, SO_KEEPALIVE, sizeof(int), INHERIT_ALWAYS, 0 },
	{ SOL_SOCKET, SO_OOBINLINE, sizeof(int), INHERIT_ALWAYS, 0 },
	{ SOL_SOCKET, SO_LINGER, sizeof(struct linger), INHERIT_ALWAYS, 0 },
	{ SOL_SOCKET, SO_RCVTIMEO, sizeof(struct timeval), INHERIT_ALWAYS, 0 },
	{ SOL_SOCKET, SO_SNDTIMEO, sizeof(struct timeval), INHERIT_ALWAYS, 0 },
	{ SOL_SOCKET, SO_RCVLOWAT, sizeof(int), INHERIT_ALWAYS, 0 },
	{ SOL_SOCKET, SO_RCVBUF, sizeof(int), INHERIT_ALWAYS, SOCK_RCVBUF_LOCK },
	{ SOL_SOCKET, SO_SNDBUF, sizeof(int), INHERIT_ALWAYS, SOCK_SNDBUF_LOCK },
	{ SOL_SOCKET, SO_PRIORITY, sizeof(int), INHERIT_ALWAYS, 0 },
	{ SOL_SOCKET, SO_MARK, sizeof(int), INHERIT_ALWAYS, 0 },
	{ SOL_SOCKET, SO_TIMESTAMP, sizeof(int), INHERIT_ALWAYS, 0 },
	{ SOL_SOCKET, SO_BUSY_POLL, sizeof(int), INHERIT_ALWAYS, 0 },
	{ IPPROTO_TCP, TCP_NODELAY, sizeof(int), INHERIT_ALWAYS, 0 },
	{ IPPROTO_TCP, TCP_CORK, sizeof(int), INHERIT_ALWAYS, 0 },
	{ IPPROTO_TCP, TCP_KEEPIDLE, sizeof(int), INHERIT_ALWAYS, 0 },
	{ IPPROTO_TCP, TCP_KEEPINTVL, sizeof(int), INHERIT_ALWAYS, 0 },
	{ IPPROTO_TCP, TCP_KEEPCNT, sizeof(int), INHERIT_ALWAYS, 0 },
	{ IPPROTO_TCP, TCP_USER_TIMEOUT, sizeof(int), INHERIT_ALWAYS, 0 },
	{ IPPROTO_TCP, TCP_LINGER2, sizeof(int), INHERIT_ALWAYS, 0 },
	{ IPPROTO_TCP, TCP_NOTSENT_LOWAT, sizeof(int), INHERIT_ALWAYS, 0 },
	{ IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS, sizeof(int), INHERIT_ALWAYS, 0 },
	{ IPPROTO_IP, IP_TOS, sizeof(int), INHERIT_IP4, 0 },
	{ IPPROTO_IP, IP_TTL, sizeof(int), INHERIT_IP4, 0 },
	{ IPPROTO_IP, IP_MTU_DISCOVER, sizeof(int), INHERIT_IP4, 0 },
	{ IPPROTO_IPV6, IPV6_TCLASS, sizeof(int), INHERIT_IP6, 0 },
	{ IPPROTO_IPV6, IPV6_UNICAST_HOPS, sizeof(int), INHERIT_IP6, 0 },
	{ IPPROTO_IPV6, IPV6_MTU_DISCOVER, sizeof(int), INHERIT_IP6, 0 },
};
_Static_assert(sizeof(inherit_table) / sizeof(inherit_table[0]) <= INHERIT_MAX, "bounded");

static bool inherit_get(int fd, const struct inherit_option *option, union inherit_value *value)
{
	socklen_t size = option->size;

	memset(value, 0, sizeof(*value));
	return getsockopt(fd, option->level, option->name, value, &size) == 0 &&
	       size == option->size;
}

static bool inherit_is_set(int listener, int lock)
{
	int locks = 0;
	socklen_t size = sizeof(locks);

	return getsockopt(listener, SOL_SOCKET, SO_BUF_LOCK, &locks, &size) == 0 && (locks & lock);
}

static void inherit_one(int listener, int socket, const struct inherit_option *option,
			const union inherit_value *ours)
{
	union inherit_value theirs;

	if (option->lock && !inherit_is_set(listener, option->lock))
		return;
	if (!inherit_get(listener, option, &theirs) || !memcmp(&theirs, ours, option->size))
		return;
	if (option->lock)
		theirs.number /= 2;
	setsockopt(socket, option->level, option->name, &theirs, option->size);
}

static bool inherit_is_of(int fd, int family)
{
	int domain = 0;
	socklen_t size = sizeof(domain);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == family;
}

static void inherit_learn(int socket, struct inherit_usual *usual)
{
	size_t i;

	for (i = 0; i < sizeof(inherit_table) / sizeof(inherit_table[0]); i++)
		inherit_get(socket, &inherit_table[i], &usual->values[i]);
	usual->known = true;
}

void inherit_options(int listener, int socket, struct inherit_usual usual[2])
{
	const bool ip6 = inherit_is_of(socket, AF_INET6);
	size_t i;

	if (!usual[ip6].known)
		inherit_learn(socket, &usual[ip6]);
	for (i = 0; i < sizeof(inherit_table) / sizeof(inherit_table[0]); i++)
		if (inherit_table[i].family != INHERIT_IP6 || ip6)
			inherit_one(listener, socket, &inherit_table[i], &usual[ip6].values[i]);
}
