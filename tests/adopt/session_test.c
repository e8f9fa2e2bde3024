// SPDX-License-Identifier: Apache-2.0
/* Sessions that an app has itself: what it sees, what the daemon says of them, and their ends. */
#include <errno.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/e2e/daemon.h"
#include "tests/e2e/journal.h"
#include "tests/e2e/plain_app.h"
#include "tests/e2e/site.h"
#include "tests/e2e/wrap.h"
#include "tests/harness.h"

#define LIMIT_MS (5000 * harness_time_scale())
#define WRAPPED_PORT DAEMON_PORT
#define PLAIN_PORT 5062 /* auto, and its app is not wrapped */
#define DUAL_PORT 5064
#define ADOPT_PORT 5063 /* adopt, and its app is not wrapped */

HARNESS_PREPARE
{
	site_prepare();
}

static const char adopt_line[] =
	"line \"must-adopt\" {\n\tfunction = sip-line\n\tdirection = inbound\n\tport = 5063\n"
	"\tremote = { \"127.0.0.0/8\" }\n\tlevel = medium\n\tdelivery = adopt\n}\n";

FIXTURE(session) {
	struct daemon agent;
	struct plain_app app, plain;
	struct peer *peer;
	char run[PROCESS_PATH_MAX];
	pid_t keeper;
};

FIXTURE_SETUP(session)
{
	static const uint16_t all[] = { WRAPPED_PORT, PLAIN_PORT, DUAL_PORT, 0 };

	if (!site_has_kernel_tls())
		SKIP("this kernel has no TLS");
	daemon_start(&self->agent, &(struct daemon_options){ .ports = all, .settings = adopt_line });
	self->keeper = wrap_start_keeper_of(&self->agent, self->run);
	plain_app_wrap(&self->app, self->run, WRAPPED_PORT, "echo");
	plain_app_start(&self->plain, PLAIN_PORT, "echo");
}

FIXTURE_TEARDOWN(session)
{
	if (!self->keeper)
		return;
	if (harness_has_failed())
		daemon_explain(&self->agent);
	peer_free(self->peer);
	daemon_retire(&self->agent);
	process_end(self->app.pid, SIGKILL, LIMIT_MS);
	process_end(self->keeper, SIGTERM, LIMIT_MS);
}

static void open_session(FIXTURE_DATA(session) *self, uint16_t port)
{
	struct peer_options options = site_client(SITE_MEDIUM, port, "good");

	ASSERT_OK(peer_open(&options, &self->peer));
	ASSERT_OK(peer_step(self->peer, "echo:100"));
}

/* of the daemon's only session */
static void check_delivery(FIXTURE_DATA(session) *self, const char *delivery)
{
	json_t *sessions;
	const json_t *only;

	EXPECT_EQ(1, daemon_sessions(&self->agent, 1));
	sessions = daemon_ask(&self->agent, "sessions");
	only = json_array_get(sessions, 0);
	EXPECT_STREQ(delivery, journal_text(only, "delivery"));
	EXPECT_STREQ("verified", journal_text(only, "state"));
	EXPECT_STREQ(peer_result(self->peer)->local, journal_text(only, "peer"));
	json_decref(sessions);
}

static void check_ended(FIXTURE_DATA(session) *self, const char *reason)
{
	const struct peer_result *result = peer_result(self->peer);
	json_t *record = daemon_record(&self->agent, "ended", result->local);

	ASSERT_NOT_NULL(record);
	EXPECT_STREQ(reason, journal_text(record, "reason"));
	EXPECT_LT(result->sent, journal_number(record, "bytes_in"));
	EXPECT_LT(result->received, journal_number(record, "bytes_out"));
	json_decref(record);
	EXPECT_EQ(0, daemon_sessions(&self->agent, 0));
}

TEST_F(session, is_the_wrapped_apps_own)
{
	const char *client;
	json_t *accept, *end;

	open_session(self, WRAPPED_PORT);
	client = peer_result(self->peer)->local;
	check_delivery(self, "adopt");
	ASSERT_OK(peer_step(self->peer, "echo:%d:16384", 1 << 20));
	accept = plain_app_accept(&self->app, client);
	ASSERT_NOT_NULL(accept);
	EXPECT_STREQ(client, journal_text(accept, "getpeername"));
	json_decref(accept);
	ASSERT_OK(peer_step(self->peer, "fin"));
	end = plain_app_end(&self->app, client);
	ASSERT_NOT_NULL(end);
	EXPECT_EQ(100 + (1 << 20), journal_number(end, "received"));
	EXPECT_STREQ(peer_result(self->peer)->sent_sha256, journal_text(end, "received_sha256"));
	json_decref(end);
	check_ended(self, "closed");
}

TEST_F(session, is_relayed_where_the_app_is_not_wrapped)
{
	open_session(self, PLAIN_PORT);
	check_delivery(self, "relay");
}

/* nobody takes it: it is reset, and the record says why */
TEST_F(session, is_reset_where_it_must_be_adopted_and_nobody_is_wrapped)
{
	struct peer_options options = site_client(SITE_MEDIUM, ADOPT_PORT, "good");
	struct plain_app unwrapped;
	json_t *record;

	plain_app_start(&unwrapped, ADOPT_PORT, "echo");
	ASSERT_OK(peer_open(&options, &self->peer));
	ASSERT_OK(peer_step(self->peer, "text:hello"));
	peer_step(self->peer, "fin-wait");
	EXPECT_EQ(PEER_RST, peer_result(self->peer)->transport);
	EXPECT_EQ(0, peer_result(self->peer)->received);
	EXPECT_EQ(0, plain_app_accepts(&unwrapped));
	record = daemon_record(&self->agent, "ended", peer_result(self->peer)->local);
	ASSERT_NOT_NULL(record);
	EXPECT_STREQ("no app that was started by `linewarden exec` listens there",
		     journal_text(record, "reason"));
	json_decref(record);
}

/* the operator ends one of two: its app hears of it at once, and the other session goes on */
TEST_F(session, is_ended_by_the_operator)
{
	struct peer_options options = site_client(SITE_MEDIUM, WRAPPED_PORT, "good");
	const char *argv[] = { process_build_path("tools/linewarden"), "kill", "--run", self->run,
			       NULL, NULL };
	char cookie[32], output[PROCESS_OUTPUT_MAX];
	struct peer *other;
	json_t *sessions, *end;

	open_session(self, WRAPPED_PORT);
	check_delivery(self, "adopt");
	sessions = daemon_ask(&self->agent, "sessions");
	snprintf(cookie, sizeof(cookie), "%lld",
		 journal_number(json_array_get(sessions, 0), "cookie"));
	json_decref(sessions);
	ASSERT_OK(peer_open(&options, &other));
	ASSERT_OK(peer_step(other, "echo:100"));
	argv[4] = cookie;
	EXPECT_EQ(0, process_run(output, argv)) {
		TH_LOG("%s", output);
	}
	peer_step(self->peer, "fin-wait");
	EXPECT_EQ(PEER_RST, peer_result(self->peer)->transport);
	end = plain_app_end(&self->app, peer_result(self->peer)->local);
	EXPECT_STREQ("ECONNABORTED", journal_text(end, "end"));
	json_decref(end);
	end = daemon_record(&self->agent, "ended", peer_result(self->peer)->local);
	EXPECT_STREQ("ended by the operator", journal_text(end, "reason"));
	json_decref(end);
	EXPECT_EQ(1, daemon_sessions(&self->agent, 1));
	ASSERT_OK(peer_step(other, "echo:1000"));
	peer_free(other);
	EXPECT_EQ(1, process_run(output, argv));
	EXPECT_NOT_NULL(strstr(output, "no session has that cookie"));
}

/* the daemon is no part of it: killed, and started again, it finds the session where it was */
TEST_F(session, outlives_the_daemon)
{
	struct peer_options options = site_client(SITE_MEDIUM, WRAPPED_PORT, "good");
	struct peer *other;

	open_session(self, WRAPPED_PORT);
	check_delivery(self, "adopt");
	EXPECT_EQ(SIGKILL, daemon_end(&self->agent, SIGKILL));
	ASSERT_OK(peer_step(self->peer, "echo:%d", 100000));
	ASSERT_OK(daemon_launch(&self->agent));
	check_delivery(self, "adopt");
	ASSERT_OK(peer_step(self->peer, "echo:%d", 100000));
	ASSERT_OK(peer_open(&options, &other));
	ASSERT_OK(peer_step(other, "echo:100"));
	EXPECT_EQ(2, daemon_sessions(&self->agent, 2));
	peer_free(other);
	ASSERT_OK(peer_step(self->peer, "fin"));
	json_decref(plain_app_end(&self->app, peer_result(self->peer)->local));
	EXPECT_EQ(0, daemon_sessions(&self->agent, 0));
}

/* nor is the configuration: what the app has it keeps, and the next one is its own, too */
TEST_F(session, outlives_reloads)
{
	struct peer_options options = site_client(SITE_MEDIUM, WRAPPED_PORT, "good");
	struct peer *other;

	open_session(self, WRAPPED_PORT);
	for (int reloads = 0; reloads < 3; reloads++) {
		ASSERT_EQ(0, daemon_reload(&self->agent, NULL));
		check_delivery(self, "adopt");
		ASSERT_OK(peer_step(self->peer, "echo:%d", 100000));
		ASSERT_OK(peer_open(&options, &other));
		ASSERT_OK(peer_step(other, "echo:100"));
		json_decref(plain_app_accept(&self->app, peer_result(other)->local));
		EXPECT_EQ(2, daemon_sessions(&self->agent, 2));
		peer_free(other);
	}
}

/* as a listener of both families has them: of IPv6, with a v4-mapped address */
TEST_F(session, of_ipv4_with_an_app_that_listens_in_both_families)
{
	struct peer_options options = site_client(SITE_MEDIUM, DUAL_PORT, "good");
	char expected[256], named[96];
	const char *words[WRAP_WORDS_MAX];
	pid_t app;

	wrap_words(self->run, words);
	words[WRAP_WORDS] = process_build_path("tests/adopt/acceptor");
	words[WRAP_WORDS + 1] = "level";
	words[WRAP_WORDS + 2] = "1";
	words[WRAP_WORDS + 3] = "5";
	words[WRAP_WORDS + 4] = "[::]:5064";
	app = process_start(site_file("acceptor.log"), words);
	ASSERT_LT(0, app);
	wrap_await_listener(&self->agent, DUAL_PORT);
	/* the ports are written anew at each reload */
	for (int reloads = 0; reloads < 3; reloads++) {
		if (reloads)
			ASSERT_EQ(0, daemon_reload(&self->agent, NULL));
		peer_free(self->peer);
		ASSERT_OK(peer_open(&options, &self->peer));
		snprintf(named, sizeof(named), "[::ffff:%s", peer_result(self->peer)->local);
		*strrchr(named, ':') = '\0';
		snprintf(expected, sizeof(expected), "%s]%s %s]%s 0", named,
			 strrchr(peer_result(self->peer)->local, ':'), named,
			 strrchr(peer_result(self->peer)->local, ':'));
		EXPECT_OK(peer_step(self->peer, "expect:%s", expected));
	}
	EXPECT_EQ(SIGKILL, process_end(app, SIGKILL, LIMIT_MS));
}

/* one that ends while no daemon is there is recorded by the next one */
TEST_F(session, whose_end_nobody_saw_is_recorded)
{
	open_session(self, WRAPPED_PORT);
	EXPECT_EQ(SIGKILL, daemon_end(&self->agent, SIGKILL));
	ASSERT_OK(peer_step(self->peer, "fin"));
	json_decref(plain_app_end(&self->app, peer_result(self->peer)->local));
	ASSERT_OK(daemon_launch(&self->agent));
	check_ended(self, "closed");
}

FIXTURE(held) {
	struct daemon agent;
	struct plain_app app;
	struct peer *peer;
	char run[PROCESS_PATH_MAX];
	pid_t keeper, workers[DAEMON_WORKERS_MAX];
	int count;
};

FIXTURE_VARIANT(held) {
	int signal; /* by which its workers go on */
};

FIXTURE_VARIANT_ADD(held, until_its_worker_goes_on) { .signal = SIGCONT };
FIXTURE_VARIANT_ADD(held, until_its_worker_has_ended) { .signal = SIGKILL };

FIXTURE_SETUP(held)
{
	struct peer_options options = site_client(SITE_MEDIUM, WRAPPED_PORT, "good");

	if (!site_has_kernel_tls())
		SKIP("this kernel has no TLS");
	daemon_start(&self->agent, &(struct daemon_options){ 0 });
	self->keeper = wrap_start_keeper_of(&self->agent, self->run);
	plain_app_wrap(&self->app, self->run, WRAPPED_PORT, "echo");
	wrap_await_listener(&self->agent, WRAPPED_PORT);
	self->count = daemon_workers(&self->agent, self->workers);
	ASSERT_LT(0, self->count);
	/* the worker asks, and hears no answer */
	kill(self->agent.pid, SIGSTOP);
	ASSERT_OK(peer_open(&options, &self->peer));
	ASSERT_OK(peer_step(self->peer, "text:hello"));
	ASSERT_OK(peer_step(self->peer, "settle:%d", 100 * harness_time_scale()));
	for (int i = 0; i < self->count; i++)
		kill(self->workers[i], SIGSTOP);
	kill(self->agent.pid, SIGCONT);
}

FIXTURE_TEARDOWN(held)
{
	if (!self->keeper)
		return;
	if (harness_has_failed())
		daemon_explain(&self->agent);
	peer_free(self->peer);
	EXPECT_EQ(0, daemon_end(&self->agent, SIGTERM));
	process_end(self->app.pid, SIGKILL, LIMIT_MS);
	process_end(self->keeper, SIGTERM, LIMIT_MS);
}

/*
 * Of a socket that another process has, too, epoll tells an app even after its close(): accepted,
 * and recorded so, it is the app's when the worker has it no more.
 */
TEST_F(held, is_the_apps_when_nobody_else_has_it)
{
	json_t *record = daemon_record(&self->agent, "accepted", peer_result(self->peer)->local);

	ASSERT_NOT_NULL(record);
	EXPECT_STREQ("adopt", journal_text(record, "delivery"));
	json_decref(record);
	process_sleep_ms(100 * harness_time_scale());
	EXPECT_EQ(0, plain_app_accepts(&self->app));
	for (int i = 0; i < self->count; i++)
		kill(self->workers[i], variant->signal);
	EXPECT_OK(peer_step(self->peer, "expect:hello"));
	EXPECT_EQ(1, plain_app_accepts(&self->app));
}

HARNESS_MAIN
