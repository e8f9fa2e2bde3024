// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/daemon.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/e2e/journal.h"
#include "tests/e2e/site.h"
#include "tests/harness.h"
#include "userspace/fd.h"

#define DAEMON_READY_MS 15000
#define DAEMON_END_MS 5000
#define DAEMON_SESSIONS_MS 3000

void daemon_configure(struct daemon *daemon, const struct daemon_options *options)
{
	static const uint16_t usual[] = { DAEMON_PORT, 0 };
	const uint16_t *port = options->ports ? options->ports : usual;
	const char *identity = options->identity ? options->identity : "server";
	const char *ktls = options->ktls, *pins = options->pins;
	char path[PROCESS_PATH_MAX];
	FILE *file;

	memset(daemon, 0, sizeof(*daemon));
	if (!ktls)
		ktls = site_has_kernel_tls() ? "require" : "prefer";
	snprintf(daemon->dir, sizeof(daemon->dir), "%s",
		 site_file("%s-%d", options->name ? options->name : "daemon", getpid()));
	snprintf(daemon->audit, sizeof(daemon->audit), "%s/audit.jsonl", daemon->dir);
	snprintf(daemon->pins, sizeof(daemon->pins), "%s", pins ? pins : getenv("STAGE_PINS"));
	ASSERT_TRUE(mkdir(daemon->dir, 0755) == 0 || errno == EEXIST);
	snprintf(path, sizeof(path), "%s/linewarden.conf", daemon->dir);
	file = fopen(path, "we");
	ASSERT_NOT_NULL(file);
	fprintf(file, "identity {\n\tcertificate = \"%s\"\n\tkey = \"%s\"\n}\n",
		site_file("pki/%s.pem", identity), site_file("pki/%s.key", identity));
	fprintf(file, "trust-store = \"%s\"\nktls = %s\nuser = \"nobody\"\ngroup = \"root\"\n",
		site_file("trusted"), ktls);
	fprintf(file, "audit-log = \"%s\"\npin-path = \"%s\"\nrun-path = \"%s/run\"\n",
		daemon->audit, daemon->pins, daemon->dir);
	fprintf(file, "cgroup = \"%s\"\n%s\n", getenv("STAGE_CGROUP"),
		options->settings ? options->settings : "");
	for (; *port; port++)
		site_write_lines(file, *port);
	ASSERT_OK(fclose(file));
}

/* a socket for sd_notify(), in the abstract namespace */
static int daemon_notify_socket(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_fd_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char name[64];
	int size;

	size = snprintf(name, sizeof(name), "@linewarden-e2e-%d-%lld", getpid(), process_now_ms());
	memcpy(address.sun_path, name, (size_t)size);
	address.sun_path[0] = '\0';
	if (fd < 0 || bind(fd, (struct sockaddr *)&address,
			   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)size)) < 0)
		return -errno;
	setenv("NOTIFY_SOCKET", name, 1);
	return TAKE_FD(fd);
}

static int daemon_await_ready(struct daemon *daemon, int notify)
{
	_cleanup_fd_ int pidfd = (int)syscall(SYS_pidfd_open, daemon->pid, 0);
	long long end = process_now_ms() + DAEMON_READY_MS * harness_time_scale();
	struct pollfd fds[] = { { .fd = notify, .events = POLLIN },
				{ .fd = pidfd, .events = POLLIN } };
	char message[256];
	ssize_t n;

	while (process_now_ms() < end) {
		if (poll(fds, 2, (int)(end - process_now_ms())) <= 0)
			break;
		if (fds[0].revents) {
			n = recv(notify, message, sizeof(message) - 1, 0);
			message[n > 0 ? n : 0] = '\0';
			if (strstr(message, "READY=1"))
				return 0;
		} else {
			return -ESRCH;
		}
	}
	return -ETIMEDOUT;
}

int daemon_launch(struct daemon *daemon)
{
	char config[PROCESS_PATH_MAX], log[PROCESS_PATH_MAX];
	const char *const argv[] = { process_build_path("userspace/linewardend"), "--config",
				     config, NULL };
	_cleanup_fd_ int notify = daemon_notify_socket();
	int rc;

	if (notify < 0)
		return notify;
	snprintf(config, sizeof(config), "%s/linewarden.conf", daemon->dir);
	snprintf(log, sizeof(log), "%s/daemon.log", daemon->dir);
	daemon->pid = process_start(log, argv);
	unsetenv("NOTIFY_SOCKET");
	if (daemon->pid < 0)
		return daemon->pid;
	rc = daemon_await_ready(daemon, notify);
	if (rc == -ESRCH) {
		waitpid(daemon->pid, NULL, 0);
		daemon->pid = 0;
	}
	return rc;
}

void daemon_start(struct daemon *daemon, const struct daemon_options *options)
{
	daemon_configure(daemon, options);
	ASSERT_OK(daemon_launch(daemon)) {
		daemon_explain(daemon);
	}
}

int daemon_end(struct daemon *daemon, int sig)
{
	int status = process_end(daemon->pid, sig, DAEMON_END_MS * harness_time_scale());

	if (status >= 0)
		daemon->pid = 0;
	return status;
}

void daemon_retire(struct daemon *daemon)
{
	json_t *status = daemon_ask(daemon, "status"), *worker;
	size_t i;

	EXPECT_LT(0, json_array_size(json_object_get(status, "workers")));
	json_array_foreach(json_object_get(status, "workers"), i, worker)
		EXPECT_EQ(0, journal_number(worker, "restarts"));
	json_decref(status);
	EXPECT_EQ(0, daemon_end(daemon, SIGTERM));
	if (harness_has_failed())
		daemon_explain(daemon);
}

/* "@" becomes the stage's folder */
static void daemon_expand(const char *text, char out[512])
{
	const char *at = strchr(text, '@');

	if (at)
		snprintf(out, 512, "%.*s%s%s", (int)(at - text), text, getenv("STAGE_DIR"), at + 1);
	else
		snprintf(out, 512, "%s", text);
}

void daemon_change(const struct daemon *daemon, const char *from, const char *to)
{
	static char text[65536];
	char path[PROCESS_PATH_MAX], old[512], new[512], *at;
	FILE *file;
	size_t len;

	daemon_expand(from, old);
	daemon_expand(to, new);
	snprintf(path, sizeof(path), "%s/linewarden.conf", daemon->dir);
	file = fopen(path, "re");
	ASSERT_NOT_NULL(file);
	len = fread(text, 1, sizeof(text) - 1, file);
	text[len] = '\0';
	fclose(file);
	at = strstr(text, old);
	ASSERT_NOT_NULL(at);
	file = fopen(path, "we");
	ASSERT_NOT_NULL(file);
	fprintf(file, "%.*s%s%s", (int)(at - text), text, new, at + strlen(old));
	ASSERT_OK(fclose(file));
}

int daemon_reload(const struct daemon *daemon, char *output)
{
	char run[PROCESS_PATH_MAX];
	const char *const argv[] = { process_build_path("tools/linewarden"), "reload", "--run", run,
				     NULL };

	snprintf(run, sizeof(run), "%s/run", daemon->dir);
	return process_run(output, argv);
}

int daemon_workers(const struct daemon *daemon, pid_t workers[DAEMON_WORKERS_MAX])
{
	return process_children(daemon->pid, workers, DAEMON_WORKERS_MAX);
}

json_t *daemon_ask(const struct daemon *daemon, const char *question)
{
	static char output[PROCESS_OUTPUT_MAX];
	char run[PROCESS_PATH_MAX];
	const char *const argv[] = { process_build_path("tools/linewarden"), question, "--json",
				     "--run", run, NULL };

	snprintf(run, sizeof(run), "%s/run", daemon->dir);
	return process_run(output, argv) == 0 ? json_loads(output, 0, NULL) : NULL;
}

uint16_t daemon_outlet(const struct daemon *daemon)
{
	static char output[PROCESS_OUTPUT_MAX];
	char map[PROCESS_PATH_MAX + 16];
	const char *const argv[] = { "bpftool", "-j", "map", "dump", "pinned", map, NULL };
	uint16_t port = 0;
	json_t *json;

	snprintf(map, sizeof(map), "%s/outlets", daemon->pins);
	ASSERT_EQ(0, process_run(output, argv));
	json = json_loads(output, 0, NULL);
	/* the daemon's own namespace comes with one entry; its number is not always the same */
	port = (uint16_t)journal_number(
		json_object_get(json_object_get(json_array_get(json, 0), "formatted"), "value"),
		"port4");
	json_decref(json);
	ASSERT_NE(0, port);
	return port;
}

int daemon_sessions(const struct daemon *daemon, int expected)
{
	long long end = process_now_ms() + DAEMON_SESSIONS_MS * harness_time_scale();
	int count;

	for (;;) {
		json_t *sessions = daemon_ask(daemon, "sessions");

		count = json_is_array(sessions) ? (int)json_array_size(sessions) : -1;
		json_decref(sessions);
		if (count == expected || process_now_ms() > end)
			return count;
		process_sleep_ms(10);
	}
}

json_t *daemon_record(const struct daemon *daemon, const char *event, const char *peer)
{
	return journal_wait(daemon->audit, JOURNAL_WANT({ "event", event }, { "peer", peer }));
}

void daemon_explain(const struct daemon *daemon)
{
	char path[PROCESS_PATH_MAX], line[1024];
	FILE *file;

	if (!*daemon->dir)
		return;
	snprintf(path, sizeof(path), "%s/daemon.log", daemon->dir);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		fprintf(stderr, "%s says: %s", strrchr(daemon->dir, '/') + 1, line);
	if (file)
		fclose(file);
}
