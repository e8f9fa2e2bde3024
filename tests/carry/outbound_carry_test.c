// SPDX-License-Identifier: Apache-2.0
/* Carried sessions that the app has made itself: the test is the app. */
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/carry/place.h"
#include "tests/e2e/dial.h"
#include "tests/e2e/far_server.h"
#include "tests/e2e/journal.h"
#include "tests/e2e/site.h"
#include "tests/harness.h"

#define FAR_HOST "192.0.2.50"
#define FAR_PORT 5071

static char settings[512];

HARNESS_PREPARE
{
	const char *const ip[] = { "ip", "address", "replace", FAR_HOST "/32", "dev", "lo", NULL };

	ASSERT_OK(process_run(NULL, ip));
	site_prepare();
	snprintf(settings, sizeof(settings),
		 "workers = 1\npbx \"app\" { cgroup = \"/%s\" }\n"
		 "line \"out\" { function = sip-line direction = outbound port = %d "
		 "remote = { \"" FAR_HOST "/32\" } level = medium }\n",
		 strrchr(getenv("STAGE_CGROUP"), '/') + 1, FAR_PORT);
}

FIXTURE(outbound) {
	struct place place;
	struct far_server server;
	struct dialled app;
};

FIXTURE_VARIANT(outbound) {
	int version;
	bool tickets;
};

FIXTURE_VARIANT_ADD(outbound, tls13) {
	.version = TLS1_3_VERSION,
};

/* OpenSSL's object is kept until the server has named a session: carried after that */
FIXTURE_VARIANT_ADD(outbound, tls13_tickets) {
	.version = TLS1_3_VERSION, .tickets = true,
};

FIXTURE_VARIANT_ADD(outbound, tls12) {
	.version = TLS1_2_VERSION,
};

FIXTURE_SETUP(outbound)
{
	place_open(&self->place, settings);
	place_keep(&self->place);
	far_server_start(&self->server,
			 &(struct far_server_options){ .host = FAR_HOST,
						       .port = FAR_PORT,
						       .certificate = "good",
						       .max_version = variant->version,
						       .tickets = variant->tickets });
	self->app = dial(&(struct dial){ .host = FAR_HOST, .port = FAR_PORT });
	ASSERT_EQ(0, self->app.error);
	dial_echo(&self->app, "before");
}

FIXTURE_TEARDOWN(outbound)
{
	if (self->server.pid)
		far_server_end(&self->server);
	place_close(&self->place);
}

static void check_ended(const struct place *place, const char *local)
{
	const struct journal_want want[] = { { "event", "ended" }, { "local", local }, { NULL, NULL } };
	json_t *record = journal_wait(place->agent.audit, want);

	ASSERT_NOT_NULL(record);
	EXPECT_EQ(1, journal_count(place->agent.audit, want));
	json_decref(record);
}

TEST_F_TIMEOUT(outbound, goes_on_without_the_daemon, 90)
{
	ASSERT_NE(0, place_carrier_of(&self->place, self->app.local));
	EXPECT_EQ(SIGKILL, daemon_end(&self->place.agent, SIGKILL));
	dial_echo(&self->app, "without");
	ASSERT_OK(daemon_launch(&self->place.agent));
	EXPECT_EQ(1, daemon_sessions(&self->place.agent, 1));
	dial_echo(&self->app, "after");
	close(self->app.fd);
	check_ended(&self->place, self->app.local);
	EXPECT_EQ(0, daemon_sessions(&self->place.agent, 0));
}

/* the kernel's word alone, of a connection that the agent has dialled */
TEST_F_TIMEOUT(outbound, ends_with_its_carrier, 90)
{
	pid_t carrier = place_carrier_of(&self->place, self->app.local);

	ASSERT_NE(0, carrier);
	EXPECT_EQ(SIGKILL, daemon_end(&self->place.agent, SIGKILL));
	ASSERT_OK(kill(carrier, SIGKILL));
	dial_end(&self->app);
	close(self->app.fd);
	ASSERT_OK(daemon_launch(&self->place.agent));
	check_ended(&self->place, self->app.local);
	EXPECT_EQ(0, daemon_sessions(&self->place.agent, 0));
}

HARNESS_MAIN
