// SPDX-License-Identifier: Apache-2.0
/* The table of sessions: cohorts, and which of them is due first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness.h"
#include "userspace/session_table.h"

FIXTURE(table)
{
	struct session_table *table;
};

FIXTURE_SETUP(table)
{
	self->table = session_table_new();
	ASSERT_NOT_NULL(self->table);
}

FIXTURE_TEARDOWN(table)
{
	session_table_free(self->table);
}

static struct session some_session(const char *line, unsigned int chain, uint64_t until)
{
	struct session session = { .valid_until = until };

	snprintf(session.line, sizeof(session.line), "%s", line);
	memcpy(session.chain, &chain, sizeof(chain));
	return session;
}

static struct cohort *add(struct session_table *table, uint64_t cookie, struct session session,
			  bool is_new)
{
	struct cohort *cohort = session_table_add(table, cookie, &session);

	ASSERT_NOT_NULL(cohort);
	EXPECT_EQ(is_new, cohort->member_count == 1);
	return cohort;
}

/* one line and one chain: one cohort; another line, direction or chain: another one */
TEST_F(table, cohorts)
{
	struct session outbound = some_session("a", 1, 0);
	struct cohort *first, *second, *emptied = NULL;

	outbound.direction = DIRECTION_OUTBOUND;
	first = add(self->table, 1, some_session("a", 1, 0), true);
	EXPECT_EQ(first, add(self->table, 2, some_session("a", 1, 0), false));
	EXPECT_EQ(first, add(self->table, 2, some_session("a", 1, 0), false));
	second = add(self->table, 3, some_session("b", 1, 0), true);
	EXPECT_NE(first, second);
	EXPECT_NE(first, add(self->table, 4, some_session("a", 2, 0), true));
	EXPECT_NE(first, add(self->table, 5, outbound, true));
	EXPECT_EQ(2, first->member_count);

	EXPECT_FALSE(session_table_remove(self->table, 99, &emptied));
	EXPECT_FALSE(session_table_remove(self->table, 1, &emptied));
	EXPECT_FALSE(session_table_remove(self->table, 1, &emptied));
	EXPECT_TRUE(session_table_remove(self->table, 2, &emptied));
	EXPECT_EQ(first, emptied);
	/* what its peers presented is that of others still */
	EXPECT_TRUE(session_table_has_chain(self->table, emptied->chain));
	free(emptied);
	EXPECT_TRUE(session_table_remove(self->table, 4, &emptied));
	EXPECT_FALSE(session_table_has_chain(self->table, emptied->chain));
	free(emptied);
}

/* all of a cohort are judged when the first of them is due */
TEST_F(table, cohort_is_due_with_the_first)
{
	static const struct {
		uint64_t until;
		int64_t due;
	} steps[] = { { 0, 0 }, { 50, 50 }, { 0, 50 }, { 60, 50 }, { 40, 40 } };

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct cohort *cohort =
			add(self->table, i, some_session("a", 1, steps[i].until), !i);

		EXPECT_EQ(steps[i].due, cohort->valid_until);
		EXPECT_EQ(steps[i].due ? cohort : NULL, session_table_first_due(self->table));
	}
}

static void count_visit(struct cohort *cohort, void *arg)
{
	(void)arg;
	cohort->tries++;
}

/* how often a cohort was visited since it was asked about last */
static unsigned int visits(struct cohort *cohort)
{
	unsigned int count = cohort->tries;

	cohort->tries = 0;
	return count;
}

static void visit_concerned(struct session_table *table, const uint64_t *marks, size_t count)
{
	struct mark_set set = { 0 };

	for (size_t i = 0; i < count; i++)
		ASSERT_OK(mark_set_add(&set, marks[i]));
	session_table_visit_concerned(table, &set, count_visit, NULL);
	mark_set_release(&set);
}

/* once each, by a name or by the line; without marks by everything */
TEST_F(table, concerned)
{
	/* the last two in one bucket */
	const uint64_t names[] = { 1, 2, 3, 3 + 8192 };
	struct cohort *one = add(self->table, 1, some_session("a", 1, 0), true);
	struct cohort *two = add(self->table, 2, some_session("b", 2, 0), true);
	struct cohort *three = add(self->table, 3, some_session("b", 3, 0), true);
	struct cohort *emptied;
	uint64_t line;

	session_table_mark(self->table, one, names, 2);
	session_table_mark(self->table, two, names + 1, 2);
	EXPECT_EQ(3, session_table_count(self->table));

	visit_concerned(self->table, NULL, 0);
	EXPECT_EQ(0, visits(one));
	EXPECT_EQ(0, visits(two));
	EXPECT_EQ(1, visits(three));
	session_table_mark(self->table, three, NULL, 0);
	visit_concerned(self->table, names, 3);
	EXPECT_EQ(1, visits(one));
	EXPECT_EQ(1, visits(two));
	EXPECT_EQ(0, visits(three));
	visit_concerned(self->table, names + 2, 1);
	EXPECT_EQ(0, visits(one));
	EXPECT_EQ(1, visits(two));
	visit_concerned(self->table, names + 3, 1);
	EXPECT_EQ(0, visits(two));

	ASSERT_OK(session_table_line_mark("b", DIRECTION_OUTBOUND, &line));
	visit_concerned(self->table, &line, 1);
	EXPECT_EQ(0, visits(two));
	ASSERT_OK(session_table_line_mark("b", DIRECTION_INBOUND, &line));
	visit_concerned(self->table, &line, 1);
	EXPECT_EQ(0, visits(one));
	EXPECT_EQ(1, visits(two));
	EXPECT_EQ(1, visits(three));

	session_table_unmark(self->table, one);
	session_table_unmark(self->table, one);
	EXPECT_TRUE(session_table_remove(self->table, 2, &emptied));
	free(emptied);
	visit_concerned(self->table, names + 2, 1);
	EXPECT_EQ(1, visits(one));
	EXPECT_EQ(0, visits(three));
	EXPECT_EQ(2, session_table_count(self->table));
}

static int later(const void *a, const void *b)
{
	const int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return (left > right) - (left < right);
}

/* whatever is added, moved and removed: the first one due is the first one due */
TEST_F(table, due_in_order)
{
	enum { COUNT = 500 };
	struct cohort *cohorts[COUNT], *emptied;
	int64_t expected[COUNT];
	size_t count = 0;

	EXPECT_NULL(session_table_first_due(self->table));
	srand(1);
	for (unsigned int i = 0; i < COUNT; i++)
		cohorts[i] = add(self->table, i, some_session("a", i, 1 + (uint64_t)rand() % 200), true);
	for (unsigned int i = 0; i < COUNT; i++) {
		if (i % 5 == 0)
			ASSERT_OK(session_table_set_due(self->table, cohorts[i],
							1 + rand() % 200));
		if (i % 7 == 0)
			ASSERT_OK(session_table_set_due(self->table, cohorts[i], 0));
		if (i % 11 == 0) {
			ASSERT_TRUE(session_table_remove(self->table, i, &emptied));
			free(emptied);
		} else if (i % 7) {
			expected[count++] = cohorts[i]->valid_until;
		}
	}
	qsort(expected, count, sizeof(expected[0]), later);
	for (size_t i = 0; i < count; i++) {
		struct cohort *first = session_table_first_due(self->table);

		ASSERT_NOT_NULL(first);
		ASSERT_EQ(expected[i], first->valid_until);
		ASSERT_OK(session_table_set_due(self->table, first, 0));
	}
	EXPECT_NULL(session_table_first_due(self->table));
}
