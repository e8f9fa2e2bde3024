/* SPDX-License-Identifier: Apache-2.0 */
/* What a connection has of the listener that it is accepted from. */
#ifndef USERSPACE_INHERIT_H
#define USERSPACE_INHERIT_H

/*
 * Gives a socket the options that the kernel would have cloned from that listener
 * (net/core/sock.c, sk_clone_lock; net/ipv4/tcp_minisocks.c, tcp_create_openreq_child), where it
 * has others. What it refuses stays as it is: the connection is none the less the app's.
 */
void inherit_options(int listener, int socket);

#endif
