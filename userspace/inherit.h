/* SPDX-License-Identifier: Apache-2.0 */
/* What a connection has of the listener that it is accepted from. */
#ifndef USERSPACE_INHERIT_H
#define USERSPACE_INHERIT_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/time.h>

enum { INHERIT_MAX = 32 };

union inherit_value {
	int number;
	struct linger linger;
	struct timeval time;
};

/*
 * What a session's socket has before it is given away: of a family every one the same, since all
 * are made in one way, so that the first one is asked for all. Zeroed before that.
 */
struct inherit_usual {
	bool known;
	union inherit_value values[INHERIT_MAX];
};

/*
 * Gives a socket the options that the kernel would have cloned from that listener
 * (net/core/sock.c, sk_clone_lock; net/ipv4/tcp_minisocks.c, tcp_create_openreq_child), where it
 * has others. usual: of IPv4 and IPv6, which the first call fills in. What it refuses stays as it is: the connection is none the less the app's.
 */
void inherit_options(int listener, int socket, struct inherit_usual usual[2]);

#endif
