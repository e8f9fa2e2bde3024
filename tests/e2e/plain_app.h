/* SPDX-License-Identifier: Apache-2.0 */
/* The plain app of tests/app behind a daemon, and what it saw. */
#ifndef TESTS_E2E_PLAIN_APP_H
#define TESTS_E2E_PLAIN_APP_H

#include <jansson.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/e2e/process.h"

struct plain_app {
	char log[PROCESS_PATH_MAX];
	pid_t pid;
};

/**
 * plain_app_start - starts it on 127.0.0.1, and waits until it listens; checks
 * @options: its words, like "--bytes 5 source", separated by one space
 */
void plain_app_start(struct plain_app *app, uint16_t port, const char *options);

/* plain_app_wrap - the same by `linewarden exec`, with the keeper of that run-path; checks */
void plain_app_wrap(struct plain_app *app, const char *run, uint16_t port, const char *options);

/* plain_app_accepts - how many connections it has seen */
int plain_app_accepts(const struct plain_app *app);

/* plain_app_end - waits for its report of a client's connection; a new reference, NULL */
json_t *plain_app_end(const struct plain_app *app, const char *client);

/* plain_app_accept - the same of the beginning */
json_t *plain_app_accept(const struct plain_app *app, const char *client);

#endif
