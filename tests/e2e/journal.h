/* SPDX-License-Identifier: Apache-2.0 */
/* Files that grow by a line of JSON for each event: the audit log, and what the app saw. */
#ifndef TESTS_E2E_JOURNAL_H
#define TESTS_E2E_JOURNAL_H

#include <jansson.h>

/*
 * What a line has to have: its keys and values, ended by NULL. Integers compare by their
 * text, and a value of "*" is any.
 */
struct journal_want {
	const char *key, *value;
};

#define JOURNAL_WANT(...) ((const struct journal_want[]){ __VA_ARGS__, { NULL, NULL } })

/* journal_wait - the first line that fits, within some seconds; a new reference, or NULL */
json_t *journal_wait(const char *path, const struct journal_want *want);

/* journal_count - how many lines fit */
int journal_count(const char *path, const struct journal_want *want);

/* journal_text - a member of a record; "" where it is missing or no text */
const char *journal_text(const json_t *record, const char *key);

/* journal_number - the same of an integer; -1 */
long long journal_number(const json_t *record, const char *key);

#endif
