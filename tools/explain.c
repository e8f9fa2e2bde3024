// SPDX-License-Identifier: Apache-2.0
/* `linewarden explain`: audit records for people. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/question.h"
#include "tools/tool.h"
#include "tools/view.h"

#define EXPLAIN_LOG "/var/log/linewarden/audit.jsonl"

struct explain {
	const char *log; /* "-": standard input */
	long long cookie; /* of the records to show; -1: all */
};

static void explain_usage(FILE *out)
{
	fputs("usage: linewarden explain [--log FILE] [COOKIE]\n\n"
	      "Shows audit records as tables: all of FILE, or those of one connection, by the cookie\n"
	      "that its records and `linewarden sessions --json` name.\n\n"
	      "  -l, --log FILE  the audit log (" EXPLAIN_LOG "); - for standard input\n",
	      out);
}

static int explain_options(int argc, char **argv, struct explain *explain)
{
	static const struct option longs[] = {
		{ "log", required_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option;
	char *end;

	*explain = (struct explain){ .log = EXPLAIN_LOG, .cookie = -1 };
	while ((option = getopt_long(argc, argv, "l:h", longs, NULL)) >= 0) {
		switch (option) {
		case 'l':
			explain->log = optarg;
			break;
		case 'h':
			explain_usage(stdout);
			return TOOL_OK;
		default:
			return TOOL_USAGE;
		}
	}
	if (optind == argc)
		return -1;
	errno = 0;
	explain->cookie = strtoll(argv[optind], &end, 10);
	if (*end || errno || explain->cookie < 0 || argc - optind > 1) {
		fprintf(stderr, "linewarden explain: '%s' is not a cookie\n", argv[optind]);
		return TOOL_USAGE;
	}
	return -1;
}

static int explain_stream(const struct explain *explain, FILE *in, unsigned int *shown)
{
	char *line = NULL;
	size_t room = 0;
	unsigned int number = 0;
	int status = TOOL_OK;
	json_error_t error;
	json_t *record;
	ssize_t len;

	while ((len = getline(&line, &room, in)) > 0) {
		number++;
		record = json_loadb(line, (size_t)len, 0, &error);
		if (!json_is_object(record)) {
			fprintf(stderr, "%s:%u: not an audit record: %s\n", explain->log, number,
				record ? "not an object" : error.text);
			status = TOOL_FAILED;
		} else if (explain->cookie < 0 ||
			   question_number(record, "cookie") == explain->cookie) {
			if ((*shown)++)
				putchar('\n');
			view_record(record);
		}
		json_decref(record);
	}
	free(line);
	return status;
}

int tool_explain(int argc, char **argv)
{
	struct explain explain;
	unsigned int shown = 0;
	FILE *in = stdin;
	int status;

	status = explain_options(argc, argv, &explain);
	if (status >= 0)
		return status;
	if (strcmp(explain.log, "-"))
		in = fopen(explain.log, "re");
	if (!in) {
		fprintf(stderr, "linewarden: %s: %s; name the audit log with --log\n", explain.log,
			strerror(errno));
		return TOOL_FAILED;
	}
	status = explain_stream(&explain, in, &shown);
	if (in != stdin)
		fclose(in);
	if (!shown && status == TOOL_OK) {
		fprintf(stderr, "linewarden: %s: no such record\n", explain.log);
		status = TOOL_FAILED;
	}
	return status;
}
