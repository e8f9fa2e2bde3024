// SPDX-License-Identifier: Apache-2.0
/*
 * What adoption adds to an accept, in each of the ways that servers accept:
 *
 *	plain      an app that is not wrapped: from connect() until its accept() has returned
 *	elsewhere  a wrapped one, on a port that no line governs: the same
 *	adopted    a wrapped one: from handing its adopter a connected socket until its accept()
 *	           has returned that
 *
 * The three take turns, so that a busy machine slows all of them down alike. A harness program for
 * its checks, but no test: a machine that is too slow is not a broken one. Run it on a stage:
 * tests/stage build/tests/adopt/bench
 */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/adopt/fake_main.h"
#include "tests/e2e/listener.h"
#include "tests/e2e/wrap.h"
#include "tests/harness.h"
#include "userspace/fd.h"

#define LIMIT_MS (5000 * harness_time_scale())

enum { ROUNDS = 2000, WARM_UP = 50, PAUSE_US = 300 };
enum { ADOPTED_PORT = 5061, ELSEWHERE_PORT, PLAIN_PORT };
enum { BENCH_PLAIN, BENCH_ELSEWHERE, BENCH_ADOPTED, BENCH_WAYS };

struct bench {
	struct fake_main main;
	pid_t apps[BENCH_WAYS];
	int64_t took[BENCH_WAYS][ROUNDS]; /* ns */
};

HARNESS_PREPARE
{
}

static int64_t bench_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static int bench_compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int64_t bench_accepted(int fd)
{
	int64_t ns;

	ASSERT_EQ(sizeof(ns), listener_read(fd, &ns, sizeof(ns), LIMIT_MS));
	close(fd);
	return ns;
}

static int64_t bench_dial(uint16_t port)
{
	int64_t start = bench_clock();

	return bench_accepted(fake_main_dial("127.0.0.1", port)) - start;
}

static int64_t bench_give(struct fake_main *main)
{
	struct fake_client client;
	_cleanup_fd_ int server = fake_main_connect(main, "127.0.0.1", ADOPTED_PORT, &client);
	int64_t start, took;

	usleep(PAUSE_US);
	start = bench_clock();
	fake_main_send(main, server, client.cookie);
	took = bench_accepted(client.fd) - start;
	ASSERT_OK(fake_main_expect(main, HANDOVER_TAKEN, LIMIT_MS));
	return took;
}

static void bench_start(struct bench *bench, const char *mode)
{
	static const uint16_t governed[] = { ADOPTED_PORT, 0 };
	const char *command[] = { process_build_path("tests/adopt/stopwatch"), mode, "5061", NULL };

	fake_main_start(&bench->main, mode, governed);
	bench->apps[BENCH_ADOPTED] = fake_main_wrap(&bench->main, command);
	ASSERT_OK(fake_main_expect(&bench->main, HANDOVER_LISTENS, LIMIT_MS));
}

/* an app with nothing governed: its adopter is another one */
static void bench_start_others(struct bench *bench, const char *mode)
{
	static struct fake_main elsewhere;
	const char *command[] = { process_build_path("tests/adopt/stopwatch"), mode, "5062", NULL };

	elsewhere = bench->main;
	elsewhere.adopter = -1;
	bench->apps[BENCH_ELSEWHERE] = fake_main_wrap(&elsewhere, command);
	command[2] = "5063";
	bench->apps[BENCH_PLAIN] = process_start(bench->main.log, command);
	ASSERT_LT(0, bench->apps[BENCH_PLAIN]);
	process_sleep_ms(200);
}

static void bench_run(struct bench *bench)
{
	for (int i = -WARM_UP; i < ROUNDS; i++) {
		int64_t took[BENCH_WAYS];

		usleep(PAUSE_US);
		took[BENCH_PLAIN] = bench_dial(PLAIN_PORT);
		usleep(PAUSE_US);
		took[BENCH_ELSEWHERE] = bench_dial(ELSEWHERE_PORT);
		took[BENCH_ADOPTED] = bench_give(&bench->main);
		for (int k = 0; i >= 0 && k < BENCH_WAYS; k++)
			bench->took[k][i] = took[k];
	}
	for (int k = 0; k < BENCH_WAYS; k++)
		qsort(bench->took[k], ROUNDS, sizeof(bench->took[k][0]), bench_compare);
}

static void bench_stop(struct bench *bench)
{
	for (int k = 0; k < BENCH_WAYS; k++)
		EXPECT_EQ(SIGKILL, process_end(bench->apps[k], SIGKILL, LIMIT_MS));
	fake_main_stop(&bench->main);
}

static void bench_show(const char *mode, const struct bench *bench)
{
	static const char *const names[BENCH_WAYS] = { "plain", "elsewhere", "adopted" };
	const int64_t *plain = bench->took[BENCH_PLAIN];

	for (int k = 0; k < BENCH_WAYS; k++) {
		int64_t median = bench->took[k][ROUNDS / 2];
		int64_t p99 = bench->took[k][ROUNDS * 99 / 100];

		printf("%-10s %-10s %10.1f %10.1f %10.1f", mode, names[k],
		       (double)bench->took[k][0] / 1000, (double)median / 1000,
		       (double)p99 / 1000);
		if (k != BENCH_PLAIN)
			printf(" %+10.1f %+10.1f %+10.1f",
			       (double)(bench->took[k][0] - plain[0]) / 1000,
			       (double)(median - plain[ROUNDS / 2]) / 1000,
			       (double)(p99 - plain[ROUNDS * 99 / 100]) / 1000);
		putchar('\n');
	}
	fflush(stdout);
}

TEST_TIMEOUT(bench, 300)
{
	static const char *const modes[] = { "blocking", "level", "poll" };
	static struct bench bench;

	printf("%-10s %-10s %10s %10s %10s %10s %10s %10s\n", "accept", "us", "least", "median",
	       "p99", "+least", "+median", "+p99");
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		bench_start(&bench, modes[i]);
		bench_start_others(&bench, modes[i]);
		bench_run(&bench);
		bench_show(modes[i], &bench);
		bench_stop(&bench);
	}
}

HARNESS_MAIN
