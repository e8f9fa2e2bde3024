// SPDX-License-Identifier: Apache-2.0
#include <getopt.h>
#include <stdio.h>
#include <time.h>

#include "tools/question.h"
#include "tools/tool.h"
#include "tools/verify.h"
#include "userspace/upgrade.h"

static int verify_refuse(const char *cause, bool json)
{
	json_t *answer;

	if (json) {
		answer = json_pack("{s:b, s:s}", "valid", 0, "error", cause);
		question_print_json(answer);
		json_decref(answer);
	} else {
		fprintf(stderr, "%s\n", cause);
	}
	return TOOL_FAILED;
}

static int verify_run(const char *path, bool json)
{
	struct config_error error = { "" };
	struct config *config = NULL;
	json_t *answer;
	int status;

	if (config_load(path, time(NULL), 1, &config, &error) ||
	    upgrade_apply(config, false, error.text, sizeof(error.text))) {
		status = verify_refuse(error.text, json);
	} else if (json) {
		answer = verify_to_json(config);
		status = question_print_json(answer);
		json_decref(answer);
	} else {
		status = verify_print(config);
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
