/* SPDX-License-Identifier: Apache-2.0 */
/* A client that has its session echo again and again, in a process of its own. */
#ifndef TESTS_CARRY_TALK_H
#define TESTS_CARRY_TALK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/peer/peer.h"

struct talk {
	pid_t pid;
	int stop, report; /* descriptors */
	char local[64]; /* its end of the session */
};

struct talk_report {
	struct peer_result result; /* after the other side has closed, too */
	int error; /* of the first step that failed; 0 */
	uint64_t rounds;
	long long longest_ms; /* round */
};

/* talk_start - opens the session; each round echoes size bytes, in writes of a width; checks */
void talk_start(struct talk *talk, const struct peer_options *options, int size, int width);

/* talk_stop - ends the session after the round that is under way, in order; checks */
void talk_stop(struct talk *talk, struct talk_report *report);

#endif
