/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The live sessions as they are judged: those of one line whose peers presented the same are one
 * *cohort*, which one verdict serves. By when they have to be judged again, the earliest first; and
 * by the marks of what their verdict goes by (policy/reach.h): their line, and the names and
 * fingerprints of what was presented.
 */
#ifndef USERSPACE_SESSION_TABLE_H
#define USERSPACE_SESSION_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "bpf/abi.h"
#include "policy/mark.h"

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

struct cohort_mark {
	LIST_ENTRY(cohort_mark) bucket;
	struct cohort *cohort;
	uint64_t mark;
};

struct cohort {
	LIST_ENTRY(cohort) bucket;
	struct cohort_mark *marks; /* NULL: it has none, and is concerned by everything */
	size_t mark_count;
	LIST_ENTRY(cohort) unmarked; /* those without */
	uint64_t visit; /* the last one that met it */
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

/*
 * Says by what alone a cohort, which has no marks, is concerned: its line is among it. Without
 * memory it stays concerned by everything.
 */
void session_table_mark(struct session_table *table, struct cohort *cohort, const uint64_t *marks,
			size_t count);

/* It is concerned by everything, from now on. */
void session_table_unmark(struct session_table *table, struct cohort *cohort);

/* The mark of a line's cohorts. 0, or -ENOMEM. */
int session_table_line_mark(const char *line, enum direction direction, uint64_t *out);

/* How many cohorts there are. */
size_t session_table_count(const struct session_table *table);

/* When a cohort has to be judged again. -ENOMEM. */
int session_table_set_due(struct session_table *table, struct cohort *cohort,
			  int64_t valid_until);

/* The cohort that is due first; NULL: none is. */
struct cohort *session_table_first_due(const struct session_table *table);

/* Calls visit for every cohort, which may not change the table. */
void session_table_visit(struct session_table *table,
			 void (*visit)(struct cohort *cohort, void *arg), void *arg);

/* The same, once each, of those that have a mark of a set, and of those that have no marks. */
void session_table_visit_concerned(struct session_table *table, const struct mark_set *set,
				   void (*visit)(struct cohort *cohort, void *arg), void *arg);

#endif
