/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of reverify.h alone. */
#ifndef USERSPACE_REVERIFY_INTERNAL_H
#define USERSPACE_REVERIFY_INTERNAL_H

#include <sys/queue.h>

#include "userspace/reverify.h"
#include "userspace/session_table.h"

#define REVERIFY_QUESTIONS 64 /* that are under way */

struct reverify_question {
	bool asked;
	struct cohort *cohort; /* NULL: its sessions have ended meanwhile */
	uint32_t worker, policy;
	unsigned int rounds; /* of the supervisor, that it has waited for its answer */
	uint64_t number;
	int64_t now; /* the time that it is judged by */
};

struct reverify {
	struct agent *agent;
	struct session_table *table;
	int chains; /* the folder */
	struct loop_io timer;
	struct loop_timeouts retries;
	struct loop_timeout retry;
	struct loop_turn turn; /* asks, and looks for the lines of sessions, after what is under way */
	uint64_t *late; /* sessions that came by a policy that is not today's */
	size_t late_count;
	TAILQ_HEAD(, cohort) queue;
	struct reverify_question questions[REVERIFY_QUESTIONS];
	uint64_t since; /* ns: when what has sessions judged was heard of, last */
	uint64_t asked; /* questions so far */
	uint64_t judged; /* answers so far */
};

/* Seconds since the epoch. */
int64_t reverify_now(void);

/* Sets when a cohort is judged again for the time; 0: it is not. */
void reverify_set_due(struct reverify *reverify, struct cohort *cohort, int64_t until);

/* Has a cohort judged again when there is a worker for it; first: before those that wait. */
void reverify_queue(struct reverify *reverify, struct cohort *cohort, bool first);

/* Asks workers as much as there is room for. Cohorts may be gone after this. */
void reverify_pump(struct reverify *reverify);

/* The same, when it is time for those that no worker took. */
void reverify_pump_later(struct loop_timeout *timeout);

/* Ends all sessions of a cohort, which is gone after this. */
void reverify_end(struct reverify *reverify, struct cohort *cohort, const char *why);

/* Does with a cohort what a worker's answer calls for: it may be gone after this. */
void reverify_decide(struct reverify *reverify, struct cohort *cohort, const struct record *record);

/* Ends the sessions whose address no line claims, or another one than when they began. */
void reverify_place(struct reverify *reverify);

/* The same of those that are noted as late, alone. */
void reverify_place_late(struct reverify *reverify);

#endif
