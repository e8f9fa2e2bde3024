// SPDX-License-Identifier: Apache-2.0
/*
 * The daemon ends again and again, under load, and no session notices: neither a relayed one nor
 * one that its app has adopted. Who comes meanwhile is served or refused.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/carry/place.h"
#include "tests/carry/talk.h"
#include "tests/e2e/crowd.h"
#include "tests/e2e/journal.h"
#include "tests/e2e/site.h"
#include "tests/e2e/wrap.h"
#include "tests/harness.h"

#define ADOPTED_PORT (DAEMON_PORT + 1)
#define STANDSTILL_MS (10000 * harness_time_scale())
#define LIMIT_MS (10000 * harness_time_scale())
#define WORDS "from a client that comes again and again"

enum { TALKS = 8 }; /* half of them relayed, half of them adopted */

static const uint16_t ports[] = { DAEMON_PORT, ADOPTED_PORT, 0 };

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
	struct place place; /* its app is that of the relayed sessions */
	struct plain_app adopting;
	struct talk talks[TALKS];
	struct crowd crowd;
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

static bool is_adopted(int talk)
{
	return talk >= TALKS / 2;
}

/* it gets all of a round back that began when it had done that many already */
static void check_goes_on(const struct talk *talk, uint64_t rounds)
{
	long long end = process_now_ms() + STANDSTILL_MS;

	while (talk_rounds(talk) < rounds + 2 && process_now_ms() < end)
		process_sleep_ms(10);
	EXPECT_LE(rounds + 2, talk_rounds(talk)) {
		TH_LOG("that was %s", talk->local);
	}
}

static void start_talk(FIXTURE_DATA(killed) *self, int i)
{
	static const struct {
		int size, width;
	} widths[TALKS / 2] = { { 3000, 700 }, { 3000, 1 << 14 }, { 60000, 16384 }, { 100000, 1400 } };
	int at = i % (TALKS / 2);
	struct peer_options options =
		site_client(SITE_MEDIUM, is_adopted(i) ? ADOPTED_PORT : DAEMON_PORT, "good");

	/* a round may meet a machine that starts a daemon */
	options.timeout_ms = (int)STANDSTILL_MS;
	options.seed = (uint32_t)i + 1;
	/* a close_notify is no end of file to an app that has the socket itself */
	talk_start(&self->talks[i], &options, widths[at].size, widths[at].width,
		   is_adopted(i) ? "fin" : "close_notify");
	if (!is_adopted(i))
		ASSERT_NE(0, place_carrier_of(&self->place, self->talks[i].local));
	check_goes_on(&self->talks[i], 0);
}

FIXTURE_SETUP(killed)
{
	char run[PROCESS_PATH_MAX];

	if (!site_has_kernel_tls())
		SKIP("this kernel has no TLS");
	plain_app_start(&self->place.app, DAEMON_PORT, "echo");
	daemon_start(&self->place.agent,
		     &(struct daemon_options){ .settings = "workers = 2", .ports = ports });
	place_keep(&self->place);
	snprintf(run, sizeof(run), "%s/run", self->place.agent.dir);
	plain_app_wrap(&self->adopting, run, ADOPTED_PORT, "echo");
	wrap_await_listener(&self->place.agent, ADOPTED_PORT);
	for (int i = 0; i < TALKS; i++)
		start_talk(self, i);
	/* which a daemon is to be started beside, on as many processors */
	self->crowd.pause_ms = 50 * harness_time_scale();
	crowd_start(&self->crowd, ports, WORDS);
}

FIXTURE_TEARDOWN(killed)
{
	if (self->adopting.pid)
		process_end(self->adopting.pid, SIGKILL, LIMIT_MS);
	place_close(&self->place);
}

/* as the daemon has it: by the delivery that is its own */
static bool is_known(const json_t *sessions, const struct talk *talk, bool adopted)
{
	const char *delivery = adopted ? "adopt" : "relay";
	json_t *session;
	size_t i;

	json_array_foreach(sessions, i, session)
		if (!strcmp(talk->local, journal_text(session, "peer")))
			return !strcmp(delivery, journal_text(session, "delivery"));
	return false;
}

static int count_known(const FIXTURE_DATA(killed) *self)
{
	json_t *sessions = daemon_ask(&self->place.agent, "sessions");
	int count = 0;

	for (int i = 0; i < TALKS; i++)
		count += is_known(sessions, &self->talks[i], is_adopted(i));
	json_decref(sessions);
	return count;
}

static void read_rounds(const FIXTURE_DATA(killed) *self, uint64_t rounds[TALKS])
{
	for (int i = 0; i < TALKS; i++)
		rounds[i] = talk_rounds(&self->talks[i]);
}

static void check_all_go_on(const FIXTURE_DATA(killed) *self, const uint64_t before[TALKS])
{
	for (int i = 0; i < TALKS; i++)
		check_goes_on(&self->talks[i], before[i]);
}

static uint64_t check_talk(const FIXTURE_DATA(killed) *self, struct talk *talk, bool adopted)
{
	uint64_t rounds = talk_rounds(talk);
	struct talk_report report;
	json_t *end;

	talk_stop(talk, &report);
	EXPECT_EQ(0, report.error);
	/* an adopted socket is closed by the app, which knows of no close_notify */
	EXPECT_EQ(adopted ? PEER_FIN : PEER_CLOSE_NOTIFY, report.result.close);
	EXPECT_EQ(report.result.sent, report.result.received);
	EXPECT_STREQ(report.result.sent_sha256, report.result.received_sha256);
	end = plain_app_end(adopted ? &self->adopting : &self->place.app, talk->local);
	ASSERT_NOT_NULL(end);
	EXPECT_EQ(report.result.sent, journal_number(end, "received"));
	EXPECT_STREQ(report.result.sent_sha256, journal_text(end, "received_sha256"));
	json_decref(end);
	EXPECT_GT(STANDSTILL_MS, report.longest_ms);
	TH_LOG("%s: %llu bytes each way in %llu rounds, the longest took %lld ms",
	       adopted ? "adopted" : "relayed", (unsigned long long)report.result.sent,
	       (unsigned long long)rounds, report.longest_ms);
	place_check_ended(&self->place, talk->local, "closed");
	return report.result.sent;
}

TEST_F_TIMEOUT(killed, again_and_again, 1200)
{
	const struct crowd_tally *tally = self->crowd.tally;
	long long begin = process_now_ms();
	uint64_t rounds[TALKS], bytes = 0;
	int kills = count_kills(), i;

	for (i = 0; i < kills && !harness_has_failed(); i++) {
		process_sleep_ms(10 * (i % 20));
		ASSERT_EQ(variant->status, daemon_end(&self->place.agent, variant->signal));
		read_rounds(self, rounds);
		ASSERT_OK(daemon_launch(&self->place.agent));
		check_all_go_on(self, rounds);
		EXPECT_EQ(TALKS, count_known(self));
	}
	TH_LOG("%d ends of the daemon in %lld ms", i, process_now_ms() - begin);
	process_sleep_ms(LIMIT_MS / 20);
	crowd_stop(&self->crowd);
	for (i = 0; i < TALKS; i++)
		bytes += check_talk(self, &self->talks[i], is_adopted(i));
	TH_LOG("%d sessions, %llu bytes each way; %u visits served, %u refused, %u wrong, %u hung",
	       TALKS, (unsigned long long)bytes, crowd_count(&tally->served),
	       crowd_count(&tally->refused), crowd_count(&tally->wrong), crowd_count(&tally->hung));
	EXPECT_LT(0, crowd_count(&tally->served));
	EXPECT_EQ(0, crowd_count(&tally->wrong));
	EXPECT_EQ(0, crowd_count(&tally->hung));
	EXPECT_EQ(0, daemon_sessions(&self->place.agent, 0));
	EXPECT_TRUE(process_lives(self->adopting.pid));
}

HARNESS_MAIN
