/* SPDX-License-Identifier: Apache-2.0 */
/* The test itself as an app that connects: in plain TCP, and what it sees of that. */
#ifndef TESTS_E2E_DIAL_H
#define TESTS_E2E_DIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/e2e/listener.h"

struct dial {
	const char *host;
	uint16_t port;
	const char *source; /* to bind to; NULL: nothing */
	bool ipv6_socket; /* an IPv4 address is written as IPv6 */
	bool waits; /* a blocking socket */
};

struct dialled {
	int fd;
	int error; /* of connect(), as it is reported to the app; 0 */
	/* as getsockname() and getpeername() say; empty where it ended before it was asked */
	char local[LISTENER_NAME_MAX], peer[LISTENER_NAME_MAX];
};

/* dial - connects, asks for the names at once as SIP stacks do, and waits for the end; checks */
struct dialled dial(const struct dial *dial);

/* dial_echo - sends a text, and expects it back */
void dial_echo(const struct dialled *dialled, const char *text);

/* dial_end - how the connection ends for the app: 0 for an end of file, or the error */
int dial_end(const struct dialled *dialled);

/* dial_expect_reset - which may come as early as the connection itself; closes it */
void dial_expect_reset(struct dialled *dialled);

#endif
