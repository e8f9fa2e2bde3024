/* SPDX-License-Identifier: Apache-2.0 */
/* Clients that come again and again, in processes of their own, and what became of them. */
#ifndef TESTS_E2E_CROWD_H
#define TESTS_E2E_CROWD_H

#include <stdint.h>
#include <sys/types.h>

enum { CROWD_MAX = 8 };

/* counted by the clients, while they come */
struct crowd_tally {
	unsigned int served;
	unsigned int refused; /* in whatever way: there may be nobody to serve them */
	unsigned int wrong; /* got other data than they sent */
	unsigned int hung;
	int stop;
};

struct crowd {
	pid_t clients[CROWD_MAX];
	int count;
	const char *text; /* that each sends, first of all */
	int pause_ms; /* between its visits; 0 at first */
	struct crowd_tally *tally; /* NULL before the start */
};

/* crowd_visit - one visit: the text, 5000 bytes more, and a FIN; all echoed. 0, or a peer's error */
int crowd_visit(uint16_t port, const char *text);

/**
 * crowd_start - starts clients that come to a port each; checks
 * @ports: ended by 0; at most CROWD_MAX
 * @text: is used until crowd_stop
 */
void crowd_start(struct crowd *crowd, const uint16_t *ports, const char *text);

/* crowd_stop - lets each of them end its last visit, in time; checks. The tally stays. */
void crowd_stop(struct crowd *crowd);

/* crowd_count - one of the tally's numbers */
unsigned int crowd_count(const unsigned int *count);

#endif
