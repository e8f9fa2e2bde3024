/* SPDX-License-Identifier: Apache-2.0 */
/* What a connection has of the listener that it is accepted from. */
#ifndef USERSPACE_INHERIT_H
#define USERSPACE_INHERIT_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/time.h>

enum { INHERIT_MAX = 32 };

union inherit_value {
	int number;
	struct linger linger;
	struct timeval time;
};

/* The options of a socket, as they were when it was asked. */
struct inherit_options {
	uint32_t has; /* a bit each: none of another family, no size that nobody set; 0: never asked */
	union inherit_value values[INHERIT_MAX];
};
_Static_assert(INHERIT_MAX <= 32, "a bit for each");

/*
 * What a listener gives to those who are accepted from it: what the kernel would have cloned
 * (net/core/sock.c, sk_clone_lock; net/ipv4/tcp_minisocks.c, tcp_create_openreq_child).
 */
void inherit_read(int listener, struct inherit_options *out);

/*
 * Gives that to a socket, where it has others. usual: what sessions' sockets have before, of IPv4
 * and of IPv6: of a family every one the same, since all are made in one way, so that the first one
 * is asked for all. Zeroed before that. What the socket refuses stays as it is: the connection is
 * none the less the app's.
 */
void inherit_give(const struct inherit_options *options, int socket,
		  struct inherit_options usual[2]);

#endif
