/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's main process as adopters see it, played by the test: it has the maps, and gives
 * connected sockets to a wrapped app. What a session is made of does not matter to an adopter, so
 * these are plain TCP, and all of it works on a kernel without TLS.
 */
#ifndef TESTS_ADOPT_FAKE_MAIN_H
#define TESTS_ADOPT_FAKE_MAIN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/e2e/process.h"
#include "userspace/handover.h"

struct linewarden;

struct fake_main {
	char run[PROCESS_PATH_MAX / 2];
	char log[PROCESS_PATH_MAX];
	struct linewarden *maps; /* loaded, and attached nowhere */
	int socket; /* where adopters come */
	int adopter; /* of the last one that came; -1 */
	int elsewhere; /* a network namespace whose addresses are this one's, too */
	int here;
	uint32_t connect_ms; /* what adopters are told of connect(), from the next one on */
	bool dual; /* connections are made to a listener of both families, as of AF_INET6 */
	pid_t keeper;
	struct handover last; /* message that was received */
};

/* an end of a connection that was given to an adopter */
struct fake_client {
	int fd; /* the peer's end */
	uint64_t cookie; /* of the other */
	char name[64]; /* of the peer's end: what the app is to see */
};

/* fake_main_start - with a keeper, and these ports governed (ended by 0); checks */
void fake_main_start(struct fake_main *main, const char *name, const uint16_t *ports);

/* fake_main_listen, fake_main_hang_up - as main processes that begin and end; checks */
void fake_main_listen(struct fake_main *main);
void fake_main_hang_up(struct fake_main *main);

/* fake_main_meet - waits for an adopter, and answers it; checks */
void fake_main_meet(struct fake_main *main);

/* fake_main_expect - waits for a message of that type, in main->last; others are dropped. -ETIMEDOUT */
int fake_main_expect(struct fake_main *main, enum handover_type type, int limit_ms);

/*
 * fake_main_connect - a connection to host:port, which nobody was given yet: the socket that is
 * the app's to be; checks
 */
int fake_main_connect(struct fake_main *main, const char *host, uint16_t port,
		      struct fake_client *client);

/* fake_main_dial - a connection into the queue of whoever listens there, here; its socket; checks */
int fake_main_dial(const char *host, uint16_t port);

/* fake_main_give - the same as fake_main_connect(), given to the adopter; checks */
void fake_main_give(struct fake_main *main, const char *host, uint16_t port,
		    struct fake_client *client);

/* fake_main_send - gives a socket, which stays the caller's; checks */
void fake_main_send(struct fake_main *main, int socket, uint64_t cookie);

/* fake_main_wrap - starts `linewarden exec -- COMMAND` and meets its adopter; its pid; checks */
pid_t fake_main_wrap(struct fake_main *main, const char *const command[]);

/* fake_main_adopter - the pid of the keeper's only adopter */
pid_t fake_main_adopter(const struct fake_main *main);

/* fake_main_stop - ends the keeper and forgets all; checks */
void fake_main_stop(struct fake_main *main);

#endif
