// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/journal.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/process.h"
#include "tests/harness.h"

#define JOURNAL_WAIT_MS 5000

static bool journal_has(const json_t *record, const struct journal_want *want)
{
	const json_t *member = json_object_get(record, want->key);
	char number[32];

	if (!member || strcmp(want->value, "*") == 0)
		return member;
	if (json_is_string(member))
		return strcmp(want->value, json_string_value(member)) == 0;
	if (!json_is_integer(member))
		return false;
	snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(member));
	return strcmp(want->value, number) == 0;
}

/* the record of a line that fits; a new reference */
static json_t *journal_match(const char *line, const struct journal_want *want)
{
	json_t *record;

	/* most lines are somebody else's, and parsing is slow in an emulated machine */
	for (const struct journal_want *w = want; w->key; w++)
		if (strcmp(w->value, "*") != 0 && !strstr(line, w->value))
			return NULL;
	record = json_loads(line, 0, NULL);
	for (; record && want->key; want++) {
		if (!journal_has(record, want)) {
			json_decref(record);
			record = NULL;
		}
	}
	return record;
}

/* the first that fits, or with a count how many do */
static json_t *journal_read(const char *path, const struct journal_want *want, int *count)
{
	FILE *file = fopen(path, "re");
	json_t *record = NULL;
	char *line = NULL;
	size_t room = 0;
	ssize_t n;

	if (!file)
		return NULL;
	while (!record && (n = getline(&line, &room, file)) > 0) {
		if (line[n - 1] != '\n') /* half written */
			break;
		record = journal_match(line, want);
		if (record && count) {
			++*count;
			json_decref(record);
			record = NULL;
		}
	}
	free(line);
	fclose(file);
	return record;
}

json_t *journal_wait(const char *path, const struct journal_want *want)
{
	long long end = process_now_ms() + JOURNAL_WAIT_MS * harness_time_scale();
	json_t *record;

	while (!(record = journal_read(path, want, NULL)) && process_now_ms() < end)
		process_sleep_ms(5 * harness_time_scale());
	return record;
}

int journal_count(const char *path, const struct journal_want *want)
{
	int count = 0;

	journal_read(path, want, &count);
	return count;
}

const char *journal_text(const json_t *record, const char *key)
{
	const char *text = json_string_value(json_object_get(record, key));

	return text ? text : "";
}

long long journal_number(const json_t *record, const char *key)
{
	const json_t *member = json_object_get(record, key);

	return json_is_integer(member) ? (long long)json_integer_value(member) : -1;
}
