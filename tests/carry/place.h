/* SPDX-License-Identifier: Apache-2.0 */
/* A daemon, a keeper with carriers, and an app that echoes. */
#ifndef TESTS_CARRY_PLACE_H
#define TESTS_CARRY_PLACE_H

#include "tests/e2e/daemon.h"
#include "tests/e2e/plain_app.h"
#include "tests/peer/peer.h"

enum { PLACE_CARRIERS_MAX = 16 };

struct place {
	struct daemon agent;
	struct plain_app app;
	pid_t keeper; /* 0: none */
};

/* place_open - skips the test where the kernel has no TLS; without a keeper; checks */
void place_open(struct place *place, const char *settings);

/* place_keep - starts a keeper, and waits until the daemon has its carriers; checks */
void place_keep(struct place *place);

/* place_close - ends what runs still; checks */
void place_close(struct place *place);

/* place_carriers - those that the daemon knows and that take sessions, when there are any; checks */
int place_carriers(const struct place *place, pid_t carriers[PLACE_CARRIERS_MAX]);

/* place_session - a client whose session is there; checks */
struct peer *place_session(const struct place *place);

/* place_carrier_of - the carrier that has a client's session, after a while; 0: none */
pid_t place_carrier_of(const struct place *place, const char *client);

/* place_check_ended - one end was recorded, for that reason (NULL: for any); checks */
void place_check_ended(const struct place *place, const char *client, const char *reason);

#endif
