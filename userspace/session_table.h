/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The live sessions as they are judged: those of one line whose peers presented the same are one
 * *cohort*, which one verdict serves. By when they have to be judged again, the earliest first.
 */
#ifndef USERSPACE_SESSION_TABLE_H
#define USERSPACE_SESSION_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "bpf/abi.h"

enum cohort_state {
	COHORT_JUDGED,
	COHORT_QUEUED,
	COHORT_ASKED, /* a worker has the question */
};

struct cohort_member {
	LIST_ENTRY(cohort_member) bucket;
	LIST_ENTRY(cohort_member) entry;
	struct cohort *cohort;
	uint64_t cookie;
};

struct cohort {
	LIST_ENTRY(cohort) bucket;
	LIST_HEAD(, cohort_member) members; /* at least one */
	size_t member_count;
	char line[LW_NAME_LEN];
	enum direction direction;
	uint8_t chain[LW_CHAIN_LEN];
	char fingerprint[LW_FINGERPRINT_LEN]; /* of the peer's own certificate, or "" */
	int64_t valid_until; /* the last second; 0: it is not judged again for the time */
	size_t due; /* its place among those that are due some time, plus 1; 0: none */

	/* whoever judges them */
	TAILQ_ENTRY(cohort) queue;
	enum cohort_state state;
	bool again; /* asked, and something has changed since */
	bool spared; /* its end was recorded, and it goes on */
	unsigned int tries;
};

struct session_table;

/* NULL: out of memory. */
struct session_table *session_table_new(void);
void session_table_free(struct session_table *table);

/*
 * Takes a session in, under the cookie of its socket, and once; its cohort is due no later than it.
 * Its cohort; NULL: out of memory.
 */
struct cohort *session_table_add(struct session_table *table, uint64_t cookie,
				 const struct session *session);

/*
 * Takes one out. true: it was the last of its cohort, which is out of the table now and the
 * caller's to free(). An unknown one is fine.
 */
bool session_table_remove(struct session_table *table, uint64_t cookie, struct cohort **emptied);

/* Whether a cohort has that evidence. */
bool session_table_has_chain(const struct session_table *table,
			     const uint8_t chain[LW_CHAIN_LEN]);

/* When a cohort has to be judged again. -ENOMEM. */
int session_table_set_due(struct session_table *table, struct cohort *cohort,
			  int64_t valid_until);

/* The cohort that is due first; NULL: none is. */
struct cohort *session_table_first_due(const struct session_table *table);

/* Calls visit for every cohort, which may not change the table. */
void session_table_visit(struct session_table *table,
			 void (*visit)(struct cohort *cohort, void *arg), void *arg);

#endif
