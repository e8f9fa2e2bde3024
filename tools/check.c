// SPDX-License-Identifier: Apache-2.0
/* `linewarden check`: the daemon's decision, offline. */
#include "tools/check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policy/trace.h"
#include "policy/verdict.h"
#include "tools/question.h"
#include "tools/table.h"
#include "tools/tool.h"
#include "tools/view.h"
#include "userspace/file.h"
#include "userspace/record.h"

struct check_inputs {
	struct file chain, own;
	struct store *own_store; /* NULL: the configuration's */
	struct store *store;
};

static int check_read(const char *path, struct file *file)
{
	int err = path ? file_read(path, POLICY_CHAIN_BYTES_MAX, file) : 0;

	if (err)
		fprintf(stderr, "linewarden: %s: %s\n", path, file_error(err));
	return err;
}

static int check_read_store(const struct check_arguments *arguments, struct check_inputs *inputs)
{
	if (!arguments->config)
		inputs->own_store = store_new(1);
	inputs->store = arguments->config ? arguments->config->trust : inputs->own_store;
	return inputs->store ? check_fill_store(arguments, inputs->store) : -ENOMEM;
}

static void check_release(struct check_inputs *inputs)
{
	file_free(&inputs->chain);
	file_free(&inputs->own);
	store_free(inputs->own_store);
}

/* 0 when decided, also where the bytes are no certificates: they would be refused too */
static int check_decide(const struct check_arguments *arguments, const struct check_inputs *inputs,
			const struct rule *rule, struct verdict *verdict, struct facts *facts,
			struct trace *trace)
{
	const struct policy_bytes bytes = {
		.chain = inputs->chain.data,
		.chain_len = inputs->chain.len,
		.own = inputs->own.data,
		.own_len = inputs->own.len,
		.trace = trace,
	};
	int err = policy_check_bytes(inputs->store, &bytes, rule, arguments->at, verdict, facts);

	return err == -EBADMSG || err == -E2BIG ? 0 : err;
}

static json_t *check_path(const struct path_facts *path)
{
	json_t *json = json_pack("{s:s, s:i, s:i, s:i}", "state", path_state_name(path->state),
				 "certificates", (int)path->length, "tried",
				 (int)path->candidates, "signatures", (int)path->signatures);

	if (*path->root)
		json_object_set_new(json, "root", json_string(path->root));
	if (*path->detail)
		json_object_set_new(json, "fault", json_string(path->detail));
	return json;
}

static void check_add_path(json_t *paths, const struct trace_path *path)
{
	json_t *certificates = json_array(), *json;
	unsigned int i;

	if (!path->length) {
		json_decref(certificates);
		return;
	}
	for (i = 0; i < path->length; i++)
		json_array_append_new(certificates, json_string(path->subjects[i]));
	json = json_pack("{s:s, s:o}", "state", path_state_name(path->state), "certificates",
			 certificates);
	if (path->state != PATH_TRUSTED) {
		json_object_set_new(json, "fault", json_string(path->detail));
		json_object_set_new(json, "depth", json_integer(path->depth));
	}
	json_array_append_new(paths, json);
}

static json_t *check_paths(const struct trace *trace)
{
	json_t *paths = json_array();
	unsigned int i;

	check_add_path(paths, &trace->found);
	for (i = 0; i < trace->failed_count; i++)
		check_add_path(paths, &trace->failed[i]);
	return paths;
}

static json_t *check_to_json(const struct check_arguments *arguments, const struct rule *rule,
			     const struct verdict *verdict, const struct facts *facts,
			     const struct trace *trace)
{
	struct record record = {
		.time_ms = (uint64_t)arguments->at * 1000,
		.event = verdict->accepted ? RECORD_ACCEPTED : RECORD_REFUSED,
		.level = rule->level,
		.verdict = *verdict,
	};
	json_t *json;

	snprintf(record.reason, sizeof(record.reason), "%s",
		 verdict->accepted ? "every check holds" : verdict->reason);
	if (arguments->line)
		snprintf(record.line, sizeof(record.line), "%s", arguments->line);
	record_set_certificate(&record, facts);
	json = record_to_json(&record);
	if (json && facts->present) {
		json_object_set_new(json, "path", check_path(&facts->path));
		json_object_set_new(json, "paths", check_paths(trace));
	}
	return json;
}

static int check_one(const struct check_arguments *arguments, const struct check_inputs *inputs)
{
	struct facts facts _cleanup_(facts_release) = { 0 };
	struct trace trace = { 0 };
	struct verdict verdict;
	json_t *json;

	if (check_decide(arguments, inputs, &arguments->rule, &verdict, &facts, &trace))
		return CHECK_UNDECIDED;
	json = check_to_json(arguments, &arguments->rule, &verdict, &facts, &trace);
	if (!json)
		return CHECK_UNDECIDED;
	if (arguments->json)
		question_print_json(json);
	else
		view_record(json);
	json_decref(json);
	return verdict.accepted ? CHECK_ACCEPTED : CHECK_REFUSED;
}

static const struct check_result *check_find(const struct verdict *verdict, enum check check)
{
	size_t i;

	for (i = 0; i < verdict->result_count; i++)
		if (verdict->results[i].check == check)
			return &verdict->results[i];
	return NULL;
}

/* The levels side by side: a row a check, a column a level. */
static void check_print_levels(const struct verdict verdicts[LEVEL_COUNT])
{
	static const char *const columns[] = { "CHECK", "NONE", "LOW", "MEDIUM", "HIGH", "MEDIUM+R",
					       "HIGH+R", "WHAT WAS FOUND", NULL };
	struct table *table = table_new(columns);
	const struct check_result *result, *found;
	enum table_colour colour;
	const char *mark;
	int check, level;

	if (!table)
		return;
	for (check = 0; check < CHECK_COUNT; check++) {
		found = check_find(&verdicts[LEVEL_HIGH_REMOTE], check);
		if (!found)
			continue;
		table_add(table, TABLE_PLAIN, "%s", check_name(check));
		for (level = LEVEL_NONE; level < LEVEL_COUNT; level++) {
			result = check_find(&verdicts[level], check);
			mark = result ? view_mark(outcome_name(result->outcome), &colour) : " ";
			table_add(table, result ? colour : TABLE_PLAIN, "%s", mark);
		}
		table_add(table, TABLE_PLAIN, "%s", found->reason);
	}
	table_add(table, TABLE_HEAD, "verdict");
	for (level = LEVEL_NONE; level < LEVEL_COUNT; level++)
		table_add(table, verdicts[level].accepted ? TABLE_GOOD : TABLE_BAD, "%s",
			  verdicts[level].accepted ? "accepted" : "refused");
	table_add(table, TABLE_PLAIN, "%s", "");
	table_print(table, stdout, "no checks");
}

/* The status says whether it is good for any level at all. */
static int check_all_levels(const struct check_arguments *arguments,
			    const struct check_inputs *inputs)
{
	struct verdict verdicts[LEVEL_COUNT] = { 0 };
	json_t *answer = json_object();
	struct rule rule = arguments->rule;
	int level, status = CHECK_REFUSED;

	for (level = LEVEL_NONE; level < LEVEL_COUNT; level++) {
		struct facts facts _cleanup_(facts_release) = { 0 };
		struct trace trace = { 0 };

		rule.level = level;
		if (check_decide(arguments, inputs, &rule, &verdicts[level], &facts, &trace)) {
			json_decref(answer);
			return CHECK_UNDECIDED;
		}
		if (verdicts[level].accepted)
			status = CHECK_ACCEPTED;
		json_object_set_new(answer, level_name(level),
				    check_to_json(arguments, &rule, &verdicts[level], &facts,
						  &trace));
	}
	if (arguments->json)
		question_print_json(answer);
	else
		check_print_levels(verdicts);
	json_decref(answer);
	return status;
}

int tool_check(int argc, char **argv)
{
	struct check_inputs inputs _cleanup_(check_release) = { 0 };
	struct check_arguments arguments _cleanup_(check_arguments_release) = { 0 };
	int status;

	status = check_arguments(argc, argv, &arguments);
	if (status >= 0)
		return status;
	if (check_read(arguments.chain, &inputs.chain) || check_read(arguments.own, &inputs.own) ||
	    check_read_store(&arguments, &inputs))
		return CHECK_UNDECIDED;
	return arguments.all_levels ? check_all_levels(&arguments, &inputs) :
				      check_one(&arguments, &inputs);
}
