// SPDX-License-Identifier: Apache-2.0
#include "userspace/session_table.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_BUCKETS 8192 /* a power of two */

struct session_table {
	LIST_HEAD(, cohort_member) members[TABLE_BUCKETS];
	LIST_HEAD(, cohort) cohorts[TABLE_BUCKETS];
	LIST_HEAD(, cohort_mark) marks[TABLE_BUCKETS];
	LIST_HEAD(, cohort) unmarked;
	size_t cohort_count;
	uint64_t visits; /* so far, of those that are concerned */
	struct cohort **due; /* a heap: none is due before its parent at (i - 1) / 2 */
	size_t due_count, due_room;
};

struct session_table *session_table_new(void)
{
	return calloc(1, sizeof(struct session_table));
}

static size_t table_bucket(const uint8_t chain[LW_CHAIN_LEN])
{
	/* a hash already */
	return (chain[0] | (size_t)chain[1] << 8) % TABLE_BUCKETS;
}

static struct cohort_member *table_member(const struct session_table *table, uint64_t cookie)
{
	struct cohort_member *member;

	LIST_FOREACH(member, &table->members[cookie % TABLE_BUCKETS], bucket)
		if (member->cookie == cookie)
			return member;
	return NULL;
}

static void table_place(struct session_table *table, size_t at, struct cohort *cohort)
{
	table->due[at] = cohort;
	cohort->due = at + 1;
}

/* Moves one up or down until the heap is one again. */
static void table_settle(struct session_table *table, size_t at)
{
	struct cohort *cohort = table->due[at];
	size_t child;

	while (at && table->due[(at - 1) / 2]->valid_until > cohort->valid_until) {
		table_place(table, at, table->due[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	while ((child = 2 * at + 1) < table->due_count) {
		if (child + 1 < table->due_count &&
		    table->due[child + 1]->valid_until < table->due[child]->valid_until)
			child++;
		if (table->due[child]->valid_until >= cohort->valid_until)
			break;
		table_place(table, at, table->due[child]);
		at = child;
	}
	table_place(table, at, cohort);
}

static void table_forget_due(struct session_table *table, struct cohort *cohort)
{
	size_t at = cohort->due - 1;
	struct cohort *last;

	if (!cohort->due)
		return;
	cohort->due = 0;
	last = table->due[--table->due_count];
	if (last == cohort)
		return;
	table_place(table, at, last);
	table_settle(table, at);
}

int session_table_set_due(struct session_table *table, struct cohort *cohort, int64_t valid_until)
{
	struct cohort **more;

	cohort->valid_until = valid_until;
	if (!valid_until) {
		table_forget_due(table, cohort);
		return 0;
	}
	if (!cohort->due) {
		if (table->due_count == table->due_room) {
			more = reallocarray(table->due, 2 * table->due_room + 64, sizeof(*more));
			if (!more)
				return -ENOMEM;
			table->due = more;
			table->due_room = 2 * table->due_room + 64;
		}
		table_place(table, table->due_count++, cohort);
	}
	table_settle(table, cohort->due - 1);
	return 0;
}

struct cohort *session_table_first_due(const struct session_table *table)
{
	return table->due_count ? table->due[0] : NULL;
}

static struct cohort *table_cohort(const struct session_table *table,
				   const struct session *session)
{
	struct cohort *cohort;

	LIST_FOREACH(cohort, &table->cohorts[table_bucket(session->chain)], bucket)
		if (cohort->direction == session->direction &&
		    !memcmp(cohort->chain, session->chain, sizeof(cohort->chain)) &&
		    !strcmp(cohort->line, session->line))
			return cohort;
	return NULL;
}

static struct cohort *table_new_cohort(struct session_table *table, const struct session *session)
{
	struct cohort *cohort = calloc(1, sizeof(*cohort));

	if (!cohort)
		return NULL;
	memcpy(cohort->line, session->line, sizeof(cohort->line));
	memcpy(cohort->chain, session->chain, sizeof(cohort->chain));
	memcpy(cohort->fingerprint, session->fingerprint, sizeof(cohort->fingerprint));
	cohort->direction = session->direction;
	if (session_table_set_due(table, cohort, (int64_t)session->valid_until) < 0) {
		free(cohort);
		return NULL;
	}
	LIST_INSERT_HEAD(&table->cohorts[table_bucket(cohort->chain)], cohort, bucket);
	LIST_INSERT_HEAD(&table->unmarked, cohort, unmarked);
	table->cohort_count++;
	return cohort;
}

int session_table_line_mark(const char *line, enum direction direction, uint64_t *out)
{
	char text[LW_NAME_LEN + 1];
	uint8_t sha256[32];

	snprintf(text, sizeof(text), "%c%s", direction == DIRECTION_OUTBOUND ? '>' : '<', line);
	if (EVP_Digest(text, strlen(text), sha256, NULL, EVP_sha256(), NULL) != 1)
		return -ENOMEM;
	*out = mark_fingerprint(sha256);
	return 0;
}

static void table_add_mark(struct session_table *table, struct cohort *cohort, uint64_t mark)
{
	struct cohort_mark *entry = &cohort->marks[cohort->mark_count++];

	*entry = (struct cohort_mark){ .cohort = cohort, .mark = mark };
	LIST_INSERT_HEAD(&table->marks[mark % TABLE_BUCKETS], entry, bucket);
}

void session_table_mark(struct session_table *table, struct cohort *cohort, const uint64_t *marks,
			size_t count)
{
	uint64_t line;
	size_t i;

	if (session_table_line_mark(cohort->line, cohort->direction, &line) < 0)
		return;
	cohort->marks = calloc(count + 1, sizeof(*cohort->marks));
	if (!cohort->marks)
		return;
	LIST_REMOVE(cohort, unmarked);
	table_add_mark(table, cohort, line);
	for (i = 0; i < count; i++)
		table_add_mark(table, cohort, marks[i]);
}

/* In no list of either kind after this. */
static void table_forget_marks(struct cohort *cohort)
{
	size_t i;

	if (!cohort->marks)
		LIST_REMOVE(cohort, unmarked);
	for (i = 0; i < cohort->mark_count; i++)
		LIST_REMOVE(&cohort->marks[i], bucket);
	free(cohort->marks);
	cohort->marks = NULL;
	cohort->mark_count = 0;
}

void session_table_unmark(struct session_table *table, struct cohort *cohort)
{
	table_forget_marks(cohort);
	LIST_INSERT_HEAD(&table->unmarked, cohort, unmarked);
}

size_t session_table_count(const struct session_table *table)
{
	return table->cohort_count;
}

/* Whoever of a cohort is due first has all of it judged: a worker's word on one binds no other. */
static int table_advance(struct session_table *table, struct cohort *cohort,
			 const struct session *session)
{
	const int64_t valid_until = (int64_t)session->valid_until;

	if (!valid_until || (cohort->valid_until && cohort->valid_until <= valid_until))
		return 0;
	return session_table_set_due(table, cohort, valid_until);
}

struct cohort *session_table_add(struct session_table *table, uint64_t cookie,
				 const struct session *session)
{
	struct cohort_member *member = table_member(table, cookie);
	struct cohort *cohort = table_cohort(table, session);

	/* the kernel's table begins anew where an entry goes while it is read: it shows some twice */
	if (member)
		return member->cohort;
	member = calloc(1, sizeof(*member));
	if (member && !cohort)
		cohort = table_new_cohort(table, session);
	if (!member || !cohort || table_advance(table, cohort, session) < 0) {
		free(member);
		return NULL;
	}
	member->cookie = cookie;
	member->cohort = cohort;
	LIST_INSERT_HEAD(&table->members[cookie % TABLE_BUCKETS], member, bucket);
	LIST_INSERT_HEAD(&cohort->members, member, entry);
	cohort->member_count++;
	return cohort;
}

bool session_table_remove(struct session_table *table, uint64_t cookie, struct cohort **emptied)
{
	struct cohort_member *member = table_member(table, cookie);
	struct cohort *cohort;

	if (!member)
		return false;
	cohort = member->cohort;
	LIST_REMOVE(member, bucket);
	LIST_REMOVE(member, entry);
	free(member);
	if (--cohort->member_count)
		return false;
	table_forget_due(table, cohort);
	table_forget_marks(cohort);
	LIST_REMOVE(cohort, bucket);
	table->cohort_count--;
	*emptied = cohort;
	return true;
}

bool session_table_has_chain(const struct session_table *table, const uint8_t chain[LW_CHAIN_LEN])
{
	const struct cohort *cohort;

	LIST_FOREACH(cohort, &table->cohorts[table_bucket(chain)], bucket)
		if (!memcmp(cohort->chain, chain, sizeof(cohort->chain)))
			return true;
	return false;
}

void session_table_visit(struct session_table *table,
			 void (*visit)(struct cohort *cohort, void *arg), void *arg)
{
	struct cohort *cohort;
	size_t i;

	for (i = 0; i < TABLE_BUCKETS; i++)
		LIST_FOREACH(cohort, &table->cohorts[i], bucket)
			visit(cohort, arg);
}

static void table_visit_marked(struct session_table *table, uint64_t mark,
			       void (*visit)(struct cohort *cohort, void *arg), void *arg)
{
	struct cohort_mark *entry;

	LIST_FOREACH(entry, &table->marks[mark % TABLE_BUCKETS], bucket) {
		if (entry->mark != mark || entry->cohort->visit == table->visits)
			continue;
		entry->cohort->visit = table->visits;
		visit(entry->cohort, arg);
	}
}

void session_table_visit_concerned(struct session_table *table, const struct mark_set *set,
				   void (*visit)(struct cohort *cohort, void *arg), void *arg)
{
	struct cohort *cohort;
	size_t i;

	table->visits++;
	for (i = 0; i < set->room; i++)
		if (set->slots[i])
			table_visit_marked(table, set->slots[i], visit, arg);
	LIST_FOREACH(cohort, &table->unmarked, unmarked)
		visit(cohort, arg);
}

static void table_free_cohort(struct cohort *cohort)
{
	struct cohort_member *member;

	while ((member = LIST_FIRST(&cohort->members))) {
		LIST_REMOVE(member, entry);
		free(member);
	}
	free(cohort->marks);
	free(cohort);
}

void session_table_free(struct session_table *table)
{
	struct cohort *cohort;
	size_t i;

	if (!table)
		return;
	for (i = 0; i < TABLE_BUCKETS; i++)
		while ((cohort = LIST_FIRST(&table->cohorts[i]))) {
			LIST_REMOVE(cohort, bucket);
			table_free_cohort(cohort);
		}
	free(table->due);
	free(table);
}
