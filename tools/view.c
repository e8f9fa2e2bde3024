// SPDX-License-Identifier: Apache-2.0
#include "tools/view.h"

#include <string.h>

#include "tools/question.h"

const char *view_mark(const char *outcome, enum table_colour *colour)
{
	if (!strcmp(outcome, "passed")) {
		*colour = TABLE_GOOD;
		return "✓";
	}
	if (!strcmp(outcome, "not-applicable")) {
		*colour = TABLE_DIM;
		return "–";
	}
	*colour = TABLE_BAD;
	return "✗";
}

static void view_field(const json_t *json, const char *key, const char *title)
{
	const char *text = question_text(json, key);

	if (*text)
		printf("%-12s %s\n", title, text);
}

static void view_verdict(const json_t *record)
{
	const char *event = question_text(record, "event");
	const char *reason = question_text(record, "reason");
	bool good = !strcmp(event, "accepted") || !strcmp(event, "ended");

	table_colour(stdout, good ? TABLE_GOOD : TABLE_BAD);
	printf("%s", event);
	table_colour(stdout, TABLE_PLAIN);
	printf("%s%s\n", *reason ? ": " : "", reason);
}

static void view_checks(const json_t *checks)
{
	static const char *const columns[] = { " ", "CHECK", "OUTCOME", "REASON", NULL };
	struct table *table = table_new(columns);
	enum table_colour colour;
	const char *outcome, *mark;
	json_t *check;
	size_t i;

	if (!table)
		return;
	json_array_foreach(checks, i, check) {
		outcome = question_text(check, "outcome");
		mark = view_mark(outcome, &colour);
		table_add(table, colour, "%s", mark);
		table_add(table, TABLE_PLAIN, "%s", question_text(check, "check"));
		table_add(table, colour, "%s", outcome);
		table_add(table, TABLE_PLAIN, "%s", question_text(check, "reason"));
	}
	putchar('\n');
	table_print(table, stdout, "no checks");
}

static void view_paths(const json_t *paths)
{
	const char *fault;
	json_t *path, *step;
	json_int_t depth;
	size_t i, k;

	json_array_foreach(paths, i, path) {
		fault = question_text(path, "fault");
		printf("\n%s", *fault ? "a path that failed: " : "the path that was found:\n");
		if (*fault)
			printf("%s\n", fault);
		depth = *fault ? json_integer_value(json_object_get(path, "depth")) : -1;
		json_array_foreach(json_object_get(path, "certificates"), k, step)
			printf("  %*s%s%s\n", (int)(2 * k), "", json_string_value(step),
			       (json_int_t)k == depth ? "  <- here" : "");
	}
}

void view_record(const json_t *record)
{
	const json_t *certificate = json_object_get(record, "certificate");
	const json_t *checks = json_object_get(record, "checks");
	json_t *note, *item;
	size_t i;

	view_verdict(record);
	view_field(record, "time", "time");
	view_field(record, "line", "line");
	view_field(record, "function", "function");
	view_field(record, "direction", "direction");
	view_field(record, "level", "level");
	view_field(record, "peer", "peer");
	view_field(record, "local", "local");
	view_field(record, "tls", "TLS");
	view_field(record, "cipher", "cipher");
	if (json_is_true(json_object_get(record, "resumed")))
		printf("%-12s yes: the certificate is that of the session's beginning\n", "resumed");
	view_field(record, "alert", "alert sent");
	view_field(certificate, "subject", "subject");
	view_field(certificate, "issuer", "issuer");
	view_field(certificate, "not_after", "valid until");
	view_field(certificate, "sha256", "SHA-256");
	if (checks)
		view_checks(checks);
	/* of the daily record, which is of no connection */
	json_array_foreach(json_object_get(record, "certificates"), i, item)
		printf("%5lld days   %s: %s\n", question_number(item, "days"),
		       question_text(item, "what"), question_text(item, "subject"));
	view_paths(json_object_get(record, "paths"));
	json_array_foreach(json_object_get(record, "notes"), i, note)
		printf("%snote: %s\n", i ? "" : "\n", json_string_value(note));
}
