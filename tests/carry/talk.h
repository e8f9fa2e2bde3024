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
	const uint64_t *rounds; /* so far */
};

struct talk_report {
	struct peer_result result; /* after the other side has closed, too */
	int error; /* of the first step that failed; 0 */
	long long longest_ms; /* round */
};

/**
 * talk_start - opens the session; each round echoes size bytes, in writes of a width; checks
 * @end: the step of a peer that ends what is sent; then the other side's end is waited for
 */
void talk_start(struct talk *talk, const struct peer_options *options, int size, int width,
		const char *end);

/* talk_rounds - how many are done; it counts on while the talk goes on */
uint64_t talk_rounds(const struct talk *talk);

/* talk_stop - ends the session after the round that is under way, in order; checks */
void talk_stop(struct talk *talk, struct talk_report *report);

#endif
