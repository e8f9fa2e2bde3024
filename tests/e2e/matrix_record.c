// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/matrix_record.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/journal.h"
#include "tests/e2e/process.h"
#include "tests/harness.h"

#define WAIT_MS (5000 * harness_time_scale())

static void read_checks(const json_t *json, struct matrix_record *record)
{
	json_t *check;
	size_t i, len = 0;

	record->checks[0] = '\0';
	record->reason_fits = true;
	json_array_foreach(json_object_get(json, "checks"), i, check) {
		if (len < sizeof(record->checks))
			len += (size_t)snprintf(record->checks + len, sizeof(record->checks) - len,
						"%s%s", len ? " " : "",
						journal_text(check, "check"));
		if (*record->failed || strcmp(journal_text(check, "outcome"), "failed") != 0)
			continue;
		snprintf(record->failed, sizeof(record->failed), "%s",
			 journal_text(check, "check"));
		record->reason_fits = strcmp(journal_text(check, "reason"),
					     journal_text(json, "reason")) == 0;
	}
}

static void read_record(const json_t *json, struct matrix_record *record)
{
	record->count++;
	snprintf(record->event, sizeof(record->event), "%s", journal_text(json, "event"));
	snprintf(record->line, sizeof(record->line), "%s", journal_text(json, "line"));
	snprintf(record->alert, sizeof(record->alert), "%s", journal_text(json, "alert"));
	record->ktls = json_is_true(json_object_get(json, "ktls"));
	read_checks(json, record);
}

/* the address of a record's peer, "127.65.2.7:5061" or "[2001:db8:77::41:207]:5061", is its cell's */
static bool find_cell(const json_t *json, struct matrix_cell *cell)
{
	const char *peer = journal_text(json, "peer");
	struct endpoint address = { 0 };
	char host[64];

	if (*peer == '[')
		snprintf(host, sizeof(host), "%.*s", (int)strcspn(peer + 1, "]"), peer + 1);
	else
		snprintf(host, sizeof(host), "::ffff:%.*s", (int)strcspn(peer, ":"), peer);
	return inet_pton(AF_INET6, host, address.addr) == 1 && matrix_cell_parse(&address, cell);
}

/* 1 for a line that opens a connection of a cell that begins as these do */
static int read_line(const char *line, const char *start, struct matrix_records *out)
{
	struct matrix_cell cell;
	json_t *json;
	int is_ours;

	/* parsing is slow in an emulated machine, and most lines are other kinds' */
	if (strstr(line, "\"event\":\"ended\"") || !strstr(line, start))
		return 0;
	json = json_loads(line, 0, NULL);
	is_ours = json && find_cell(json, &cell);
	if (is_ours)
		read_record(json, &out->of[cell.level][cell.row]);
	json_decref(json);
	return is_ours;
}

int matrix_record_read(const char *audit, enum matrix_kind kind, bool ip6, int count,
		       struct matrix_records *out)
{
	char address[MATRIX_START_MAX], start[MATRIX_START_MAX + 16];
	long long end = process_now_ms() + WAIT_MS;
	FILE *file = fopen(audit, "re");
	char *line = NULL;
	size_t room = 0;
	int seen = 0;

	ASSERT_NOT_NULL(file);
	memset(out, 0, sizeof(*out));
	matrix_kind_start(kind, ip6, address);
	snprintf(start, sizeof(start), "\"peer\":\"%s%s", ip6 ? "[" : "", address);
	for (;;) {
		long at = ftell(file);
		ssize_t n = getline(&line, &room, file);

		if (n > 0 && line[n - 1] == '\n') {
			seen += read_line(line, start, out);
			continue;
		}
		/* the end, or a line that is half written */
		if (seen >= count || process_now_ms() > end)
			break;
		process_sleep_ms(5);
		clearerr(file);
		ASSERT_OK(fseek(file, at, SEEK_SET));
	}
	free(line);
	fclose(file);
	return seen;
}
