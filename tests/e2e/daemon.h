/* SPDX-License-Identifier: Apache-2.0 */
/* A linewardend of a test: its files, its process, and what it says. */
#ifndef TESTS_E2E_DAEMON_H
#define TESTS_E2E_DAEMON_H

#include <jansson.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/e2e/process.h"

struct daemon_options {
	const char *name; /* of its folder; NULL: "daemon" */
	const uint16_t *ports; /* each gets all lines of site.h; ended by 0; NULL: 5061 */
	const char *identity; /* a certificate's name; NULL: "server" */
	const char *settings; /* more lines of its configuration; NULL: none */
	const char *ktls; /* NULL: "require" where the kernel can, else "prefer" */
	const char *pins; /* NULL: the stage's */
};

struct daemon {
	char dir[PROCESS_PATH_MAX / 2]; /* has linewarden.conf, daemon.log and run/ */
	char audit[PROCESS_PATH_MAX];
	char pins[PROCESS_PATH_MAX];
	pid_t pid; /* of the main process; 0: does not run */
};

enum { DAEMON_PORT = 5061, DAEMON_WORKERS_MAX = 16 };

/* daemon_configure - writes its configuration; checks */
void daemon_configure(struct daemon *daemon, const struct daemon_options *options);

/* daemon_launch - starts it; 0 when it is ready, -ESRCH when it ended instead, -ETIMEDOUT */
int daemon_launch(struct daemon *daemon);

/* daemon_start - both; checks */
void daemon_start(struct daemon *daemon, const struct daemon_options *options);

/* daemon_end - sends a signal and waits; the status as waitpid() gives it, -1: still runs */
int daemon_end(struct daemon *daemon, int sig);

/* daemon_retire - ends it in order, after none of its workers has died; checks */
void daemon_retire(struct daemon *daemon);

/*
 * daemon_change - puts other words in place of the first ones like it in its configuration; "@"
 * stands for the stage's folder; checks
 */
void daemon_change(const struct daemon *daemon, const char *from, const char *to);

/*
 * daemon_reload - `linewarden reload`; its exit status
 * @output: PROCESS_OUTPUT_MAX bytes for what it says; may be NULL
 */
int daemon_reload(const struct daemon *daemon, char *output);

/* daemon_workers - their pids; how many there are */
int daemon_workers(const struct daemon *daemon, pid_t workers[DAEMON_WORKERS_MAX]);

/* daemon_ask - what `linewarden QUESTION --json` answers; a new reference, NULL: nothing */
json_t *daemon_ask(const struct daemon *daemon, const char *question);

/* daemon_outlet - the port that intercepted IPv4 connections are sent to; checks */
uint16_t daemon_outlet(const struct daemon *daemon);

/* daemon_sessions - how many it has, after at most some seconds that many: its last count */
int daemon_sessions(const struct daemon *daemon, int expected);

/* daemon_record - waits for the audit record of a client; a new reference, NULL: none came */
json_t *daemon_record(const struct daemon *daemon, const char *event, const char *peer);

/* daemon_explain - prints its log, for a test that failed */
void daemon_explain(const struct daemon *daemon);

#endif
