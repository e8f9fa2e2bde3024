// SPDX-License-Identifier: Apache-2.0
/* `linewarden kill`: ends live sessions. */
#include <stdio.h>
#include <string.h>

#include "tools/question.h"
#include "tools/tool.h"

static int kill_one(const struct question_options *options, const char *cookie)
{
	char question[64];
	json_t *answer;
	int status;

	if (strlen(cookie) > 20 || strspn(cookie, "0123456789") != strlen(cookie)) {
		fprintf(stderr, "linewarden kill: '%s' is no cookie; `linewarden sessions` shows them\n",
			cookie);
		return TOOL_USAGE;
	}
	snprintf(question, sizeof(question), "kill %s", cookie);
	answer = question_ask(options, question);
	if (!answer)
		return TOOL_FAILED;
	status = json_object_get(answer, "error") ? TOOL_FAILED : TOOL_OK;
	if (options->json) {
		question_print_json(answer);
	} else if (status == TOOL_FAILED) {
		fprintf(stderr, "linewarden kill: %s: %s\n", cookie, question_text(answer, "error"));
	} else {
		printf("%s: the session of line %s with %s is ended\n", cookie,
		       question_text(answer, "line"), question_text(answer, "peer"));
	}
	json_decref(answer);
	return status;
}

int tool_kill(int argc, char **argv)
{
	struct question_options options;
	int status, worst = TOOL_OK, i;

	status = question_options_for(argc, argv, "COOKIE...",
				      "Ends live sessions: the peer gets a RST, the app an error.",
				      &options);
	if (status >= 0)
		return status;
	if (options.first == argc) {
		fprintf(stderr, "linewarden kill: name a session by its cookie; "
				"`linewarden sessions` shows them\n");
		return TOOL_USAGE;
	}
	for (i = options.first; i < argc; i++) {
		status = kill_one(&options, argv[i]);
		if (status > worst)
			worst = status;
	}
	return worst;
}
