// SPDX-License-Identifier: Apache-2.0
/* A program that calls accept() in every way there is cannot tell that it is wrapped. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/adopt/fake_main.h"
#include "tests/e2e/wrap.h"
#include "tests/harness.h"

enum { PORT = 5061, LINES_MAX = 200, LINE_MAX_LEN = 160, CLIENTS_MAX = 100 };

struct transcript {
	char lines[LINES_MAX][LINE_MAX_LEN];
	int count;
};

static struct fake_main stand_in;
static struct fake_client clients[CLIENTS_MAX];

static FILE *run(const char *const argv[], pid_t *pid)
{
	int pipes[2];

	ASSERT_OK(pipe(pipes));
	*pid = fork();
	ASSERT_LE(0, *pid);
	if (*pid == 0) {
		dup2(pipes[1], STDOUT_FILENO);
		/* descriptors above the three would be in its way: it counts them */
		close_range(3, ~0U, 0);
		execv(argv[0], (char *const *)argv);
		_exit(127);
	}
	close(pipes[1]);
	return fdopen(pipes[0], "re");
}

/* come: gives the program a client */
static void record(FILE *output, struct transcript *transcript, void (*come)(int number))
{
	char line[LINE_MAX_LEN];
	int number = 0;

	while (fgets(line, sizeof(line), output) && transcript->count < LINES_MAX) {
		line[strcspn(line, "\n")] = '\0';
		if (strcmp(line, "client") == 0)
			come(number++);
		snprintf(transcript->lines[transcript->count++], LINE_MAX_LEN, "%s", line);
	}
	fclose(output);
}

static void come_plainly(int number)
{
	ASSERT_LT(number, CLIENTS_MAX);
	clients[number].fd = fake_main_dial("127.0.0.1", PORT);
}

static void come_adopted(int number)
{
	ASSERT_LT(number, CLIENTS_MAX);
	fake_main_give(&stand_in, "127.0.0.1", PORT, &clients[number]);
}

static void compare(const struct transcript *plain, const struct transcript *wrapped)
{
	for (int i = 0; i < plain->count && i < wrapped->count; i++)
		EXPECT_STREQ(plain->lines[i], wrapped->lines[i]) {
			TH_LOG("that was line %d, after: %s", i, plain->lines[i ? i - 1 : 0]);
		}
	EXPECT_EQ(plain->count, wrapped->count);
	ASSERT_LT(60, plain->count);
	EXPECT_STREQ("end", plain->lines[plain->count - 1]);
}

TEST_TIMEOUT(attempts_are_answered_as_by_the_kernel, 60)
{
	static const uint16_t ports[] = { PORT, 0 };
	static struct transcript plain, wrapped;
	const char *const alone[] = { process_build_path("tests/adopt/attempts"), NULL };
	const char *words[WRAP_WORDS_MAX];
	pid_t pid;

	signal(SIGPIPE, SIG_IGN);
	fake_main_start(&stand_in, "attempts", ports);
	record(run(alone, &pid), &plain, come_plainly);
	EXPECT_EQ(pid, waitpid(pid, NULL, 0));
	wrap_words(stand_in.run, words);
	words[WRAP_WORDS] = alone[0];
	{
		FILE *output = run(words, &pid);

		fake_main_meet(&stand_in);
		record(output, &wrapped, come_adopted);
	}
	EXPECT_EQ(pid, waitpid(pid, NULL, 0));
	compare(&plain, &wrapped);
	fake_main_stop(&stand_in);
}

HARNESS_PREPARE
{
}

HARNESS_MAIN
