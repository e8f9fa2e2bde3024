/* SPDX-License-Identifier: Apache-2.0 */
/* tests/adopt/connector as a wrapped app, and what it saw. */
#ifndef TESTS_ADOPT_CONNECTOR_APP_H
#define TESTS_ADOPT_CONNECTOR_APP_H

#include <jansson.h>
#include <sys/types.h>

#include "tests/e2e/process.h"

struct connector_app {
	char log[PROCESS_PATH_MAX];
	pid_t pid;
};

/*
 * connector_app_start - starts it by `linewarden exec --connect` with the keeper of that run-path;
 * words: HOST PORT [WORD...], separated by one space; checks
 */
void connector_app_start(struct connector_app *app, const char *run, const char *words);

/* connector_app_event - waits for its line about something; a new reference; checks */
json_t *connector_app_event(const struct connector_app *app, const char *event);

/* connector_app_expect - the same, with a member that has to have that value; checks */
void connector_app_expect(const struct connector_app *app, const char *event, const char *key,
			  const char *value);

#endif
