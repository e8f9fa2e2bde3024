/* SPDX-License-Identifier: Apache-2.0 */
/* The peers of the load: a client with the certificates that it shows, one after the other. */
#ifndef TESTS_BENCH_CLIENT_H
#define TESTS_BENCH_CLIENT_H

#include <stddef.h>

#include "tests/bench/wire.h"

struct client;

/*
 * client_new - certificates: a file with each certificate followed by its key, as mkpki makes it;
 * chain: one whose certificates after the first go with each of them; first, count: those that are
 * shown, in turns. certificates NULL: plain TCP. Ends the program on a mistake.
 */
struct client *client_new(const char *address, const char *certificates, const char *chain,
			  size_t first, size_t count);

/* client_connect - a connection, with the handshake done; ends the program where there is none */
void client_connect(struct client *client, struct wire *wire);

/* client_tickets - how many sessions to resume servers have sent so far */
unsigned int client_tickets(void);

#endif
