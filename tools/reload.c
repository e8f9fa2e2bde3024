// SPDX-License-Identifier: Apache-2.0
/* `linewarden reload`: puts a changed configuration in force, or shows what it would change. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tools/question.h"
#include "tools/rehearse.h"
#include "tools/table.h"
#include "tools/tool.h"

#define RELOAD_SECONDS 15 /* workers stop accepting within two */
#define RELOAD_POLL_NS 20000000L

static void reload_print_changes(const json_t *changes)
{
	static const char *const columns[] = { "LINE", "DIRECTION", "NAMESPACE", "CHANGE", NULL };
	struct table *table = table_new(columns);
	const json_t *change;
	const char *kind;
	size_t i;

	if (!table)
		return;
	json_array_foreach(changes, i, change) {
		kind = question_text(change, "change");
		table_add(table, TABLE_PLAIN, "%s", question_text(change, "line"));
		table_add(table, TABLE_PLAIN, "%s", question_text(change, "direction"));
		table_add(table, TABLE_DIM, "%s", question_text(change, "namespace"));
		table_add(table,
			  !strcmp(kind, "added")   ? TABLE_GOOD :
			  !strcmp(kind, "removed") ? TABLE_BAD :
						     TABLE_PLAIN,
			  "%s", question_text(change, "text"));
	}
	table_print(table, stdout, "no line would change");
}

static void reload_print_ends(const json_t *ends)
{
	static const char *const columns[] = { "COOKIE", "LINE", "PEER", "WOULD END, BECAUSE", NULL };
	struct table *table = table_new(columns);
	const json_t *end;
	size_t i;

	if (!table)
		return;
	json_array_foreach(ends, i, end) {
		table_add(table, TABLE_PLAIN, "%lld", question_number(end, "cookie"));
		table_add(table, TABLE_PLAIN, "%s", question_text(end, "line"));
		table_add(table, TABLE_PLAIN, "%s", question_text(end, "peer"));
		table_add(table, TABLE_BAD, "%s", question_text(end, "why"));
	}
	putchar('\n');
	table_print(table, stdout, "no session would end");
}

static int reload_try(const struct question_options *options)
{
	json_t *answer = question_ask(options, "reload dry-run"), *ends = NULL;
	int status = answer && !json_object_get(answer, "error") ? TOOL_OK : TOOL_FAILED;

	if (!answer)
		return TOOL_FAILED;
	if (status == TOOL_OK) {
		ends = rehearse(options);
		status = ends && json_object_set_new(answer, "ends", ends) == 0 ? TOOL_OK :
										TOOL_FAILED;
		if (status == TOOL_FAILED) {
			json_decref(answer);
			return status;
		}
	}
	if (options->json)
		question_print_json(answer);
	else if (status == TOOL_FAILED)
		fprintf(stderr, "linewarden reload: %s\n", question_text(answer, "error"));
	else {
		reload_print_changes(json_object_get(answer, "changes"));
		reload_print_ends(ends);
	}
	json_decref(answer);
	return status;
}

/* 1: not decided yet */
static int reload_look(const struct question_options *options, long long load)
{
	json_t *answer = question_ask(options, "status");
	const json_t *configuration = json_object_get(answer, "configuration");
	int status = 1;

	if (!answer)
		return TOOL_FAILED;
	if (question_number(configuration, "in_force") >= load)
		status = TOOL_OK;
	else if (question_number(configuration, "loads") >= load &&
		 *question_text(configuration, "error"))
		status = TOOL_FAILED;
	if (status != 1 && options->json)
		question_print_json(configuration);
	else if (status == TOOL_FAILED)
		fprintf(stderr, "linewarden reload: %s\n", question_text(configuration, "error"));
	else if (status == TOOL_OK)
		printf("%s is in force\n", question_text(configuration, "file"));
	json_decref(answer);
	return status;
}

static int reload_await(const struct question_options *options, long long load)
{
	const struct timespec pause = { .tv_nsec = RELOAD_POLL_NS };
	time_t end = time(NULL) + RELOAD_SECONDS;
	int status;

	while ((status = reload_look(options, load)) == 1) {
		if (time(NULL) >= end) {
			fprintf(stderr, "linewarden reload: the daemon has not put it in force after "
					"%d seconds; its journal says why\n",
				RELOAD_SECONDS);
			return TOOL_FAILED;
		}
		nanosleep(&pause, NULL);
	}
	return status;
}

static int reload_do(const struct question_options *options)
{
	json_t *answer = question_ask(options, "reload");
	long long load;
	int status;

	if (!answer)
		return TOOL_FAILED;
	load = question_number(answer, "load");
	if (!load && options->json)
		question_print_json(answer);
	else if (!load)
		fprintf(stderr, "linewarden reload: %s\n", question_text(answer, "error"));
	status = load ? reload_await(options, load) : TOOL_FAILED;
	json_decref(answer);
	return status;
}

/* Takes the option out of the arguments: it is the one that other questions do not have. */
static bool reload_take_dry_run(int *argc, char **argv)
{
	int i, kept = 1;

	for (i = 1; i < *argc; i++)
		if (strcmp(argv[i], "--dry-run") != 0 && strcmp(argv[i], "-n") != 0)
			argv[kept++] = argv[i];
	i = *argc;
	*argc = kept;
	argv[kept] = NULL;
	return kept < i;
}

int tool_reload(int argc, char **argv)
{
	struct question_options options;
	bool dry_run;
	int status;

	/* the one option that is not of all questions */
	dry_run = reload_take_dry_run(&argc, argv);
	status = question_options_for(argc, argv, "[--dry-run]",
				      "Puts the changed configuration in force, all of it or nothing.\n\n"
				      "  -n, --dry-run  shows what would change, and changes nothing",
				      &options);
	if (status >= 0)
		return status;
	if (options.first < argc) {
		fprintf(stderr, "linewarden reload: '%s' is one argument too many\n",
			argv[options.first]);
		return TOOL_USAGE;
	}
	return dry_run ? reload_try(&options) : reload_do(&options);
}
