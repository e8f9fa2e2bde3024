/* SPDX-License-Identifier: Apache-2.0 */
/* Apps that are started by `linewarden exec`, and the keeper that it takes. */
#ifndef TESTS_E2E_WRAP_H
#define TESTS_E2E_WRAP_H

#include <stdint.h>
#include <sys/types.h>

#include "tests/e2e/daemon.h"

enum { WRAP_WORDS = 5, WRAP_WORDS_MAX = 24 };

/* wrap_start_keeper - its pid, when it listens in that run-path; log takes its output; checks */
pid_t wrap_start_keeper(const char *run, const char *log);

/* wrap_start_keeper_as - the same, with carriers of that account */
pid_t wrap_start_keeper_as(const char *run, const char *log, const char *user);

/* wrap_start_keeper_of - the same in a daemon's run-path, which it writes to run; checks */
pid_t wrap_start_keeper_of(const struct daemon *daemon, char run[PROCESS_PATH_MAX]);

/* wrap_words - writes `linewarden exec` with a run-path; the command goes behind WRAP_WORDS of them */
void wrap_words(const char *run, const char *argv[WRAP_WORDS_MAX]);

/* wrap_await_listener - until the daemon knows that a wrapped app listens on that port; checks */
void wrap_await_listener(const struct daemon *daemon, uint16_t port);

#endif
