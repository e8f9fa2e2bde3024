// SPDX-License-Identifier: Apache-2.0
/* `linewarden watch`: audit records as they are written. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/question.h"
#include "tools/table.h"
#include "tools/tool.h"

/* a table that has no end: the widths are those of usual values, and longer ones push the rest */
static const struct watch_column {
	const char *key, *title;
	int width; /* 0: the last one, without padding */
} watch_columns[] = {
	{ "time", "TIME", 24 },	       { "event", "EVENT", 8 },	      { "line", "LINE", 12 },
	{ "function", "FUNCTION", 14 }, { "direction", "DIRECTION", 9 }, { "level", "LEVEL", 13 },
	{ "delivery", "DELIVERY", 8 },  { "peer", "PEER", 21 },	      { "reason", "REASON", 0 },
};
enum { WATCH_COLUMNS = sizeof(watch_columns) / sizeof(watch_columns[0]) };

/* false: the reader has gone */
static bool watch_print_head(void)
{
	int i;

	table_colour(stdout, TABLE_HEAD);
	for (i = 0; i < WATCH_COLUMNS; i++)
		printf("%-*s%s", watch_columns[i].width, watch_columns[i].title,
		       i + 1 < WATCH_COLUMNS ? "  " : "");
	table_colour(stdout, TABLE_PLAIN);
	putchar('\n');
	return fflush(stdout) == 0;
}

static enum table_colour watch_colour(const char *event)
{
	if (!strcmp(event, "accepted"))
		return TABLE_GOOD;
	return strcmp(event, "ended") ? TABLE_BAD : TABLE_DIM;
}

/* what has no reason of its own in its record */
static void watch_describe(const json_t *record, char *out, size_t len)
{
	const char *reason = question_text(record, "reason");

	if (!strcmp(question_text(record, "event"), "expiry"))
		snprintf(out, len, "certificates near their end: %lld; see `linewarden status`",
			 question_number(record, "count"));
	else
		snprintf(out, len, "%s", reason);
}

static bool watch_print(const json_t *record)
{
	const char *event = question_text(record, "event");
	char reason[512];
	int i;

	watch_describe(record, reason, sizeof(reason));
	for (i = 0; i < WATCH_COLUMNS; i++) {
		const struct watch_column *column = &watch_columns[i];
		const bool coloured = !strcmp(column->key, "event");

		if (coloured)
			table_colour(stdout, watch_colour(event));
		printf("%-*s", column->width,
		       column->width ? question_text(record, column->key) : reason);
		if (coloured)
			table_colour(stdout, TABLE_PLAIN);
		fputs(i + 1 < WATCH_COLUMNS ? "  " : "\n", stdout);
	}
	return fflush(stdout) == 0;
}

/* Of those that this terminal, or pipe, did not keep up with: whatever the filter is. */
static void watch_missed(long long records)
{
	fflush(stdout);
	fprintf(stderr, "linewarden watch: %lld record%s not shown: this end did not keep up\n",
		records, records == 1 ? " is" : "s are");
}

/* -1: go on; else the exit status */
static int watch_line(const char *line, const struct question_options *options,
		      const struct filter *filter)
{
	json_t *record = json_loads(line, 0, NULL);
	const char *event = question_text(record, "event");
	bool goes_on = true;
	int status = -1;

	if (!*event) {
		fprintf(stderr, "linewarden watch: %s\n",
			record ? question_text(record, "error") : "the daemon's answer is no JSON");
		status = TOOL_FAILED;
	} else if (!strcmp(event, "missed")) {
		watch_missed(question_number(record, "records"));
	} else if (!strcmp(event, "watching")) {
		goes_on = options->json || watch_print_head();
	} else if (filter_fits(filter, record)) {
		goes_on = options->json ? fputs(line, stdout) >= 0 && fflush(stdout) == 0 :
					  watch_print(record);
	}
	json_decref(record);
	return goes_on ? status : TOOL_FAILED;
}

int tool_watch(int argc, char **argv)
{
	struct question_options options;
	struct filter filter = { 0 };
	char *line = NULL;
	size_t room = 0;
	FILE *stream;
	int status;

	status = question_options_filter(argc, argv,
					 "Shows audit records as they are written, until it is "
					 "interrupted.",
					 &options, &filter);
	if (status >= 0)
		return status;
	stream = question_open(&options, "watch");
	if (!stream)
		return TOOL_FAILED;
	while (status < 0 && getline(&line, &room, stream) > 0)
		status = watch_line(line, &options, &filter);
	if (status < 0) {
		fputs("linewarden watch: the daemon has ended\n", stderr);
		status = TOOL_FAILED;
	}
	free(line);
	fclose(stream);
	return status;
}
