// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/plain_app.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/e2e/journal.h"
#include "tests/e2e/site.h"
#include "tests/e2e/wrap.h"
#include "tests/harness.h"

static void start(struct plain_app *app, const char **argv, int count, uint16_t port,
		  const char *options)
{
	char words[256], address[32], *save = NULL;
	json_t *ready;

	snprintf(app->log, sizeof(app->log), "%s", site_file("app-%u-%d.log", port, getpid()));
	unlink(app->log);
	argv[count++] = process_build_path("tests/app/app");
	argv[count++] = "--log";
	argv[count++] = app->log;
	snprintf(words, sizeof(words), "%s", options);
	for (char *word = strtok_r(words, " ", &save); word && count < WRAP_WORDS_MAX - 2;
	     word = strtok_r(NULL, " ", &save))
		argv[count++] = word;
	snprintf(address, sizeof(address), "127.0.0.1:%u", port);
	argv[count] = address;
	app->pid = process_start(app->log, argv);
	ASSERT_LT(0, app->pid);
	ready = journal_wait(app->log, JOURNAL_WANT({ "event", "ready" }));
	ASSERT_NOT_NULL(ready);
	json_decref(ready);
}

void plain_app_start(struct plain_app *app, uint16_t port, const char *options)
{
	const char *argv[WRAP_WORDS_MAX] = { NULL };

	start(app, argv, 0, port, options);
}

void plain_app_wrap(struct plain_app *app, const char *run, uint16_t port, const char *options)
{
	const char *argv[WRAP_WORDS_MAX];

	wrap_words(run, argv);
	start(app, argv, WRAP_WORDS, port, options);
}

int plain_app_accepts(const struct plain_app *app)
{
	return journal_count(app->log, JOURNAL_WANT({ "event", "accept" }));
}

json_t *plain_app_accept(const struct plain_app *app, const char *client)
{
	return journal_wait(app->log, JOURNAL_WANT({ "event", "accept" }, { "accept", client }));
}

json_t *plain_app_end(const struct plain_app *app, const char *client)
{
	json_t *accept = plain_app_accept(app, client), *end;
	char id[32];

	snprintf(id, sizeof(id), "%lld", journal_number(accept, "id"));
	json_decref(accept);
	if (!accept)
		return NULL;
	end = journal_wait(app->log, JOURNAL_WANT({ "event", "end" }, { "id", id }));
	return end;
}
