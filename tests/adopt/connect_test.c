// SPDX-License-Identifier: Apache-2.0
/*
 * What an adopter does with a connect(): the test is the daemon's main process, and what it gives
 * are plain connections, so that all of it works on a kernel without TLS. What the kernel carries
 * out itself comes to the same server, from a port that the test does not know.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/adopt/connector_app.h"
#include "tests/adopt/fake_main.h"
#include "tests/e2e/journal.h"
#include "tests/e2e/listener.h"
#include "tests/harness.h"
#include "userspace/fd.h"

#define LIMIT_MS (5000 * harness_time_scale())
#define HOLD_MS (1000 * harness_time_scale())

enum { PORT = 5071 };

static const uint16_t ports[] = { 5061, 0 };

HARNESS_PREPARE
{
}

struct scene {
	struct fake_main main;
	struct connector_app app;
	int listener, server; /* the far end, and its connection */
	char far[LISTENER_NAME_MAX]; /* who that came from */
};

static void scene_open(struct scene *scene)
{
	scene->server = -1;
	fake_main_start(&scene->main, "connect", ports);
	scene->main.connect_ms = (uint32_t)HOLD_MS;
	scene->listener = listener_open("::", PORT, true, 16);
}

static void scene_close(struct scene *scene)
{
	if (scene->app.pid > 0)
		process_end(scene->app.pid, SIGKILL, LIMIT_MS);
	if (scene->server >= 0)
		close(scene->server);
	close(scene->listener);
	fake_main_stop(&scene->main);
}

static void start(struct scene *scene, const char *words)
{
	connector_app_start(&scene->app, scene->main.run, words);
	fake_main_meet(&scene->main);
}

/* whether the adopter asks; what it says is in main.last */
static bool is_asked(struct scene *scene, int limit_ms)
{
	return fake_main_expect(&scene->main, HANDOVER_CONNECT, limit_ms) == 0;
}

static void accept_one(struct scene *scene)
{
	struct listener_client client;

	scene->server = listener_accept(scene->listener, LIMIT_MS, &client);
	ASSERT_LE(0, scene->server);
	snprintf(scene->far, sizeof(scene->far), "%s", client.accepted);
}

static int try_answer(struct scene *scene, int socket, int error)
{
	const struct handover message = {
		.type = socket >= 0 ? HANDOVER_CONNECTED : HANDOVER_UNCONNECTED,
		.call = scene->main.last.call,
		.error = error,
	};

	return handover_send(scene->main.adopter, &message, &socket, socket >= 0);
}

static void answer(struct scene *scene, int socket, int error)
{
	ASSERT_OK(try_answer(scene, socket, error));
}

/* A connection to the server of the family that was asked for: what a worker would have made. */
static int make_connection(struct scene *scene, const char *host)
{
	const int fd = fake_main_dial(host, PORT);

	accept_one(scene);
	return fd;
}

static void echo_back(int fd)
{
	char buf[4096];
	ssize_t n;

	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0)
		for (ssize_t at = 0, sent; at < n; at += sent) {
			sent = send(fd, buf + at, (size_t)(n - at), MSG_NOSIGNAL);
			if (sent <= 0)
				return;
		}
}

/* the app ended with all that it wanted */
static void expect_echo(struct scene *scene, const char *bytes)
{
	json_t *echo;

	echo_back(scene->server);
	echo = connector_app_event(&scene->app, "echo");
	EXPECT_STREQ("0", journal_text(echo, "error"));
	EXPECT_EQ(atoll(bytes), journal_number(echo, "received"));
	EXPECT_EQ(0, journal_number(echo, "wrong"));
	json_decref(echo);
}

FIXTURE(connect) {
	struct scene scene;
};

FIXTURE_SETUP(connect)
{
	scene_open(&self->scene);
}

FIXTURE_TEARDOWN(connect)
{
	scene_close(&self->scene);
}

FIXTURE(given) {
	struct scene scene;
};

FIXTURE_VARIANT(given) {
	const char *words, *host, *peer;
	int family;
	bool nonblock, cloexec, options;
};

FIXTURE_VARIANT_ADD(given, blocking) {
	.words = "127.0.0.1 5071 echo=100000",
	.host = "127.0.0.1",
	.peer = "127.0.0.1:5071",
	.family = AF_INET,
	.cloexec = true,
};

FIXTURE_VARIANT_ADD(given, nonblocking) {
	.words = "127.0.0.1 5071 nonblock echo=100000",
	.host = "127.0.0.1",
	.peer = "127.0.0.1:5071",
	.family = AF_INET,
	.nonblock = true,
	.cloexec = true,
};

FIXTURE_VARIANT_ADD(given, ipv6) {
	.words = "::1 5071 options echo=100000",
	.host = "::1",
	.peer = "[::1]:5071",
	.family = AF_INET6,
	.options = true,
};

FIXTURE_VARIANT_ADD(given, mapped) {
	.words = "127.0.0.1 5071 mapped nonblock options echo=100000",
	.host = "::ffff:127.0.0.1",
	.peer = "[::ffff:127.0.0.1]:5071",
	.family = AF_INET6,
	.nonblock = true,
	.options = true,
};

FIXTURE_SETUP(given)
{
	scene_open(&self->scene);
	start(&self->scene, variant->words);
}

FIXTURE_TEARDOWN(given)
{
	(void)variant;
	scene_close(&self->scene);
}

static void check_names(const struct scene *scene, const FIXTURE_VARIANT(given) *variant)
{
	json_t *names = connector_app_event(&scene->app, "names");

	EXPECT_STREQ(variant->peer, journal_text(names, "peer"));
	EXPECT_EQ(variant->family, journal_number(names, "family"));
	EXPECT_EQ(variant->nonblock, journal_number(names, "nonblock"));
	EXPECT_EQ(variant->cloexec, journal_number(names, "cloexec"));
	if (variant->options) {
		EXPECT_EQ(0, journal_number(names, "keepalive"));
		EXPECT_EQ(0, journal_number(names, "nodelay"));
		EXPECT_EQ(77, journal_number(names, "keepidle"));
		EXPECT_EQ(65536, journal_number(names, "rcvbuf"));
		EXPECT_EQ(5, journal_number(names, "priority"));
	}
	json_decref(names);
}

TEST_F(given, is_the_apps)
{
	struct scene *scene = &self->scene;
	_cleanup_fd_ int fd = -1;
	struct endpoint own;
	char name[LW_ENDPOINT_LEN], at[LW_ENDPOINT_LEN];

	ASSERT_TRUE(is_asked(scene, LIMIT_MS));
	EXPECT_EQ(variant->family, scene->main.last.family);
	EXPECT_EQ(0, scene->main.last.from.port);
	endpoint_format(&scene->main.last.at, at);
	EXPECT_STREQ(strchr(variant->host, '.') ? "127.0.0.1:5071" : "[::1]:5071", at);
	fd = make_connection(scene, variant->host);
	ASSERT_OK(endpoint_local(fd, &own));
	endpoint_format(&own, name);
	answer(scene, fd, 0);
	close(TAKE_FD(fd));
	ASSERT_OK(fake_main_expect(&scene->main, HANDOVER_TAKEN, LIMIT_MS));
	connector_app_expect(&scene->app, "connect", "result", "0");
	check_names(scene, variant);
	expect_echo(scene, "100000");
}

/* nobody else came to the server: the app's own connect() was never carried out */
TEST_F(connect, bound_port_is_told)
{
	struct scene *scene = &self->scene;
	_cleanup_fd_ int fd = -1;

	start(scene, "127.0.0.1 5071 source=127.0.0.1 port=23456 echo=10");
	ASSERT_TRUE(is_asked(scene, LIMIT_MS));
	EXPECT_EQ(23456, scene->main.last.from.port);
	fd = make_connection(scene, "127.0.0.1");
	answer(scene, fd, 0);
	close(TAKE_FD(fd));
	expect_echo(scene, "10");
	EXPECT_EQ(-ETIMEDOUT, listener_accept(scene->listener, 200, NULL));
}

FIXTURE(passed) {
	struct scene scene;
};

/* what the adopter lets go on at once, without a question */
FIXTURE_VARIANT(passed) {
	const char *words;
	const char *result; /* of connect() */
	bool reaches_server;
	bool off; /* the daemon has no line for it */
};

FIXTURE_VARIANT_ADD(passed, unix_socket) {
	.words = "127.0.0.1 5071 unix", .result = "ENOENT",
};

FIXTURE_VARIANT_ADD(passed, udp) {
	.words = "127.0.0.1 5071 udp", .result = "0",
};

FIXTURE_VARIANT_ADD(passed, watched_by_epoll) {
	.words = "127.0.0.1 5071 nonblock epoll echo=10", .result = "EINPROGRESS",
	.reaches_server = true,
};

FIXTURE_VARIANT_ADD(passed, with_two_descriptors) {
	.words = "127.0.0.1 5071 dup echo=10", .result = "0", .reaches_server = true,
};

FIXTURE_VARIANT_ADD(passed, without_a_line) {
	.words = "127.0.0.1 5071 echo=10", .result = "0", .reaches_server = true, .off = true,
};

FIXTURE_SETUP(passed)
{
	scene_open(&self->scene);
	if (variant->off)
		self->scene.main.connect_ms = 0;
	start(&self->scene, variant->words);
}

FIXTURE_TEARDOWN(passed)
{
	(void)variant;
	scene_close(&self->scene);
}

TEST_F(passed, by_the_kernel)
{
	struct scene *scene = &self->scene;

	connector_app_expect(&scene->app, "connect", "result", variant->result);
	EXPECT_FALSE(is_asked(scene, 100));
	if (!variant->reaches_server)
		return;
	accept_one(scene);
	expect_echo(scene, "10");
}

static void expect_kernels_own(struct scene *scene, const char *result)
{
	connector_app_expect(&scene->app, "connect", "result", result);
	accept_one(scene);
	expect_echo(scene, "10");
}

TEST_F(connect, goes_on_where_main_says_so)
{
	struct scene *scene = &self->scene;
	start(scene, "127.0.0.1 5071 nonblock echo=10");
	ASSERT_TRUE(is_asked(scene, LIMIT_MS));
	answer(scene, -1, 0);
	expect_kernels_own(scene, "EINPROGRESS");
}

TEST_F(connect, fails_as_main_says)
{
	struct scene *scene = &self->scene;
	start(scene, "127.0.0.1 5071");
	ASSERT_TRUE(is_asked(scene, LIMIT_MS));
	answer(scene, -1, -ENETUNREACH);
	connector_app_expect(&scene->app, "connect", "result", "ENETUNREACH");
	EXPECT_EQ(-ETIMEDOUT, listener_accept(scene->listener, 200, NULL));
}

/* and what comes afterwards is nobody's */
TEST_F(connect, is_not_held_for_ever)
{
	struct scene *scene = &self->scene;
	_cleanup_fd_ int late = -1;
	char byte;
	int err;

	start(scene, "127.0.0.1 5071 nonblock echo=10");
	ASSERT_TRUE(is_asked(scene, LIMIT_MS));
	ASSERT_OK(fake_main_expect(&scene->main, HANDOVER_CANCEL, LIMIT_MS));
	expect_kernels_own(scene, "EINPROGRESS");
	close(scene->server);
	late = make_connection(scene, "127.0.0.1");
	err = try_answer(scene, late, 0);
	/* the app may have ended meanwhile, and its adopter with it */
	EXPECT_TRUE(!err || err == -EPIPE);
	close(TAKE_FD(late));
	EXPECT_GE(0, recv(scene->server, &byte, 1, 0));
}

TEST_F(connect, that_blocks_is_held_beyond_the_limit)
{
	struct scene *scene = &self->scene;
	_cleanup_fd_ int fd = -1;

	start(scene, "127.0.0.1 5071 echo=10");
	ASSERT_TRUE(is_asked(scene, LIMIT_MS));
	EXPECT_EQ(-ETIMEDOUT, fake_main_expect(&scene->main, HANDOVER_CANCEL, 2 * (int)HOLD_MS));
	fd = make_connection(scene, "127.0.0.1");
	answer(scene, fd, 0);
	close(TAKE_FD(fd));
	expect_echo(scene, "10");
}

TEST_F(connect, goes_on_without_main)
{
	struct scene *scene = &self->scene;
	start(scene, "127.0.0.1 5071 echo=10");
	ASSERT_TRUE(is_asked(scene, LIMIT_MS));
	fake_main_hang_up(&scene->main);
	expect_kernels_own(scene, "0");
}

TEST_F(connect, goes_on_without_its_adopter)
{
	struct scene *scene = &self->scene;
	start(scene, "127.0.0.1 5071 echo=10");
	ASSERT_TRUE(is_asked(scene, LIMIT_MS));
	ASSERT_OK(kill(fake_main_adopter(&scene->main), SIGKILL));
	expect_kernels_own(scene, "0");
}

/* a signal handler's app calls again: that is another call */
TEST_F(connect, is_interrupted_by_a_signal)
{
	struct scene *scene = &self->scene;
	_cleanup_fd_ int fd = -1;

	start(scene, "127.0.0.1 5071 alarm echo=10");
	ASSERT_TRUE(is_asked(scene, LIMIT_MS));
	ASSERT_OK(fake_main_expect(&scene->main, HANDOVER_CANCEL, LIMIT_MS));
	connector_app_expect(&scene->app, "connect", "result", "EINTR");
	/* one that comes before the adopter has seen the end of the first goes on without us */
	if (is_asked(scene, HOLD_MS / 2))
		answer(scene, -1, 0);
	accept_one(scene);
	expect_echo(scene, "10");
}

TEST_F(connect, is_cancelled_when_its_caller_ends)
{
	struct scene *scene = &self->scene;
	start(scene, "127.0.0.1 5071");
	ASSERT_TRUE(is_asked(scene, LIMIT_MS));
	EXPECT_EQ(SIGKILL, process_end(scene->app.pid, SIGKILL, LIMIT_MS));
	scene->app.pid = 0;
	EXPECT_NE(-ETIMEDOUT, fake_main_expect(&scene->main, HANDOVER_CANCEL, LIMIT_MS));
}

/* what is under the number now is not what the daemon has connected for */
TEST_F(connect, is_of_another_socket_meanwhile)
{
	struct scene *scene = &self->scene;
	_cleanup_fd_ int fd = -1;
	char byte;

	start(scene, "127.0.0.1 5071 swap echo=10");
	ASSERT_TRUE(is_asked(scene, LIMIT_MS));
	json_decref(connector_app_event(&scene->app, "swapped"));
	fd = make_connection(scene, "127.0.0.1");
	answer(scene, fd, 0);
	close(TAKE_FD(fd));
	EXPECT_GE(0, recv(scene->server, &byte, 1, 0));
	close(scene->server);
	expect_kernels_own(scene, "0");
}

/* another thread of the app has no connected socket to write on until it is the verified one */
TEST_F(connect, has_nothing_to_write_on)
{
	struct scene *scene = &self->scene;
	_cleanup_fd_ int fd = -1;
	json_t *writer;
	char buf[10];

	start(scene, "127.0.0.1 5071 writer");
	ASSERT_TRUE(is_asked(scene, LIMIT_MS));
	process_sleep_ms(300);
	fd = make_connection(scene, "127.0.0.1");
	EXPECT_EQ(-1, recv(scene->server, buf, sizeof(buf), MSG_DONTWAIT));
	EXPECT_EQ(EAGAIN, errno);
	answer(scene, fd, 0);
	close(TAKE_FD(fd));
	writer = connector_app_event(&scene->app, "writer");
	EXPECT_LT(20, journal_number(writer, "errors"));
	json_decref(writer);
}

HARNESS_MAIN
