// SPDX-License-Identifier: Apache-2.0
/* Who connects while no daemon runs: it waits for the next one, with a keeper, and not for long. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/e2e/daemon.h"
#include "tests/e2e/journal.h"
#include "tests/e2e/plain_app.h"
#include "tests/e2e/site.h"
#include "tests/e2e/wrap.h"
#include "tests/harness.h"

#define LIMIT_MS (5000 * harness_time_scale())

HARNESS_PREPARE
{
	site_prepare();
}

FIXTURE(wait) {
	struct daemon agent;
	struct plain_app app;
	pid_t keeper;
	pthread_t thread;
	struct peer_options options;
	struct peer *peer;
	int opened; /* what peer_open() said */
};

FIXTURE_SETUP(wait)
{
	char run[PROCESS_PATH_MAX];

	plain_app_start(&self->app, DAEMON_PORT, "echo");
	daemon_start(&self->agent, &(struct daemon_options){ .settings = "workers = 2" });
	self->keeper = wrap_start_keeper_of(&self->agent, run);
	/* the daemon looks for a keeper once a second */
	process_sleep_ms(1500);
	self->options = site_client(SITE_MEDIUM, DAEMON_PORT, "good");
}

FIXTURE_TEARDOWN(wait)
{
	if (harness_has_failed())
		daemon_explain(&self->agent);
	peer_free(self->peer);
	EXPECT_LE(0, process_end(self->keeper, SIGTERM, LIMIT_MS));
}

static void *open_peer(void *arg)
{
	FIXTURE_DATA(wait) *self = arg;

	self->opened = peer_open(&self->options, &self->peer);
	return NULL;
}

static void start_waiting(FIXTURE_DATA(wait) *self)
{
	EXPECT_EQ(SIGKILL, daemon_end(&self->agent, SIGKILL));
	ASSERT_OK(pthread_create(&self->thread, NULL, open_peer, self));
	process_sleep_ms(300);
}

TEST_F(wait, it_is_served_by_the_next_daemon)
{
	for (int i = 0; i < 3; i++) {
		start_waiting(self);
		ASSERT_OK(daemon_launch(&self->agent));
		pthread_join(self->thread, NULL);
		ASSERT_OK(self->opened);
		EXPECT_OK(peer_step(self->peer, "echo:1000"));
		peer_free(self->peer);
		self->peer = NULL;
	}
	EXPECT_EQ(3, plain_app_accepts(&self->app));
	EXPECT_EQ(0, daemon_end(&self->agent, SIGTERM));
}

/* its line was found by numbers that mean other lines now: it is judged by the one that is its own */
TEST_F(wait, it_is_judged_by_the_lines_of_today)
{
	json_t *record;

	start_waiting(self);
	daemon_configure(&self->agent,
			 &(struct daemon_options){
				 .settings = "workers = 2\nline \"first\" {\n\tfunction = sip-line\n"
					     "\tdirection = inbound\n\tport = 5062\n"
					     "\tremote = 192.0.2.1\n\tlevel = none\n}\n"
					     "line \"today\" {\n\tfunction = sip-line\n"
					     "\tdirection = inbound\n\tport = 5061\n"
					     "\tremote = 127.0.3.1\n\tlevel = none\n}\n" });
	ASSERT_OK(daemon_launch(&self->agent));
	pthread_join(self->thread, NULL);
	ASSERT_OK(self->opened);
	EXPECT_OK(peer_step(self->peer, "echo:1000"));
	record = daemon_record(&self->agent, "accepted", peer_result(self->peer)->local);
	ASSERT_NOT_NULL(record);
	EXPECT_STREQ("today", journal_text(record, "line"));
	json_decref(record);
	EXPECT_EQ(0, daemon_end(&self->agent, SIGTERM));
}

TEST_F(wait, its_wait_has_an_end)
{
	struct peer *late;
	long long begin = process_now_ms();

	start_waiting(self);
	pthread_join(self->thread, NULL);
	EXPECT_NE(0, self->opened);
	EXPECT_EQ(0, peer_result(self->peer)->received);
	EXPECT_LT(5000, process_now_ms() - begin);
	EXPECT_EQ(0, plain_app_accepts(&self->app));
	process_sleep_ms(2000);
	EXPECT_EQ(-ECONNREFUSED, peer_open(&self->options, &late));
	peer_free(late);
}

TEST_F(wait, nobody_waits_for_a_daemon_that_was_stopped)
{
	EXPECT_EQ(0, daemon_end(&self->agent, SIGTERM));
	EXPECT_EQ(-ECONNREFUSED, peer_open(&self->options, &self->peer));
}

HARNESS_MAIN
