// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <time.h>

#include "tools/question.h"
#include "tools/table.h"
#include "tools/tool.h"

static void sessions_add(struct table *table, const json_t *session, time_t now)
{
	long long age = (long long)now - question_number(session, "opened");
	long long not_after = question_number(session, "not_after");
	bool ktls = json_is_true(json_object_get(session, "ktls"));

	table_add(table, TABLE_PLAIN, "%lld", question_number(session, "cookie"));
	table_add(table, TABLE_PLAIN, "%s", question_text(session, "line"));
	table_add(table, TABLE_PLAIN, "%s", question_text(session, "function"));
	table_add(table, TABLE_PLAIN, "%s", question_text(session, "direction"));
	table_add(table, TABLE_PLAIN, "%s", question_text(session, "level"));
	table_add(table, TABLE_PLAIN, "%s", question_text(session, "state"));
	table_add(table, TABLE_PLAIN, "%s", question_text(session, "peer"));
	table_add(table, TABLE_PLAIN, "%s", question_text(session, "tls"));
	table_add(table, TABLE_PLAIN, "%s", question_text(session, "cipher"));
	table_add(table, ktls ? TABLE_GOOD : TABLE_BAD, "%s", ktls ? "kernel" : "user space");
	table_add(table, TABLE_PLAIN, "%s", question_text(session, "delivery"));
	table_add(table, TABLE_PLAIN, "%lld:%02lld:%02lld", age / 3600, age / 60 % 60, age % 60);
	if (not_after)
		table_add(table, TABLE_PLAIN, "%lld days", (not_after - (long long)now) / 86400);
	else
		table_add(table, TABLE_DIM, "none");
}

/* a new reference */
static json_t *sessions_select(const json_t *answer, const struct filter *filter)
{
	json_t *list = json_array(), *session;
	size_t i;

	json_array_foreach(answer, i, session)
		if (filter_fits(filter, session))
			json_array_append(list, session);
	return list;
}

int tool_sessions(int argc, char **argv)
{
	static const char *const columns[] = {
		"COOKIE", "LINE", "FUNCTION", "DIRECTION", "LEVEL", "STATE", "PEER", "TLS",
		"CIPHER", "ENCRYPTS", "DELIVERY", "AGE", "CERTIFICATE ENDS IN", NULL,
	};
	struct question_options options;
	struct filter filter = { 0 };
	struct table *table;
	json_t *answer, *all, *session;
	int status;
	size_t i;

	status = question_options_filter(argc, argv, "Lists the verified connections that live now.",
					 &options, &filter);
	if (status >= 0)
		return status;
	all = question_ask(&options, "sessions");
	if (!all)
		return TOOL_FAILED;
	answer = sessions_select(all, &filter);
	json_decref(all);
	if (options.json) {
		status = question_print_json(answer);
	} else {
		table = table_new(columns);
		if (table) {
			json_array_foreach(answer, i, session)
				sessions_add(table, session, time(NULL));
			table_print(table, stdout, "no sessions");
		}
		status = table ? TOOL_OK : TOOL_FAILED;
	}
	json_decref(answer);
	return status;
}
