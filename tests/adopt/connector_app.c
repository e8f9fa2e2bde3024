// SPDX-License-Identifier: Apache-2.0
#include "tests/adopt/connector_app.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/e2e/journal.h"
#include "tests/e2e/site.h"
#include "tests/e2e/wrap.h"
#include "tests/harness.h"

void connector_app_start(struct connector_app *app, const char *run, const char *words)
{
	static unsigned int count;
	const char *argv[WRAP_WORDS_MAX];
	size_t at = WRAP_WORDS;
	char copy[256], *rest;

	snprintf(app->log, sizeof(app->log), "%s",
		 site_file("connector-%d-%u.log", getpid(), ++count));
	snprintf(copy, sizeof(copy), "%s", words);
	wrap_words(run, argv);
	/* in place of "--" */
	argv[WRAP_WORDS - 1] = "--connect";
	argv[at++] = process_build_path("tests/adopt/connector");
	for (char *word = strtok_r(copy, " ", &rest); word && at < WRAP_WORDS_MAX - 1;
	     word = strtok_r(NULL, " ", &rest))
		argv[at++] = word;
	app->pid = process_start(app->log, argv);
	ASSERT_LT(0, app->pid);
}

json_t *connector_app_event(const struct connector_app *app, const char *event)
{
	json_t *line = journal_wait(app->log, JOURNAL_WANT({ "event", event }));

	ASSERT_NOT_NULL(line) {
		TH_LOG("%s has no event \"%s\"", app->log, event);
	}
	return line;
}

void connector_app_expect(const struct connector_app *app, const char *event, const char *key,
			  const char *value)
{
	json_t *line = connector_app_event(app, event);

	EXPECT_STREQ(value, journal_text(line, key)) {
		TH_LOG("%s of %s", key, event);
	}
	json_decref(line);
}
