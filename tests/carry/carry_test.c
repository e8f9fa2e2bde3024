// SPDX-License-Identifier: Apache-2.0
/* Sessions that carriers relay: whose they are, how they end, and what is told of that. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/carry/place.h"
#include "tests/e2e/journal.h"
#include "tests/e2e/site.h"
#include "tests/harness.h"
#include "userspace/ktls_crypto.h"
#include "userspace/ktls_probe.h"

#define LIMIT_MS (8000 * harness_time_scale())

HARNESS_PREPARE
{
	site_prepare();
}

FIXTURE(carried) {
	struct place place;
	struct peer *peer;
	const char *client; /* the peer's end */
	pid_t carrier;
};

FIXTURE_SETUP(carried)
{
	place_open(&self->place, "workers = 1");
	place_keep(&self->place);
	self->peer = place_session(&self->place);
	self->client = peer_result(self->peer)->local;
	self->carrier = place_carrier_of(&self->place, self->client);
	ASSERT_NE(0, self->carrier);
}

FIXTURE_TEARDOWN(carried)
{
	peer_free(self->peer);
	place_close(&self->place);
}

/* Waits until a process has gone; its parent is another one's. */
static bool is_gone(pid_t pid)
{
	long long end = process_now_ms() + 4 * LIMIT_MS;

	while (process_lives(pid) && process_now_ms() < end)
		process_sleep_ms(20);
	return !process_lives(pid);
}

/* the kernel does the TLS, the carrier alone has the socket, and it may do nothing */
TEST_F_TIMEOUT(carried, is_a_carriers, 60)
{
	static char output[PROCESS_OUTPUT_MAX];
	char path[64], owner[64], line[256];
	const char *const argv[] = { "ss", "-Htinp", "dst", self->client, NULL };
	bool no_caps = false, filtered = false, nobody = false;
	FILE *file;

	ASSERT_OK(process_run(output, argv));
	snprintf(owner, sizeof(owner), "((\"lw-carrier\",pid=%d,", (int)self->carrier);
	EXPECT_NOT_NULL(strstr(output, owner)) {
		TH_LOG("%s", output);
	}
	EXPECT_NULL(strstr(output, "linewardend"));
	EXPECT_NOT_NULL(strstr(output, "rxconf: sw txconf: sw"));
	snprintf(path, sizeof(path), "/proc/%d/status", (int)self->carrier);
	file = fopen(path, "re");
	ASSERT_NOT_NULL(file);
	while (fgets(line, sizeof(line), file)) {
		no_caps |= !strcmp(line, "CapPrm:\t0000000000000000\n");
		nobody |= !strcmp(line, "Uid:\t65534\t65534\t65534\t65534\n");
		filtered |= !strcmp(line, "Seccomp:\t2\n");
	}
	fclose(file);
	EXPECT_TRUE(no_caps);
	EXPECT_TRUE(nobody);
#ifndef __SANITIZE_ADDRESS__
	EXPECT_TRUE(filtered);
#endif
}

TEST_F_TIMEOUT(carried, operator_ends_it, 60)
{
	json_t *sessions = daemon_ask(&self->place.agent, "sessions");
	char cookie[32], run[PROCESS_PATH_MAX];
	const char *const argv[] = { process_build_path("tools/linewarden"), "kill", cookie, "--run",
				     run, NULL };

	snprintf(run, sizeof(run), "%s/run", self->place.agent.dir);
	snprintf(cookie, sizeof(cookie), "%lld",
		 journal_number(json_array_get(sessions, 0), "cookie"));
	json_decref(sessions);
	ASSERT_EQ(0, process_run(NULL, argv));
	ASSERT_OK(peer_step(self->peer, "drain"));
	EXPECT_EQ(PEER_RST, peer_result(self->peer)->close);
	/* the carrier's word for it comes, and the kernel's does not */
	process_sleep_ms(1500);
	place_check_ended(&self->place, self->client, "ended by the operator");
	EXPECT_EQ(0, daemon_sessions(&self->place.agent, 0));
}

/* its sessions end, and another one is there for the next */
TEST_F_TIMEOUT(carried, carrier_dies, 90)
{
	struct peer *next;

	ASSERT_OK(kill(self->carrier, SIGKILL));
	ASSERT_OK(peer_step(self->peer, "drain"));
	EXPECT_NE(PEER_CLOSE_NOTIFY, peer_result(self->peer)->close);
	place_check_ended(&self->place, self->client, "the carrier that relayed it died");
	EXPECT_EQ(0, daemon_sessions(&self->place.agent, 0));
	next = place_session(&self->place);
	EXPECT_NE(0, place_carrier_of(&self->place, peer_result(next)->local));
	peer_free(next);
}

TEST_F_TIMEOUT(carried, carrier_dies_while_there_is_no_daemon, 90)
{
	EXPECT_EQ(SIGKILL, daemon_end(&self->place.agent, SIGKILL));
	ASSERT_OK(kill(self->carrier, SIGKILL));
	ASSERT_OK(peer_step(self->peer, "drain"));
	ASSERT_OK(daemon_launch(&self->place.agent));
	place_check_ended(&self->place, self->client, "the carrier that relayed it has ended");
	EXPECT_EQ(0, daemon_sessions(&self->place.agent, 0));
}

TEST_F_TIMEOUT(carried, carrier_hangs, 120)
{
	ASSERT_OK(kill(self->carrier, SIGSTOP));
	EXPECT_TRUE(is_gone(self->carrier));
	place_check_ended(&self->place, self->client, "the carrier that relayed it died");
}

/* the carrier goes on, takes nothing new, and ends with its session; the next keeper has its own */
TEST_F_TIMEOUT(carried, keeper_is_another_one, 120)
{
	pid_t carriers[PLACE_CARRIERS_MAX], next;
	struct peer *peer;

	EXPECT_EQ(SIGKILL, process_end(self->place.keeper, SIGKILL, LIMIT_MS));
	ASSERT_OK(peer_step(self->peer, "echo:10000:700"));
	place_keep(&self->place);
	ASSERT_LT(0, place_carriers(&self->place, carriers));
	peer = place_session(&self->place);
	next = place_carrier_of(&self->place, peer_result(peer)->local);
	EXPECT_NE(0, next);
	EXPECT_NE(self->carrier, next);
	peer_free(peer);
	ASSERT_OK(peer_step(self->peer, "echo:10000:700"));
	EXPECT_TRUE(process_lives(self->carrier));
	ASSERT_OK(peer_step(self->peer, "close_notify"));
	ASSERT_OK(peer_step(self->peer, "drain"));
	EXPECT_EQ(PEER_CLOSE_NOTIFY, peer_result(self->peer)->close);
	place_check_ended(&self->place, self->client, "closed");
	EXPECT_TRUE(is_gone(self->carrier));
}

/* the session of a keeper that is gone, and a daemon that came after it: the kernel tells */
TEST_F_TIMEOUT(carried, keeper_and_daemon_are_others, 120)
{
	EXPECT_EQ(SIGKILL, process_end(self->place.keeper, SIGKILL, LIMIT_MS));
	EXPECT_EQ(SIGKILL, daemon_end(&self->place.agent, SIGKILL));
	ASSERT_OK(daemon_launch(&self->place.agent));
	place_keep(&self->place);
	ASSERT_OK(peer_step(self->peer, "echo:10000:700"));
	ASSERT_OK(peer_step(self->peer, "close_notify"));
	ASSERT_OK(peer_step(self->peer, "drain"));
	EXPECT_EQ(PEER_CLOSE_NOTIFY, peer_result(self->peer)->close);
	EXPECT_TRUE(is_gone(self->carrier));
	/* whether its carrier lives still when that is asked is not known */
	place_check_ended(&self->place, self->client, NULL);
	EXPECT_EQ(0, daemon_sessions(&self->place.agent, 0));
}

/* both sides' keys, also while there is no daemon */
TEST_F_TIMEOUT(carried, keys_are_changed, 90)
{
	static struct ktls_features features;
	struct ktls_crypto *crypto;

	ASSERT_OK(ktls_crypto_new(&crypto));
	ASSERT_OK(ktls_probe(crypto, &features));
	ktls_crypto_free(crypto);
	if (!features.has[KTLS_REKEY]) {
		ASSERT_OK(peer_step(self->peer, "keyupdate:1"));
		ASSERT_OK(peer_step(self->peer, "drain"));
		EXPECT_EQ(PEER_CLOSE_NOTIFY, peer_result(self->peer)->close);
		place_check_ended(&self->place, self->client,
				  "KeyUpdate: this kernel cannot change a session's keys (Linux "
				  "6.14 and later can)");
		return;
	}
	ASSERT_OK(peer_step(self->peer, "keyupdate:1:request"));
	ASSERT_OK(peer_step(self->peer, "echo:40000:700"));
	EXPECT_EQ(1, peer_result(self->peer)->key_updates_received);
	EXPECT_EQ(SIGKILL, daemon_end(&self->place.agent, SIGKILL));
	ASSERT_OK(peer_step(self->peer, "keyupdate:1:request"));
	ASSERT_OK(peer_step(self->peer, "echo:40000:700"));
	EXPECT_EQ(2, peer_result(self->peer)->key_updates_received);
	ASSERT_OK(daemon_launch(&self->place.agent));
	ASSERT_OK(peer_step(self->peer, "keyupdate:1"));
	ASSERT_OK(peer_step(self->peer, "echo:40000:700"));
}

FIXTURE(ends) {
	struct place place;
	struct peer *peer;
	const char *client;
};

FIXTURE_VARIANT(ends) {
	const char *step; /* of the client; NULL: the app is killed */
	const char *reason;
	bool without_daemon;
};

FIXTURE_VARIANT_ADD(ends, close_notify) {
	.step = "close_notify", .reason = "closed",
};

FIXTURE_VARIANT_ADD(ends, close_notify_without_daemon) {
	.step = "close_notify", .reason = "closed", .without_daemon = true,
};

FIXTURE_VARIANT_ADD(ends, fin) {
	.step = "fin", .reason = "the peer closed without close_notify",
};

FIXTURE_VARIANT_ADD(ends, fin_without_daemon) {
	.step = "fin", .reason = "the peer closed without close_notify", .without_daemon = true,
};

FIXTURE_VARIANT_ADD(ends, rst) {
	.step = "rst", .reason = "the peer reset the connection",
};

FIXTURE_VARIANT_ADD(ends, rst_without_daemon) {
	.step = "rst", .reason = "the peer reset the connection", .without_daemon = true,
};

FIXTURE_SETUP(ends)
{
	place_open(&self->place, "workers = 1");
	place_keep(&self->place);
	self->peer = place_session(&self->place);
	self->client = peer_result(self->peer)->local;
	ASSERT_NE(0, place_carrier_of(&self->place, self->client));
}

FIXTURE_TEARDOWN(ends)
{
	peer_free(self->peer);
	place_close(&self->place);
}

/* whether a daemon hears of it, or the next one does */
TEST_F_TIMEOUT(ends, are_told_once_and_why, 90)
{
	const struct peer_result *result = peer_result(self->peer);
	json_t *record;

	if (variant->without_daemon)
		EXPECT_EQ(SIGKILL, daemon_end(&self->place.agent, SIGKILL));
	ASSERT_OK(peer_step(self->peer, "echo:5000"));
	ASSERT_OK(peer_step(self->peer, "%s", variant->step));
	if (strcmp(variant->step, "rst"))
		ASSERT_OK(peer_step(self->peer, "drain"));
	if (variant->without_daemon) {
		process_sleep_ms(300);
		ASSERT_OK(daemon_launch(&self->place.agent));
	}
	record = daemon_record(&self->place.agent, "ended", self->client);
	ASSERT_NOT_NULL(record);
	EXPECT_EQ(result->sent, journal_number(record, "bytes_in"));
	EXPECT_EQ(result->received, journal_number(record, "bytes_out"));
	json_decref(record);
	/* the other one that knows of it says nothing more */
	process_sleep_ms(1500);
	place_check_ended(&self->place, self->client, variant->reason);
	EXPECT_EQ(0, daemon_sessions(&self->place.agent, 0));
}

FIXTURE(alone) {
	struct place place;
};

FIXTURE_SETUP(alone)
{
	place_open(&self->place, "workers = 1");
}

FIXTURE_TEARDOWN(alone)
{
	place_close(&self->place);
}

/* without a keeper a worker relays, until there is one */
TEST_F_TIMEOUT(alone, keeper_comes_later, 120)
{
	struct peer *peer = place_session(&self->place);
	const char *client = peer_result(peer)->local;
	json_t *sessions = daemon_ask(&self->place.agent, "sessions");

	EXPECT_EQ(0, journal_number(json_array_get(sessions, 0), "carrier"));
	EXPECT_EQ(0, journal_number(json_array_get(sessions, 0), "worker"));
	json_decref(sessions);
	place_keep(&self->place);
	EXPECT_NE(0, place_carrier_of(&self->place, client));
	EXPECT_EQ(SIGKILL, daemon_end(&self->place.agent, SIGKILL));
	ASSERT_OK(peer_step(peer, "echo:10000:700"));
	ASSERT_OK(daemon_launch(&self->place.agent));
	ASSERT_OK(peer_step(peer, "close_notify"));
	ASSERT_OK(peer_step(peer, "drain"));
	EXPECT_EQ(peer_result(peer)->sent, peer_result(peer)->received);
	place_check_ended(&self->place, client, "closed");
	peer_free(peer);
}

TEST_F_TIMEOUT(alone, session_ends_with_the_daemon, 60)
{
	struct peer *peer = place_session(&self->place);

	EXPECT_EQ(SIGKILL, daemon_end(&self->place.agent, SIGKILL));
	EXPECT_OK(peer_step(peer, "drain"));
	EXPECT_NE(PEER_OPEN, peer_result(peer)->close);
	peer_free(peer);
}

HARNESS_MAIN
