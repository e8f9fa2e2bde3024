// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

const char *process_build_path(const char *program)
{
	static char paths[4][PROCESS_PATH_MAX];
	static int next;
	char *path = paths[next++ % 4], self[PROCESS_PATH_MAX / 2] = "";
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	/* BUILD/tests/e2e/this_test */
	for (int i = 0; n > 0 && i < 3; i++)
		*strrchr(self, '/') = '\0';
	snprintf(path, PROCESS_PATH_MAX, "%s/%s", self, program);
	return path;
}

/* in the child */
static void process_become(int output, const char *const argv[], pid_t parent)
{
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	execvp(argv[0], (char *const *)argv);
	perror(argv[0]);
	_exit(127);
}

pid_t process_start(const char *log, const char *const argv[])
{
	int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	pid_t parent = getpid(), pid;

	if (fd < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		process_become(fd, argv, parent);
	if (pid < 0)
		pid = -errno;
	close(fd);
	return pid;
}

int process_end(pid_t pid, int sig, int limit_ms)
{
	long long end = process_now_ms() + limit_ms;
	int status;

	if (pid <= 0) /* it never ran; 0 would be all of us */
		return -1;
	kill(pid, sig);
	do {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return status;
		process_sleep_ms(5);
	} while (process_now_ms() < end);
	return -1;
}

int process_run(char *output, const char *const argv[])
{
	char waste[4096];
	size_t size = 0;
	int pair[2], status = 0;
	pid_t parent = getpid(), pid;
	ssize_t n = 1;

	if (pipe2(pair, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (pid == 0)
		process_become(pair[1], argv, parent);
	close(pair[1]);
	while (n > 0) {
		size_t room = output ? PROCESS_OUTPUT_MAX - 1 - size : 0;

		n = read(pair[0], room ? output + size : waste, room ? room : sizeof(waste));
		if (room && n > 0)
			size += (size_t)n;
	}
	if (output)
		output[size] = '\0';
	close(pair[0]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

int process_children(pid_t pid, pid_t *children, int max)
{
	char path[64];
	int count = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	while (count < max && fscanf(file, "%d", &children[count]) == 1)
		count++;
	fclose(file);
	return count;
}

/* its state, and how many clock ticks it has computed; false: there is no such process */
static bool process_stat(pid_t pid, char *state, unsigned long *ticks)
{
	unsigned long user, system;
	char path[64], text[1024];
	const char *rest;
	FILE *file;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	n = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[n] = '\0';
	/* the name before it may hold anything */
	rest = strrchr(text, ')');
	if (!rest || sscanf(rest + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", state,
			    &user, &system) != 3)
		return false;
	*ticks = user + system;
	return true;
}

long process_cpu_ms(pid_t pid)
{
	unsigned long ticks;
	char state;

	if (!process_stat(pid, &state, &ticks))
		return -1;
	return (long)(ticks * 1000 / (unsigned long)sysconf(_SC_CLK_TCK));
}

bool process_lives(pid_t pid)
{
	unsigned long ticks;
	char state;

	return process_stat(pid, &state, &ticks) && state != 'Z' && state != 'X';
}

long process_memory_kb(pid_t pid)
{
	char path[64], line[256];
	long kb = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	if (!file)
		return -1;
	while (kb < 0 && fgets(line, sizeof(line), file))
		sscanf(line, "RssAnon: %ld kB", &kb);
	fclose(file);
	return kb;
}

long long process_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

void process_sleep_ms(int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&ts, NULL);
}
