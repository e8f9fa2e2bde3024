// SPDX-License-Identifier: Apache-2.0
#include "tests/carry/place.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/e2e/journal.h"
#include "tests/e2e/site.h"
#include "tests/e2e/wrap.h"
#include "tests/harness.h"

#define LIMIT_MS (8000 * harness_time_scale())

void place_open(struct place *place, const char *settings)
{
	if (!site_has_kernel_tls())
		SKIP("this kernel has no TLS");
	plain_app_start(&place->app, DAEMON_PORT, "echo");
	daemon_start(&place->agent, &(struct daemon_options){ .settings = settings });
}

int place_carriers(const struct place *place, pid_t carriers[PLACE_CARRIERS_MAX])
{
	long long end = process_now_ms() + LIMIT_MS;
	int count = 0;

	while (!count && process_now_ms() < end) {
		json_t *status = daemon_ask(&place->agent, "status"), *carrier;
		size_t i;

		json_array_foreach(json_object_get(status, "carriers"), i, carrier)
			if (count < PLACE_CARRIERS_MAX &&
			    !json_is_true(json_object_get(carrier, "retired")))
				carriers[count++] = (pid_t)journal_number(carrier, "pid");
		json_decref(status);
		if (!count)
			process_sleep_ms(50);
	}
	EXPECT_LT(0, count);
	return count;
}

void place_keep(struct place *place)
{
	char run[PROCESS_PATH_MAX], log[PROCESS_PATH_MAX];
	pid_t carriers[PLACE_CARRIERS_MAX];

	snprintf(run, sizeof(run), "%s/run", place->agent.dir);
	snprintf(log, sizeof(log), "%s/keeper.log", place->agent.dir);
	place->keeper = wrap_start_keeper_as(run, log, "nobody");
	ASSERT_LT(0, place_carriers(place, carriers));
}

void place_close(struct place *place)
{
	if (harness_has_failed())
		daemon_explain(&place->agent);
	if (place->keeper)
		EXPECT_EQ(0, process_end(place->keeper, SIGTERM, LIMIT_MS));
	if (place->agent.pid)
		daemon_retire(&place->agent);
	if (place->app.pid)
		process_end(place->app.pid, SIGKILL, LIMIT_MS);
}

struct peer *place_session(const struct place *place)
{
	struct peer_options options = site_client(SITE_MEDIUM, DAEMON_PORT, "good");
	struct peer *peer;

	(void)place;
	ASSERT_OK(peer_open(&options, &peer));
	ASSERT_OK(peer_step(peer, "echo:100"));
	return peer;
}

static pid_t carrier_now(const struct place *place, const char *client)
{
	json_t *sessions = daemon_ask(&place->agent, "sessions"), *session;
	pid_t carrier = 0;
	size_t i;

	json_array_foreach(sessions, i, session)
		if (!strcmp(client, journal_text(session, "peer")) ||
		    !strcmp(client, journal_text(session, "local")))
			carrier = (pid_t)journal_number(session, "carrier");
	json_decref(sessions);
	return carrier;
}

pid_t place_carrier_of(const struct place *place, const char *client)
{
	long long end = process_now_ms() + LIMIT_MS;
	pid_t carrier;

	while (!(carrier = carrier_now(place, client)) && process_now_ms() < end)
		process_sleep_ms(50);
	return carrier;
}

void place_check_ended(const struct place *place, const char *client, const char *reason)
{
	json_t *record = daemon_record(&place->agent, "ended", client);

	ASSERT_NOT_NULL(record);
	if (reason)
		EXPECT_STREQ(reason, journal_text(record, "reason"));
	json_decref(record);
	EXPECT_EQ(1, journal_count(place->agent.audit,
				   JOURNAL_WANT({ "event", "ended" }, { "peer", client })));
}
