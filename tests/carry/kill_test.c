// SPDX-License-Identifier: Apache-2.0
/* The daemon ends again and again, under load, and no relayed session notices. */
#include <signal.h>
#include <stdlib.h>

#include "tests/carry/place.h"
#include "tests/carry/talk.h"
#include "tests/e2e/journal.h"
#include "tests/e2e/site.h"
#include "tests/harness.h"

#define TALKS 4
#define STANDSTILL_MS (10000 * harness_time_scale())

/* KILLS of the environment is for runs by hand */
static int count_kills(void)
{
	const char *text = getenv("KILLS");

	return text ? atoi(text) : 10;
}

HARNESS_PREPARE
{
	site_prepare();
}

FIXTURE(killed) {
	struct place place;
	struct talk talks[TALKS];
};

FIXTURE_VARIANT(killed) {
	int signal;
	int status; /* of the daemon then */
};

FIXTURE_VARIANT_ADD(killed, by_sigkill) {
	.signal = SIGKILL, .status = SIGKILL,
};

FIXTURE_VARIANT_ADD(killed, by_sigterm) {
	.signal = SIGTERM, .status = 0,
};

FIXTURE_SETUP(killed)
{
	static const struct {
		int size, width;
	} widths[TALKS] = { { 3000, 700 }, { 3000, 1 << 14 }, { 60000, 16384 }, { 100000, 1400 } };
	struct peer_options options;
	int i;

	place_open(&self->place, "workers = 2");
	place_keep(&self->place);
	for (i = 0; i < TALKS; i++) {
		options = site_client(SITE_MEDIUM, DAEMON_PORT, "good");
		/* a round may meet a machine that starts a daemon */
		options.timeout_ms = (int)STANDSTILL_MS;
		options.seed = (uint32_t)i + 1;
		talk_start(&self->talks[i], &options, widths[i].size, widths[i].width);
		ASSERT_NE(0, place_carrier_of(&self->place, self->talks[i].local));
	}
}

FIXTURE_TEARDOWN(killed)
{
	place_close(&self->place);
}

static void check_talk(const struct place *place, struct talk *talk)
{
	struct talk_report report;
	json_t *end;

	talk_stop(talk, &report);
	EXPECT_EQ(0, report.error);
	EXPECT_EQ(PEER_CLOSE_NOTIFY, report.result.close);
	EXPECT_EQ(report.result.sent, report.result.received);
	EXPECT_STREQ(report.result.sent_sha256, report.result.received_sha256);
	end = plain_app_end(&place->app, talk->local);
	ASSERT_NOT_NULL(end);
	EXPECT_EQ(report.result.sent, journal_number(end, "received"));
	EXPECT_STREQ(report.result.sent_sha256, journal_text(end, "received_sha256"));
	json_decref(end);
	EXPECT_GT(STANDSTILL_MS, report.longest_ms);
	TH_LOG("%llu bytes each way in %llu rounds, the longest took %lld ms",
	       (unsigned long long)report.result.sent, (unsigned long long)report.rounds,
	       report.longest_ms);
	place_check_ended(place, talk->local, "closed");
}

TEST_F_TIMEOUT(killed, again_and_again, 1200)
{
	int kills = count_kills(), i;

	for (i = 0; i < kills; i++) {
		process_sleep_ms(10 * (i % 20));
		ASSERT_EQ(variant->status, daemon_end(&self->place.agent, variant->signal));
		ASSERT_OK(daemon_launch(&self->place.agent));
		EXPECT_EQ(TALKS, daemon_sessions(&self->place.agent, TALKS));
	}
	for (i = 0; i < TALKS; i++)
		check_talk(&self->place, &self->talks[i]);
	EXPECT_EQ(0, daemon_sessions(&self->place.agent, 0));
	TH_LOG("%d ends of the daemon", kills);
}

HARNESS_MAIN
