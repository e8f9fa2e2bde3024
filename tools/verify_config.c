// SPDX-License-Identifier: Apache-2.0
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <time.h>

#include "tools/question.h"
#include "tools/table.h"
#include "tools/tool.h"
#include "userspace/config.h"
#include "userspace/config_prefix.h"
#include "userspace/expiry.h"
#include "userspace/expiry_json.h"
#include "userspace/trust_json.h"

static const char *const verify_asks[] = {
	[ASK_REQUIRE] = "required",
	[ASK_REQUEST] = "requested",
	[ASK_NONE] = "not asked",
};

static json_t *verify_to_json(const struct config *config)
{
	json_t *lines = json_array(), *remotes;
	const struct config_line *line;
	char prefix[CONFIG_PREFIX_LEN];
	size_t i, k;

	for (i = 0; i < config->line_count; i++) {
		line = &config->lines[i];
		remotes = json_array();
		for (k = 0; k < line->prefix_count; k++) {
			config_prefix_print(&line->prefixes[k], prefix);
			json_array_append_new(remotes, json_string(prefix));
		}
		json_array_append_new(
			lines, json_pack("{s:i, s:o, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "port",
					 line->port, "remote", remotes, "line", line->name,
					 "function", function_name(line->function), "role",
					 "server", "certificate", verify_asks[line->rule.ask],
					 "level", level_name(line->rule.level), "crl",
					 rule_crl_name(rule_revocation(&line->rule)), "delivery",
					 "relay"));
	}
	return json_pack("{s:b, s:s, s:o, s:o, s:o}", "valid", 1, "crl",
			 rule_crl_name(config->crl), "lines", lines, "trust_store",
			 trust_report_to_json(&config->trust_report), "expiry",
			 expiry_to_json(config));
}

static void verify_print_trust(const struct trust_report *report)
{
	char summary[TRUST_SUMMARY_MAX];
	size_t beyond = trust_report_beyond(report), i;

	trust_report_summary(report, summary);
	printf("\ntrust store: %s\n", summary);
	table_colour(stdout, TABLE_BAD);
	for (i = 0; i < report->finding_count; i++)
		printf("  %s: %s\n", report->findings[i].file, report->findings[i].text);
	if (beyond)
		printf("  and %zu more\n", beyond);
	table_colour(stdout, TABLE_PLAIN);
}

static void verify_print_expiry(const struct config *config)
{
	_cleanup_free_ struct expiry *expiry = malloc(sizeof(*expiry));
	char text[2 * TEXT_NAME_MAX + 128];
	size_t i;

	if (!expiry)
		return;
	expiry_find(config, time(NULL), expiry);
	if (expiry->total)
		printf("\ncertificates within %u days of their end, or past it: %zu\n",
		       config->expiry_warning, expiry->total);
	table_colour(stdout, TABLE_BAD);
	for (i = 0; i < expiry->count; i++) {
		expiry_describe(&expiry->items[i], text, sizeof(text));
		printf("  %s\n", text);
	}
	table_colour(stdout, TABLE_PLAIN);
}

static int verify_print_lines(const struct config *config)
{
	static const char *const columns[] = { "PORT",	      "REMOTE", "LINE",	    "FUNCTION", "ROLE",
					       "CERTIFICATE", "LEVEL",	"DELIVERY", NULL };
	struct table *table = table_new(columns);
	const struct config_line *line;
	char prefix[CONFIG_PREFIX_LEN];
	size_t i, k;

	if (!table)
		return TOOL_FAILED;
	for (i = 0; i < config->line_count; i++) {
		line = &config->lines[i];
		for (k = 0; k < line->prefix_count; k++) {
			config_prefix_print(&line->prefixes[k], prefix);
			table_add(table, TABLE_PLAIN, "%u", line->port);
			table_add(table, TABLE_PLAIN, "%s", prefix);
			table_add(table, TABLE_PLAIN, "%s", line->name);
			table_add(table, TABLE_PLAIN, "%s", function_name(line->function));
			table_add(table, TABLE_PLAIN, "server");
			table_add(table, TABLE_PLAIN, "%s", verify_asks[line->rule.ask]);
			table_add(table, TABLE_PLAIN, "%s", level_name(line->rule.level));
			table_add(table, TABLE_PLAIN, "relay");
		}
	}
	table_print(table, stdout, "no lines");
	return TOOL_OK;
}

static int verify_run(const char *path, bool json)
{
	struct config_error error = { "" };
	struct config *config = NULL;
	json_t *answer;
	int status;

	if (config_load(path, time(NULL), 1, &config, &error)) {
		if (json) {
			answer = json_pack("{s:b, s:s}", "valid", 0, "error", error.text);
			question_print_json(answer);
			json_decref(answer);
		} else {
			fprintf(stderr, "%s\n", error.text);
		}
		return TOOL_FAILED;
	}
	if (json) {
		answer = verify_to_json(config);
		status = question_print_json(answer);
		json_decref(answer);
	} else {
		status = verify_print_lines(config);
		verify_print_trust(&config->trust_report);
		verify_print_expiry(config);
	}
	config_free(config);
	return status;
}

int tool_verify_config(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	bool json = false;
	int option;

	while ((option = getopt_long(argc, argv, "jh", longs, NULL)) >= 0) {
		switch (option) {
		case 'j':
			json = true;
			break;
		case 'h':
			printf("usage: linewarden verify-config [--json] FILE\n\n"
			       "Reads a configuration as the daemon would, with the files that it "
			       "names, and shows what\nit means for each port and remote address. "
			       "Status 1: it is refused, and why.\n\n"
			       "  -j, --json  the same as JSON, for machines\n");
			return TOOL_OK;
		default:
			return TOOL_USAGE;
		}
	}
	if (argc - optind != 1) {
		fprintf(stderr, "linewarden verify-config: one FILE is needed\n");
		return TOOL_USAGE;
	}
	return verify_run(argv[optind], json);
}
