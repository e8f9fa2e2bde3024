// SPDX-License-Identifier: Apache-2.0
/*
 * The outside of a test's process: forks it, takes what it prints, stops it when its
 * time is over, kills what it leaves behind, and turns all this into one KTAP line.
 */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/harness_run.h"
#include "userspace/fd.h"

#define KEPT_MAX 64

/* for the signal handler: the group that goes down with the harness */
static volatile pid_t running;

/* the children that the preparation left, for all tests */
static pid_t kept[KEPT_MAX];
static int kept_count;

static const struct harness_variant *const no_variant;

static void stop(int sig)
{
	if (running > 0)
		kill(-running, SIGKILL);
	signal(sig, SIG_DFL);
	raise(sig);
}

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* what a test prints, a diagnostic line at a time */
static void print_output(int fd, bool *at_start)
{
	char buf[4096];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			if (*at_start)
				fputs("# ", stdout);
			putchar(buf[i]);
			*at_start = buf[i] == '\n';
		}
	}
}

/* until the test has ended: true, or its time is over: false */
static bool watch(pid_t pid, int output, long long limit_ms, bool *at_start)
{
	_cleanup_fd_ int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	long long end = now_ms() + limit_ms;
	struct pollfd fds[] = {
		{ .fd = pidfd, .events = POLLIN },
		{ .fd = output, .events = POLLIN },
	};

	for (;;) {
		long long left = end - now_ms();

		if (left <= 0)
			return false;
		if (poll(fds, 2, (int)left) < 0 && errno != EINTR)
			return false;
		if (fds[1].revents & POLLIN)
			print_output(output, at_start);
		else if (fds[1].revents)
			fds[1].fd = -1; /* the test closed its output: it may still run */
		if (fds[0].revents)
			return true;
		fflush(stdout);
	}
}

static bool is_kept(pid_t pid)
{
	for (int i = 0; i < kept_count; i++)
		if (kept[i] == pid)
			return true;
	return false;
}

/* our children, without those that are kept; how many */
static int list_children(pid_t *pids, int max)
{
	char path[64];
	FILE *children;
	int count = 0;
	pid_t pid;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	children = fopen(path, "re");
	if (!children)
		return 0;
	while (count < max && fscanf(children, "%d", &pid) == 1)
		if (!is_kept(pid))
			pids[count++] = pid;
	fclose(children);
	return count;
}

/* what left the group with setsid() has come to us (PR_SET_CHILD_SUBREAPER) */
static void kill_strays(void)
{
	pid_t stray;

	/* killing one may bring us its children: one at a time */
	while (list_children(&stray, 1) > 0) {
		kill(stray, SIGKILL);
		waitpid(stray, NULL, 0);
	}
}

static bool prepare(struct harness_result *result)
{
	if (!harness_hook(harness_hooks.prepare, result)) {
		printf("Bail out! the preparation failed%s%s\n", *result->reason ? ": " : "",
		       result->reason);
		return false;
	}
	kept_count = list_children(kept, KEPT_MAX);
	return true;
}

static bool finish(struct harness_result *result)
{
	bool right = harness_hook(harness_hooks.finish, result);

	if (!right)
		printf("Bail out! what comes after the tests failed\n");
	kept_count = 0;
	kill_strays();
	return right;
}

static void start_child(const struct harness_test *test, const struct harness_variant *variant,
			struct harness_result *result, int output)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_CHILD_SUBREAPER, 0);
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	dup2(null, STDIN_FILENO);
	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	close(null);
	harness_child(test, variant, result);
}

/* why the test failed, NULL when it did not */
static const char *judge(const struct harness_result *result, bool in_time, int status, char *text,
			 size_t size)
{
	if (!in_time)
		return "the time limit is over";
	if (WIFSIGNALED(status)) {
		snprintf(text, size, "killed by SIG%s", sigabbrev_np(WTERMSIG(status)));
		return text;
	}
	if (result->failed)
		return "a check failed";
	if (!result->finished)
		snprintf(text, size, "ended before its end, status %d", WEXITSTATUS(status));
	else if (WEXITSTATUS(status))
		snprintf(text, size, "passed, but then status %d: a sanitizer's finding?",
			 WEXITSTATUS(status));
	else if (!result->checks && !result->skipped)
		return "checks nothing";
	else
		return NULL;
	return text;
}

/* an emulated machine is slow: it may take four times as long, unless somebody knows better */
int harness_time_scale(void)
{
	const char *scale = getenv("HARNESS_TIME_SCALE");

	if (scale && atoi(scale) > 0)
		return atoi(scale);
	return getenv("LINEWARDEN_VM") ? 4 : 1;
}

static bool run_test(const struct harness_test *test, const struct harness_variant *variant,
		     struct harness_result *result, const char **why, char *text, size_t size)
{
	long long limit_ms = test->limit * 1000LL * harness_time_scale();
	bool at_start = true, in_time;
	int output[2], status = 0;
	pid_t pid;

	*why = "no process for it";
	memset(result, 0, sizeof(*result));
	if (pipe2(output, O_CLOEXEC) < 0)
		return false;
	pid = fork();
	if (pid == 0)
		start_child(test, variant, result, output[1]);
	close(output[1]);
	fcntl(output[0], F_SETFL, O_NONBLOCK);
	if (pid > 0) {
		setpgid(pid, pid);
		running = pid;
		in_time = watch(pid, output[0], limit_ms, &at_start);
		kill(-pid, SIGKILL);
		waitpid(pid, &status, 0);
		running = 0;
		kill_strays();
		print_output(output[0], &at_start);
		if (!at_start)
			putchar('\n');
		*why = judge(result, in_time, status, text, size);
	}
	close(output[0]);
	return !*why;
}

static void test_name(const struct harness_test *test, const struct harness_variant *variant,
		      char *name, size_t size)
{
	if (!test->fixture)
		snprintf(name, size, "%s", test->name);
	else if (!variant)
		snprintf(name, size, "%s.%s", test->fixture->name, test->name);
	else
		snprintf(name, size, "%s.%s.%s", test->fixture->name, variant->name, test->name);
}

/* runs one and prints its line; false when it failed */
static bool report_test(const struct harness_test *test, const struct harness_variant *variant,
			const char *name, int number, struct harness_result *result)
{
	char text[128];
	const char *why;
	bool passed = run_test(test, variant, result, &why, text, sizeof(text));

	if (!passed) {
		printf("# %s: %s\nnot ok %d %s\n", name, why, number, name);
	} else if (result->skipped) {
		for (char *c = result->reason; *c; c++)
			if (*c == '\n')
				*c = ' ';
		printf("ok %d %s # SKIP %s\n", number, name, result->reason);
	} else {
		printf("ok %d %s\n", number, name);
	}
	fflush(stdout);
	return passed;
}

enum harness_walk { HARNESS_COUNT, HARNESS_LIST, HARNESS_RUN };

/* every test times its variants that matches; how many there are, or how many failed */
static int walk(enum harness_walk what, const char *pattern, struct harness_result *result)
{
	int number = 0, failed = 0;

	for (const struct harness_test *test = harness_tests; test; test = test->next) {
		const struct harness_variant *variant = no_variant;

		if (test->fixture)
			variant = test->fixture->variants;
		do {
			char name[256];

			test_name(test, variant, name, sizeof(name));
			if (fnmatch(pattern, name, 0) == 0) {
				number++;
				if (what == HARNESS_LIST)
					puts(name);
				if (what == HARNESS_RUN &&
				    !report_test(test, variant, name, number, result))
					failed++;
			}
			variant = variant ? variant->next : NULL;
		} while (variant);
	}
	return what == HARNESS_RUN ? failed : number;
}

int harness_main(int argc, char **argv)
{
	enum harness_walk what = HARNESS_RUN;
	struct harness_result *result;
	char pattern[256] = "*";
	int opt, count, failed = 1;

	while ((opt = getopt(argc, argv, "lt:")) != -1) {
		if (opt == 'l') {
			what = HARNESS_LIST;
		} else if (opt == 't') {
			snprintf(pattern, sizeof(pattern), "*%s*", optarg);
		} else {
			fprintf(stderr, "usage: %s [-l] [-t PATTERN]\n", argv[0]);
			return 2;
		}
	}
	if (what == HARNESS_LIST)
		return walk(what, pattern, NULL) ? 0 : 1;
	result = mmap(NULL, sizeof(*result), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	count = walk(HARNESS_COUNT, pattern, NULL);
	if (result == MAP_FAILED || count == 0) {
		fprintf(stderr, "%s: no test to run\n", argv[0]);
		return 1;
	}
	/* before the first output, and for the tests too: their two streams keep their order */
	setvbuf(stdout, NULL, _IOLBF, 0);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	signal(SIGTERM, stop);
	signal(SIGINT, stop);
	printf("KTAP version 1\n1..%d\n", count);
	fflush(stdout);
	if (prepare(result))
		failed = walk(HARNESS_RUN, pattern, result);
	return finish(result) && !failed ? 0 : 1;
}
