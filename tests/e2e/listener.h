/* SPDX-License-Identifier: Apache-2.0 */
/* The test itself as the app behind a daemon, where it has to do what tests/app cannot. */
#ifndef TESTS_E2E_LISTENER_H
#define TESTS_E2E_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/peer/address.h"

enum { LISTENER_NAME_MAX = ADDRESS_MAX };

/* how the app of a connection saw its client: as tests/peer writes addresses */
struct listener_client {
	char accepted[LISTENER_NAME_MAX]; /* what accept() said */
	char named[LISTENER_NAME_MAX]; /* what getpeername() says */
};

/*
 * listener_open - listens; [::] with dual stands for all addresses of both families; checks
 * @backlog: as listen() takes it
 */
int listener_open(const char *host, uint16_t port, bool dual, int backlog);

/* listener_accept - the next connection's socket, or -ETIMEDOUT; client may be NULL */
int listener_accept(int listener, int limit_ms, struct listener_client *client);

/* listener_peer_name - what getpeername() says; 0, -errno */
int listener_peer_name(int fd, char name[LISTENER_NAME_MAX]);

/* listener_read - until there are size bytes, or the end: how many; -ETIMEDOUT before that */
ssize_t listener_read(int fd, void *data, size_t size, int limit_ms);

#endif
