// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tools/question.h"
#include "tools/table.h"
#include "tools/tool.h"

/* "3 in-date, 1 trust-chain" */
static void status_reasons(struct table *table, json_t *reasons)
{
	char text[512] = "";
	const char *reason;
	size_t at = 0;
	json_t *count;

	json_object_foreach(reasons, reason, count) {
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%lld %s", at ? ", " : "",
				       (long long)json_integer_value(count), reason);
		if (at >= sizeof(text))
			break;
	}
	table_add(table, at ? TABLE_BAD : TABLE_DIM, "%s", at ? text : "none");
}

static int status_print_lines(json_t *lines)
{
	static const char *const columns[] = { "LINE",	  "FUNCTION",	 "DIRECTION", "PORT",
					       "LEVEL",	  "CONNECTIONS", "ACCEPTED",  "OBSERVED",
					       "DROPPED", "REFUSED",	 NULL };
	struct table *table = table_new(columns);
	long long observed;
	json_t *line;
	size_t i;

	if (!table)
		return TOOL_FAILED;
	json_array_foreach(lines, i, line) {
		table_add(table, TABLE_PLAIN, "%s", question_text(line, "line"));
		table_add(table, TABLE_PLAIN, "%s", question_text(line, "function"));
		table_add(table, TABLE_PLAIN, "%s", question_text(line, "direction"));
		table_add(table, TABLE_PLAIN, "%lld", question_number(line, "port"));
		table_add(table, TABLE_PLAIN, "%s", question_text(line, "level"));
		table_add(table, TABLE_PLAIN, "%lld", question_number(line, "connections"));
		table_add(table, TABLE_PLAIN, "%lld", question_number(line, "accepted"));
		observed = question_number(line, "observed");
		table_add(table, observed ? TABLE_BAD : TABLE_DIM, "%lld", observed);
		table_add(table, TABLE_PLAIN, "%lld", question_number(line, "dropped_packets"));
		status_reasons(table, json_object_get(line, "refused"));
	}
	table_print(table, stdout, "no lines");
	return TOOL_OK;
}

static void status_print_ktls(const json_t *ktls)
{
	bool kernel = !strcmp(question_text(ktls, "mode"), "kernel");
	json_t *feature;
	size_t i;

	printf("encrypts      ");
	table_colour(stdout, kernel ? TABLE_GOOD : TABLE_BAD);
	printf("%s", kernel ? "the kernel" : "user space");
	table_colour(stdout, TABLE_PLAIN);
	printf(" (ktls = %s)\n", question_text(ktls, "setting"));
	json_array_foreach(json_object_get(ktls, "features"), i, feature)
		if (!json_is_true(json_object_get(feature, "has")))
			printf("  missing     %s: %s\n", question_text(feature, "feature"),
			       question_text(feature, "reason"));
}

static void status_print_workers(const json_t *workers)
{
	long long restarts = 0, running = 0, retired = 0;
	json_t *worker;
	size_t i;

	json_array_foreach(workers, i, worker) {
		if (json_is_true(json_object_get(worker, "retired"))) {
			retired++;
			continue;
		}
		running += question_number(worker, "pid") > 0;
		restarts += question_number(worker, "restarts");
	}
	printf("workers       %lld of %lld run, %lld restarts", running,
	       (long long)json_array_size(workers) - retired, restarts);
	/* of the configurations before, until their last connections end */
	if (retired)
		printf(", %lld retired", retired);
	putchar('\n');
}

static void status_time(const json_t *json, const char *key, char out[64])
{
	time_t seconds = (time_t)question_number(json, key);
	struct tm tm;

	localtime_r(&seconds, &tm);
	strftime(out, 64, "%Y-%m-%d %H:%M:%S", &tm);
}

static void status_print_configuration(const json_t *configuration)
{
	const char *error = question_text(configuration, "error");
	char since[64];

	status_time(configuration, "since", since);
	printf("configuration %s, in force since %s\n", question_text(configuration, "file"), since);
	if (!*error)
		return;
	table_colour(stdout, TABLE_BAD);
	printf("  refused     %s\n", error);
	table_colour(stdout, TABLE_PLAIN);
}

static void status_print_carriers(const json_t *carriers)
{
	long long sessions = 0;
	json_t *carrier;
	size_t i;

	json_array_foreach(carriers, i, carrier)
		sessions += question_number(carrier, "sessions");
	if (json_array_size(carriers))
		printf("carriers      %zu, with %lld sessions that outlive the daemon\n",
		       json_array_size(carriers), sessions);
	else
		printf("carriers      none: relayed sessions end with the daemon\n");
}

static void status_print_trust(const json_t *trust)
{
	bool good = !json_array_size(json_object_get(trust, "findings"));

	printf("trust store   ");
	table_colour(stdout, good ? TABLE_PLAIN : TABLE_BAD);
	printf("%s", question_text(trust, "summary"));
	table_colour(stdout, TABLE_PLAIN);
	putchar('\n');
}

/* A line each: there are few, and each takes somebody's work. */
static void status_print_expiry(const json_t *expiry)
{
	long long days, beyond = question_number(expiry, "count");
	json_t *item;
	size_t i;

	if (beyond)
		printf("expiry        %lld certificate%s within %lld days of the end, or past it\n",
		       beyond, beyond == 1 ? "" : "s", question_number(expiry, "warning_days"));
	table_colour(stdout, TABLE_BAD);
	json_array_foreach(json_object_get(expiry, "certificates"), i, item) {
		days = question_number(item, "days");
		beyond--;
		if (days < 0)
			printf("  expired     ");
		else
			printf("  %4lld days   ", days);
		printf("%s: %s\n", question_text(item, "what"), question_text(item, "subject"));
	}
	table_colour(stdout, TABLE_PLAIN);
	if (beyond > 0)
		printf("  and %lld more\n", beyond);
}

/* Loud: whoever looks is to know that these let everybody in. */
static void status_print_observing(const json_t *lines)
{
	json_t *line;
	size_t i;

	table_colour(stdout, TABLE_BAD);
	json_array_foreach(lines, i, line)
		if (!strcmp(question_text(line, "mode"), "observe"))
			printf("OBSERVING     line %s (%s): refusals are recorded, not enforced: "
			       "everybody is let in\n",
			       question_text(line, "line"), question_text(line, "direction"));
	table_colour(stdout, TABLE_PLAIN);
}

/* The apps that `linewarden exec` started, and where each listens. */
static void status_print_apps(const json_t *apps)
{
	json_t *app, *address;
	size_t i, k;

	if (!json_array_size(apps))
		printf("adopts        nothing: no app was started by `linewarden exec`\n");
	json_array_foreach(apps, i, app) {
		printf("%-13s %s (pid %lld), %lld sessions given,", i ? "" : "adopts",
		       question_text(app, "name"), question_number(app, "pid"),
		       question_number(app, "adopted"));
		if (!json_array_size(json_object_get(app, "listens")))
			printf(" does not listen on a governed port");
		json_array_foreach(json_object_get(app, "listens"), k, address)
			printf("%s %s", k ? "," : " listens on", json_string_value(address));
		putchar('\n');
	}
}

static int status_print(const json_t *status)
{
	long long suppressed = question_number(status, "audit_records_suppressed");
	long long lost = question_number(status, "audit_records_lost");
	char since[64];

	status_time(status, "started", since);
	printf("linewardend   %s, pid %lld, since %s\n", question_text(status, "version"),
	       question_number(status, "pid"), since);
	status_print_ktls(json_object_get(status, "ktls"));
	status_print_workers(json_object_get(status, "workers"));
	status_print_configuration(json_object_get(status, "configuration"));
	status_print_carriers(json_object_get(status, "carriers"));
	status_print_apps(json_object_get(status, "apps"));
	status_print_trust(json_object_get(status, "trust_store"));
	status_print_expiry(json_object_get(status, "expiry"));
	status_print_observing(json_object_get(status, "lines"));
	printf("sessions      %lld, of %lld chains\n", question_number(status, "sessions"),
	       question_number(json_object_get(status, "chains"), "live"));
	printf("judged again  %lld chains since the start, %lld wait\n",
	       question_number(json_object_get(status, "chains"), "judged"),
	       question_number(json_object_get(status, "chains"), "waiting"));
	printf("audit log     %s", question_text(status, "audit_log"));
	if (lost) {
		table_colour(stdout, TABLE_BAD);
		printf(" (%lld records lost)", lost);
		table_colour(stdout, TABLE_PLAIN);
	}
	if (suppressed)
		printf(" (%lld records of connections without a verdict left out)", suppressed);
	printf("\nno line       %lld connections that no line claims, refused\n\n",
	       question_number(status, "no_line"));
	return status_print_lines(json_object_get(status, "lines"));
}

int tool_status(int argc, char **argv)
{
	struct question_options options;
	json_t *answer;
	int status;

	status = question_options(argc, argv,
				  "Shows what the daemon does: lines, verdicts, kernel TLS.",
				  &options);
	if (status >= 0)
		return status;
	answer = question_ask(&options, "status");
	if (!answer)
		return TOOL_FAILED;
	status = options.json ? question_print_json(answer) : status_print(answer);
	json_decref(answer);
	return status;
}
