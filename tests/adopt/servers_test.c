// SPDX-License-Identifier: Apache-2.0
/*
 * Real servers, wrapped and otherwise as they are: each is given every client, and tells it the
 * address that it has. Their queues have room for five, where a server lets one say so.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/adopt/fake_main.h"
#include "tests/e2e/dial.h"
#include "tests/harness.h"
#include "userspace/fd.h"

#define LIMIT_MS (5000 * harness_time_scale())
#define START_MS (20000 * harness_time_scale())

#define HTTP "GET / HTTP/1.0\r\n\r\n"
#define SIP                                                                                        \
	"OPTIONS sip:127.0.0.1 SIP/2.0\r\n"                                                        \
	"Via: SIP/2.0/TCP 192.0.2.9:5061;branch=z9hG4bK1\r\n"                                      \
	"From: <sip:peer@192.0.2.9>;tag=1\r\nTo: <sip:127.0.0.1>\r\n"                              \
	"Call-ID: 1@192.0.2.9\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 9\r\nContent-Length: 0\r\n\r\n"

enum {
	PORT = 5061,
	DUAL_PORT = 5062, /* nginx's listener for both families */
	SESSIONS = 1000,
	AT_ONCE = 10,
	FLOOD = 300,
	STRAYS = 200,
	GONE = 10,
	STRAYS_AT_ONCE = 8, /* half of them in a queue of five */
	FREE_MS = 1000, /* for a server to come back from accept() */
	PROCESSES_MAX = 32,
	WORDS_MAX = 16,
	ANSWER_MAX = 2048,
};

static const uint16_t ports[] = { PORT, DUAL_PORT, 0 };

static struct fake_client clients[SESSIONS];
static const char *log_path;

FIXTURE(servers) {
	struct fake_main main;
	pid_t app;
};

FIXTURE_VARIANT(servers) {
	const char *command[WORDS_MAX]; /* "servers/..." is a file of ours */
	const char *needs; /* to be installed; NULL: its first word */
	const char *says; /* the client, first of all */
	const char *dialled; /* NULL: 127.0.0.1 */
	uint16_t port; /* 0: PORT */
	const char *shows; /* host of a client that dialled 127.0.0.1, where that is not as dialled */
	bool dual; /* sessions are sockets of AF_INET6 */
	bool stays; /* open: its answers end with an empty line */
	bool blocks; /* it waits in accept() itself */
	bool names; /* it tells what getpeername() says, too */
};

#define NGINX(workers)                                                                             \
	{                                                                                          \
		"nginx", "-c", "servers/nginx.conf", "-p", "RUN", "-g",                            \
			"worker_processes " #workers ";"                                \
	}

FIXTURE_VARIANT_ADD(servers, nginx) {
	.command = NGINX(1), .says = HTTP,
};

FIXTURE_VARIANT_ADD(servers, nginx_workers) {
	.command = NGINX(2), .says = HTTP,
};

FIXTURE_VARIANT_ADD(servers, nginx_reuseport) {
	.command = NGINX(2), .says = HTTP, .dialled = "127.0.0.2",
};

FIXTURE_VARIANT_ADD(servers, nginx_dual_stack) {
	.command = NGINX(2), .says = HTTP, .port = DUAL_PORT, .shows = "[::ffff:127.0.0.1]",
};

FIXTURE_VARIANT_ADD(servers, node) {
	.command = { "node", "servers/server.js", "127.0.0.1", "5061" },
};

FIXTURE_VARIANT_ADD(servers, node_ipv6) {
	.command = { "node", "servers/server.js", "::", "5061" }, .dialled = "::1",
};

FIXTURE_VARIANT_ADD(servers, node_dual_stack) {
	.command = { "node", "servers/server.js", "::", "5061" }, .dual = true,
	.shows = "[::ffff:127.0.0.1]",
};

#define JAVA                                                                                       \
	{                                                                                          \
		"java", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-Xmx64m",                  \
			"servers/Server.java", "5061"                                              \
	}

FIXTURE_VARIANT_ADD(servers, java_ipv6) {
	.command = JAVA, .blocks = true, .needs = "javac", .dialled = "::1",
};

FIXTURE_VARIANT_ADD(servers, java_dual_stack) {
	.command = JAVA, .blocks = true, .needs = "javac", .dual = true,
};

FIXTURE_VARIANT_ADD(servers, python_asyncio) {
	.command = { "/usr/bin/python3", "servers/asyncio_server.py", "127.0.0.1", "5061" },
	.names = true,
};

FIXTURE_VARIANT_ADD(servers, python_threads) {
	.command = { "/usr/bin/python3", "servers/threads_server.py", "127.0.0.1", "5061" },
	.names = true,
};

FIXTURE_VARIANT_ADD(servers, kamailio) {
	.command = { "kamailio", "-DD", "-E", "-m", "16", "-Y", "RUN", "-f", "servers/kamailio.cfg" },
	.says = SIP, .stays = true,
};

static uint16_t port_of(const FIXTURE_VARIANT(servers) *variant)
{
	return variant->port ?: PORT;
}

static const char *dialled(const FIXTURE_VARIANT(servers) *variant)
{
	return variant->dialled ?: "127.0.0.1";
}

static void say(const FIXTURE_VARIANT(servers) *variant, int fd)
{
	if (variant->says)
		EXPECT_EQ((ssize_t)strlen(variant->says),
			  send(fd, variant->says, strlen(variant->says), MSG_NOSIGNAL));
}

static void read_answer(const FIXTURE_VARIANT(servers) *variant, int fd, char answer[ANSWER_MAX])
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	size_t size = 0;
	ssize_t n = 1;

	while (n > 0 && !(variant->stays && strstr(answer, "\r\n\r\n"))) {
		n = poll(&ready, 1, LIMIT_MS) == 1 ?
			    recv(fd, answer + size, ANSWER_MAX - 1 - size, 0) :
			    -ETIMEDOUT;
		EXPECT_LE(0, n);
		size += n > 0 ? (size_t)n : 0;
		answer[size] = '\0';
	}
}

/* the addresses in it; how many */
static int find_addresses(char *answer, char accepted[64], char named[64])
{
	char *body = strstr(answer, "\r\n\r\n"), *rport = strstr(answer, ";rport="),
	     *received = strstr(answer, ";received=");

	if (rport && received) {
		snprintf(accepted, 64, "%.*s:%d", (int)strcspn(received + 10, ";\r"), received + 10,
			 atoi(rport + 7));
		return 1;
	}
	return sscanf(body ? body + 4 : answer, "%63s %63s", accepted, named);
}

static void expect_served(const FIXTURE_VARIANT(servers) *variant, struct fake_client *client)
{
	char answer[ANSWER_MAX] = "", accepted[64] = "", named[64] = "", expected[64];

	read_answer(variant, client->fd, answer);
	snprintf(expected, sizeof(expected), "%s", client->name);
	if (variant->shows)
		snprintf(expected, sizeof(expected), "%s%s", variant->shows,
			 strrchr(client->name, ':'));
	EXPECT_EQ(variant->names ? 2 : 1, find_addresses(answer, accepted, named))
		TH_LOG("the answer: %s", answer);
	EXPECT_STREQ(expected, accepted);
	if (variant->names)
		EXPECT_STREQ(expected, named);
	close(client->fd);
}

static void expect_taken(struct fake_main *main, const struct fake_client *client)
{
	ASSERT_OK(fake_main_expect(main, HANDOVER_TAKEN, LIMIT_MS));
	EXPECT_EQ(client->cookie, main->last.cookie);
}

static void give(FIXTURE_DATA(servers) *self, const FIXTURE_VARIANT(servers) *variant,
		 struct fake_client *client)
{
	_cleanup_fd_ int server = fake_main_connect(&self->main, dialled(variant),
						    port_of(variant), client);

	say(variant, client->fd);
	fake_main_send(&self->main, server, client->cookie);
}

/* one that nobody gives: the kernel puts it in the server's own queue. -errno: no connection */
static int stray(const FIXTURE_VARIANT(servers) *variant, struct fake_client *client)
{
	const struct dial to = { .host = dialled(variant), .port = port_of(variant),
				 .waits = true };
	struct dialled dialled = dial(&to);

	client->fd = dialled.fd;
	if (dialled.error) {
		close(dialled.fd);
		return -dialled.error;
	}
	snprintf(client->name, sizeof(client->name), "%s", dialled.local);
	say(variant, client->fd);
	return 0;
}

static void need(const char *program)
{
	const char *const find[] = { "sh", "-c", "command -v \"$0\"", program, NULL };

	if (process_run(NULL, find) != 0)
		SKIP("%s is not installed (packaging/install-packages pbx server)", program);
}

static void start(FIXTURE_DATA(servers) *self, const FIXTURE_VARIANT(servers) *variant)
{
	static char files[WORDS_MAX][PATH_MAX];
	const char *command[WORDS_MAX] = { 0 };
	char path[64];

	for (int i = 0; i < WORDS_MAX - 1 && variant->command[i]; i++) {
		command[i] = variant->command[i];
		if (strcmp(command[i], "RUN") == 0)
			command[i] = self->main.run;
		if (strncmp(command[i], "servers/", 8))
			continue;
		snprintf(path, sizeof(path), "tests/adopt/%s", command[i]);
		ASSERT_NOT_NULL(realpath(path, files[i]));
		command[i] = files[i];
	}
	self->app = fake_main_wrap(&self->main, command);
}

static bool is_in_accept(pid_t pid)
{
	char path[64];
	long nr = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (fscanf(file, "%ld", &nr) != 1)
		nr = -1;
	fclose(file);
	return nr == SYS_accept || nr == SYS_accept4;
}

static void expect_no_complaint(FIXTURE_DATA(servers) *self)
{
	static char output[PROCESS_OUTPUT_MAX];
	const char *const grep[] = {
		"grep", "-E", "ERROR|CRITICAL|Traceback|Exception|\\[(alert|crit|emerg|error)\\]",
		self->main.log, NULL
	};

	EXPECT_EQ(1, process_run(output, grep))
		TH_LOG("it complained: %s", output);
}

/* A server that waits in poll() must not be caught in accept(), where it does nothing else. */
static void expect_free(FIXTURE_DATA(servers) *self, const FIXTURE_VARIANT(servers) *variant)
{
	long long end = process_now_ms() + FREE_MS * harness_time_scale();
	pid_t pids[PROCESSES_MAX] = { self->app };
	int count = 1 + process_children(self->app, pids + 1, PROCESSES_MAX - 1);

	if (variant->blocks)
		return;
	for (int i = 0; i < count; i++) {
		while (is_in_accept(pids[i]) && process_now_ms() < end)
			process_sleep_ms(5);
		EXPECT_FALSE(is_in_accept(pids[i]));
	}
}

FIXTURE_SETUP(servers)
{
	long long end = process_now_ms() + START_MS;

	need(variant->needs ?: variant->command[0]);
	fake_main_start(&self->main, "servers", ports);
	self->main.dual = variant->dual;
	log_path = self->main.log;
	start(self, variant);
	while (stray(variant, &clients[0]) < 0) {
		ASSERT_LT(process_now_ms(), end);
		process_sleep_ms(20);
	}
	expect_served(variant, &clients[0]);
}

FIXTURE_TEARDOWN(servers)
{
	if (!self->app)
		return;
	expect_free(self, variant);
	EXPECT_NE(-1, process_end(self->app, SIGTERM, LIMIT_MS));
	fake_main_stop(&self->main);
}

HARNESS_EXPLAIN
{
	static char output[PROCESS_OUTPUT_MAX];
	const char *const tail[] = { "tail", "-n", "20", log_path, NULL };

	if (log_path && process_run(output, tail) == 0)
		TH_LOG("the log ends with:\n%s", output);
}

static void serve(FIXTURE_DATA(servers) *self, const FIXTURE_VARIANT(servers) *variant, int first,
		  int count)
{
	for (int i = first; i < first + count + AT_ONCE; i++) {
		if (i < first + count)
			give(self, variant, &clients[i]);
		if (i >= first + AT_ONCE) {
			expect_served(variant, &clients[i - AT_ONCE]);
			expect_taken(&self->main, &clients[i - AT_ONCE]);
		}
	}
}

TEST_F_TIMEOUT(servers, a_thousand_sessions, 60)
{
	/* ten, then nobody waits any more; then ten all the time */
	for (int i = 0; i < SESSIONS / 2; i += AT_ONCE)
		serve(self, variant, i, AT_ONCE);
	serve(self, variant, SESSIONS / 2, SESSIONS / 2);
	expect_no_complaint(self);
}

TEST_F(servers, three_hundred_at_once)
{
	static int sessions[FLOOD];

	for (int i = 0; i < FLOOD; i++) {
		sessions[i] = fake_main_connect(&self->main, dialled(variant), port_of(variant),
						&clients[i]);
		say(variant, clients[i].fd);
	}
	for (int i = 0; i < FLOOD; i++) {
		fake_main_send(&self->main, sessions[i], clients[i].cookie);
		close(sessions[i]);
	}
	/* all of these before an answer is waited for: an adopter hangs up on who does not read */
	for (int i = 0; i < FLOOD; i++)
		expect_taken(&self->main, &clients[i]);
	for (int i = 0; i < FLOOD; i++)
		expect_served(variant, &clients[i]);
	expect_no_complaint(self);
}

/* every second one is in the server's own queue, as a relayed connection is, and ours beside it */
TEST_F(servers, strays)
{
	for (int i = 0; i < STRAYS; i += STRAYS_AT_ONCE) {
		for (int k = i; k < i + STRAYS_AT_ONCE; k++) {
			if (k % 2)
				give(self, variant, &clients[k]);
			else
				ASSERT_OK(stray(variant, &clients[k]));
		}
		for (int k = i; k < i + STRAYS_AT_ONCE; k++) {
			expect_served(variant, &clients[k]);
			if (k % 2)
				expect_taken(&self->main, &clients[k]);
		}
	}
	expect_no_complaint(self);
}

/* reset before the server takes them: without us it would be given them all the same */
TEST_F(servers, strays_that_are_gone)
{
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	struct dial to = { .host = dialled(variant), .port = port_of(variant), .waits = true };

	for (int i = 0; i < GONE; i++) {
		struct dialled dialled = dial(&to);

		ASSERT_OK(dialled.error);
		setsockopt(dialled.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		close(dialled.fd);
		process_sleep_ms(10);
		expect_free(self, variant);
	}
	give(self, variant, &clients[0]);
	expect_served(variant, &clients[0]);
	expect_taken(&self->main, &clients[0]);
}

HARNESS_MAIN
