// SPDX-License-Identifier: Apache-2.0
/*
 * The daemon's end, by whoever's hand: what was not verified stays out, and what comes
 * after finds nothing of what was before. Every test has a daemon of its own.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/e2e/daemon.h"
#include "tests/e2e/dial.h"
#include "tests/e2e/far_server.h"
#include "tests/e2e/journal.h"
#include "tests/e2e/listener.h"
#include "tests/e2e/plain_app.h"
#include "tests/e2e/site.h"
#include "tests/harness.h"

HARNESS_PREPARE
{
	site_prepare();
}

FIXTURE(death) {
	struct daemon agent;
	struct plain_app app;
	struct peer *peer;
	pid_t workers[DAEMON_WORKERS_MAX];
	int worker_count;
};

FIXTURE_SETUP(death)
{
	plain_app_start(&self->app, DAEMON_PORT, "echo");
	daemon_start(&self->agent, &(struct daemon_options){ .settings = "workers = 2" });
	self->worker_count = daemon_workers(&self->agent, self->workers);
	ASSERT_EQ(2, self->worker_count);
}

FIXTURE_TEARDOWN(death)
{
	if (harness_has_failed())
		daemon_explain(&self->agent);
	peer_free(self->peer);
}

static struct peer *open_session(void)
{
	struct peer_options options = site_client(SITE_MEDIUM, DAEMON_PORT, "good");
	struct peer *peer;

	ASSERT_OK(peer_open(&options, &peer));
	ASSERT_OK(peer_step(peer, "echo:100"));
	return peer;
}

static void check_are_gone(const pid_t *workers, int count)
{
	long long end = process_now_ms() + 2000 * harness_time_scale();

	for (int i = 0; i < count; i++) {
		while (process_lives(workers[i]) && process_now_ms() < end)
			process_sleep_ms(5);
		EXPECT_FALSE(process_lives(workers[i]));
	}
}

static void check_workers_are_gone(FIXTURE_DATA(death) *self)
{
	check_are_gone(self->workers, self->worker_count);
}

/* nobody is let in, and nobody reaches the app past the steering */
static void check_closed(FIXTURE_DATA(death) *self)
{
	struct peer_options options = site_client(SITE_MEDIUM, DAEMON_PORT, "good");
	int accepts = plain_app_accepts(&self->app);
	struct peer *peer;

	EXPECT_EQ(-ECONNREFUSED, peer_open(&options, &peer));
	peer_free(peer);
	options.source = "127.0.0.1";
	options.without_handshake = true;
	EXPECT_EQ(-ECONNREFUSED, peer_open(&options, &peer));
	peer_free(peer);
	EXPECT_EQ(accepts, plain_app_accepts(&self->app));
}

/* a pinned map of this daemon, as bpftool shows it */
static const char *dump_map(const struct daemon *agent, const char *map)
{
	static char output[PROCESS_OUTPUT_MAX];
	char path[PROCESS_PATH_MAX + 32];
	const char *const argv[] = { "bpftool", "map", "dump", "pinned", path, NULL };

	snprintf(path, sizeof(path), "%s/%s", agent->pins, map);
	ASSERT_OK(process_run(output, argv)) {
		TH_LOG("%s", output);
	}
	return output;
}

static void check_starts_clean(struct daemon *agent)
{
	ASSERT_OK(daemon_launch(agent));
	EXPECT_EQ(0, daemon_sessions(agent, 0));
	EXPECT_NULL(strstr(dump_map(agent, "sessions"), "key"));
	EXPECT_NULL(strstr(dump_map(agent, "relays"), "key"));
}

/* the connection ends, without a byte of application data before */
static void check_nothing_comes(struct peer *peer)
{
	uint64_t received = peer_result(peer)->received;

	peer_step(peer, "drain");
	peer_step(peer, "fin-wait");
	EXPECT_NE(PEER_OPEN, peer_result(peer)->transport);
	EXPECT_EQ(received, peer_result(peer)->received);
}

TEST_F(death, with_a_session_open)
{
	self->peer = open_session();
	EXPECT_EQ(SIGKILL, daemon_end(&self->agent, SIGKILL));
	check_workers_are_gone(self);
	check_nothing_comes(self->peer);
	json_decref(plain_app_end(&self->app, peer_result(self->peer)->local));
	check_closed(self);
	check_starts_clean(&self->agent);
	peer_free(open_session());
	EXPECT_EQ(0, daemon_end(&self->agent, SIGTERM));
}

/* the client is done but for its last flight, which brings the certificate and data */
TEST_F(death, during_a_handshake)
{
	struct peer_options options = site_client(SITE_MEDIUM, DAEMON_PORT, "good");

	options.hold_finished = true;
	ASSERT_OK(peer_open(&options, &self->peer));
	ASSERT_OK(peer_step(self->peer, "text:hello"));
	EXPECT_EQ(SIGKILL, daemon_end(&self->agent, SIGKILL));
	check_workers_are_gone(self);
	peer_step(self->peer, "flush");
	check_nothing_comes(self->peer);
	EXPECT_EQ(0, plain_app_accepts(&self->app));
	check_closed(self);
}

/* verified by the worker, whose question whether it may deliver is not answered any more */
TEST_F(death, between_verdict_and_delivery)
{
	struct peer_options options = site_client(SITE_MEDIUM, DAEMON_PORT, "good");

	kill(self->agent.pid, SIGSTOP);
	ASSERT_OK(peer_open(&options, &self->peer));
	ASSERT_OK(peer_step(self->peer, "text:hello"));
	ASSERT_OK(peer_step(self->peer, "settle:%d", 100 * harness_time_scale()));
	EXPECT_EQ(SIGKILL, daemon_end(&self->agent, SIGKILL));
	check_workers_are_gone(self);
	check_nothing_comes(self->peer);
	EXPECT_EQ(0, plain_app_accepts(&self->app));
	check_closed(self);
}

TEST_F(death, of_a_worker)
{
	pid_t workers[DAEMON_WORKERS_MAX];
	long long end;
	json_t *record;
	int count;

	self->peer = open_session();
	EXPECT_EQ(1, daemon_sessions(&self->agent, 1));
	for (int i = 0; i < self->worker_count; i++)
		kill(self->workers[i], SIGKILL);
	check_nothing_comes(self->peer);
	EXPECT_EQ(0, daemon_sessions(&self->agent, 0));
	record = daemon_record(&self->agent, "ended", peer_result(self->peer)->local);
	EXPECT_STRNE("", journal_text(record, "reason"));
	json_decref(record);
	end = process_now_ms() + 5000 * harness_time_scale();
	while ((count = daemon_workers(&self->agent, workers)) < self->worker_count &&
	       process_now_ms() < end)
		process_sleep_ms(20);
	EXPECT_EQ(self->worker_count, count);
	peer_free(open_session());
	EXPECT_EQ(0, daemon_end(&self->agent, SIGTERM));
}

/* one that does nothing any more is ended by the main process, and another one serves */
TEST_F_TIMEOUT(death, of_a_worker_that_hangs, 60)
{
	pid_t workers[DAEMON_WORKERS_MAX];
	long long end = process_now_ms() + 30000;

	for (int i = 0; i < self->worker_count; i++)
		ASSERT_OK(kill(self->workers[i], SIGSTOP));
	while (process_lives(self->workers[0]) && process_now_ms() < end)
		process_sleep_ms(100);
	check_workers_are_gone(self);
	while (daemon_workers(&self->agent, workers) < self->worker_count &&
	       process_now_ms() < end)
		process_sleep_ms(100);
	peer_free(open_session());
	EXPECT_EQ(0, daemon_end(&self->agent, SIGTERM));
}

TEST_F(death, by_sigterm)
{
	self->peer = open_session();
	EXPECT_EQ(0, daemon_end(&self->agent, SIGTERM));
	check_workers_are_gone(self);
	ASSERT_OK(peer_step(self->peer, "drain"));
	EXPECT_EQ(PEER_CLOSE_NOTIFY, peer_result(self->peer)->close);
	check_closed(self);
}

/* who hangs does not hold up the end of all */
TEST_F(death, by_sigterm_while_a_worker_hangs)
{
	pid_t workers[DAEMON_WORKERS_MAX];

	ASSERT_LT(0, daemon_workers(&self->agent, workers));
	ASSERT_OK(kill(workers[0], SIGSTOP));
	EXPECT_EQ(0, daemon_end(&self->agent, SIGTERM));
	check_workers_are_gone(self);
}

/* two would fight over the same maps: the second one sees it and says so */
TEST_F(death, of_a_second_one_on_the_same_pins)
{
	struct daemon second;
	char log[PROCESS_PATH_MAX], text[4096] = "";
	FILE *file;

	daemon_configure(&second, &(struct daemon_options){ .name = "second" });
	EXPECT_EQ(-ESRCH, daemon_launch(&second));
	snprintf(log, sizeof(log), "%s/daemon.log", second.dir);
	file = fopen(log, "re");
	ASSERT_NOT_NULL(file);
	EXPECT_LT(0, fread(text, 1, sizeof(text) - 1, file));
	fclose(file);
	EXPECT_NOT_NULL(strstr(text, second.pins)) {
		TH_LOG("%s", text);
	}
	peer_free(open_session());
	EXPECT_EQ(0, daemon_end(&self->agent, SIGTERM));
}

TEST_F(death, and_the_port_is_handed_back)
{
	const char *const detach[] = { process_build_path("tools/linewarden"), "detach", "--pins",
				       self->agent.pins, NULL };
	struct peer_options options = site_client(SITE_MEDIUM, DAEMON_PORT, NULL);
	char output[PROCESS_OUTPUT_MAX];

	EXPECT_EQ(1, process_run(output, detach));
	EXPECT_NOT_NULL(strstr(output, "stop it first")) {
		TH_LOG("%s", output);
	}
	EXPECT_EQ(SIGKILL, daemon_end(&self->agent, SIGKILL));
	check_workers_are_gone(self);
	check_closed(self);
	ASSERT_OK(process_run(output, detach));
	options.without_handshake = true;
	ASSERT_OK(peer_open(&options, &self->peer));
	EXPECT_OK(peer_step(self->peer, "echo:1000"));
}

/* an app that does not come to accept: the session is delivered to nobody */
TEST(death_before_the_app_accepts)
{
	struct peer_options options = site_client(SITE_MEDIUM, DAEMON_PORT, "good");
	struct peer_options plain = site_client(SITE_MEDIUM, DAEMON_PORT, NULL);
	int listener = listener_open("127.0.0.1", DAEMON_PORT, false, 0);
	struct peer *peer, *first;
	struct daemon agent;
	int app;

	/* fills the queue, before anything is steered */
	plain.without_handshake = true;
	ASSERT_OK(peer_open(&plain, &first));
	daemon_start(&agent, &(struct daemon_options){ 0 });
	ASSERT_OK(peer_open(&options, &peer));
	ASSERT_OK(peer_step(peer, "text:hello"));
	EXPECT_EQ(1, daemon_sessions(&agent, 1));
	EXPECT_EQ(SIGKILL, daemon_end(&agent, SIGKILL));
	check_nothing_comes(peer);
	app = listener_accept(listener, 1000, NULL);
	EXPECT_LE(0, app);
	close(app);
	/* a SYN is sent again after a second */
	EXPECT_EQ(-ETIMEDOUT, listener_accept(listener, 1500, NULL));
	check_starts_clean(&agent);
	EXPECT_EQ(0, daemon_end(&agent, SIGTERM));
	peer_free(first);
	peer_free(peer);
	close(listener);
}

/* The app's connect() fails at once, and what it would have said stays with it. */
TEST(of_an_app_that_connects)
{
	static const struct far_server_options options = { .host = "127.0.31.1",
							   .port = 5071,
							   .certificate = "good" };
	static const struct dial where = { .host = "127.0.31.1", .port = 5071 };
	static char settings[512];
	struct far_server far;
	struct daemon agent;
	struct dialled dialled;
	pid_t workers[DAEMON_WORKERS_MAX];
	uint16_t outlet;
	int squatter, count;

	snprintf(settings, sizeof(settings),
		 "pbx \"app\" { cgroup = \"/%s\" }\nline \"out\" { function = sip-line "
		 "direction = outbound port = 5071 remote = 127.0.31.1 level = medium }\n",
		 strrchr(getenv("STAGE_CGROUP"), '/') + 1);
	far_server_start(&far, &options);
	daemon_start(&agent, &(struct daemon_options){ .settings = settings });
	outlet = daemon_outlet(&agent);
	count = daemon_workers(&agent, workers);
	EXPECT_EQ(SIGKILL, daemon_end(&agent, SIGKILL));
	check_are_gone(workers, count);
	dialled = dial(&where);
	EXPECT_EQ(ECONNREFUSED, dialled.error);
	close(dialled.fd);
	/* whoever takes its port gets nothing */
	squatter = listener_open("127.0.0.1", outlet, false, 8);
	dialled = dial(&where);
	EXPECT_EQ(ECONNREFUSED, dialled.error);
	close(dialled.fd);
	close(squatter);
	EXPECT_EQ(0, journal_count(far.log, JOURNAL_WANT({ "event", "end" })));
	ASSERT_OK(daemon_launch(&agent));
	dialled = dial(&where);
	ASSERT_EQ(0, dialled.error);
	dial_echo(&dialled, "again");
	close(dialled.fd);
	EXPECT_EQ(0, daemon_end(&agent, SIGTERM));
	far_server_end(&far);
}

/* An app that never stops dialling, in plain TCP and with plain text. */
static _Noreturn void dial_for_ever(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(5071) };
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	inet_pton(AF_INET, "127.0.31.2", &to.sin_addr);
	for (;;) {
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
			send(fd, "plain text", 10, MSG_NOSIGNAL);
		close(fd);
	}
}

/* What a daemon finds of the one before is in force until its own is. */
TEST_TIMEOUT(restarts_let_nothing_out, 120)
{
	static const struct far_server_options options = { .host = "127.0.31.2",
							   .port = 5071,
							   .certificate = "good" };
	static char settings[512];
	struct far_server far;
	struct daemon agent;
	struct dialled dialled;
	char byte[8], back[11];
	long long end;
	bool in;
	pid_t app;

	snprintf(settings, sizeof(settings),
		 "pbx \"app\" { cgroup = \"/%s\" }\nline \"out\" { function = sip-line "
		 "direction = outbound port = 5071 remote = 127.0.31.2 level = medium }\n",
		 strrchr(getenv("STAGE_CGROUP"), '/') + 1);
	far_server_start(&far, &options);
	daemon_start(&agent, &(struct daemon_options){ .settings = settings });
	app = fork();
	if (app == 0)
		dial_for_ever();
	for (int i = 0; i < 6; i++) {
		EXPECT_LE(0, daemon_end(&agent, i % 2 ? SIGKILL : SIGTERM));
		ASSERT_OK(daemon_launch(&agent));
	}
	EXPECT_LE(0, process_end(app, SIGKILL, 5000));
	/* its last ones may still keep the far server busy: thousands, each with a handshake */
	end = process_now_ms() + 60000 * harness_time_scale();
	do {
		dialled = dial(&(struct dial){ .host = options.host, .port = options.port });
		send(dialled.fd, "still there", 11, MSG_NOSIGNAL);
		in = listener_read(dialled.fd, back, sizeof(back), 20000) == sizeof(back);
		close(dialled.fd);
	} while (!in && process_now_ms() < end);
	EXPECT_TRUE(in);
	EXPECT_EQ(0, daemon_end(&agent, SIGTERM));
	snprintf(byte, sizeof(byte), "%d", 'p');
	EXPECT_EQ(0, journal_count(far.log, JOURNAL_WANT({ "event", "end" }, { "first", byte })));
	far_server_end(&far);
}

HARNESS_MAIN
