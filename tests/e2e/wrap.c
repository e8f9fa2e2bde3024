// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/wrap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/e2e/process.h"
#include "tests/harness.h"
#include "userspace/handover.h"

#define READY_MS (5000 * harness_time_scale())

pid_t wrap_start_keeper(const char *run, const char *log)
{
	return wrap_start_keeper_as(run, log, NULL);
}

pid_t wrap_start_keeper_as(const char *run, const char *log, const char *user)
{
	const char *const argv[] = { process_build_path("userspace/linewarden-keeper"), "--run",
				     run, user ? "--user" : NULL, user, NULL };
	long long end = process_now_ms() + READY_MS;
	pid_t pid = process_start(log, argv);
	int fd = -1;

	ASSERT_LT(0, pid);
	/* one that was there before has left its socket */
	while (fd < 0 && process_now_ms() < end) {
		process_sleep_ms(5);
		fd = handover_connect(run, HANDOVER_KEEPER);
	}
	ASSERT_LE(0, fd);
	close(fd);
	return pid;
}

pid_t wrap_start_keeper_of(const struct daemon *daemon, char run[PROCESS_PATH_MAX])
{
	char log[PROCESS_PATH_MAX];

	snprintf(run, PROCESS_PATH_MAX, "%s/run", daemon->dir);
	snprintf(log, sizeof(log), "%s/keeper.log", daemon->dir);
	return wrap_start_keeper(run, log);
}

void wrap_words(const char *run, const char *argv[WRAP_WORDS_MAX])
{
	const char *const words[WRAP_WORDS] = { process_build_path("tools/linewarden"), "exec",
						"--run", run, "--" };

	memset(argv, 0, WRAP_WORDS_MAX * sizeof(*argv));
	memcpy(argv, words, sizeof(words));
}

void wrap_await_listener(const struct daemon *daemon, uint16_t port)
{
	long long end = process_now_ms() + READY_MS;
	bool there = false;
	char suffix[16];

	snprintf(suffix, sizeof(suffix), ":%u\"", port);
	while (!there && process_now_ms() < end) {
		json_t *status = daemon_ask(daemon, "status");
		char *apps = json_dumps(json_object_get(status, "apps"), JSON_COMPACT);

		there = apps && strstr(apps, suffix);
		free(apps);
		json_decref(status);
		process_sleep_ms(20);
	}
	ASSERT_TRUE(there);
}
