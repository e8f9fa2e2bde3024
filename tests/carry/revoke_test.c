// SPDX-License-Identifier: Apache-2.0
/*
 * A certificate is revoked while the app of its session waits in read(), and whether or not the
 * peer still answers. Whoever has the socket: a worker, a carrier, or the app itself.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/carry/place.h"
#include "tests/e2e/journal.h"
#include "tests/e2e/living.h"
#include "tests/e2e/site.h"
#include "tests/e2e/site_pki.h"
#include "tests/e2e/wrap.h"
#include "tests/harness.h"

#define LIMIT_MS (5000 * harness_time_scale())
#define HERE "198.51.100.1"
#define THERE "198.51.100.2"
#define REASON "refused by the policy now: it is on the operator's deny list"

HARNESS_PREPARE
{
	site_prepare();
}

FIXTURE(revoked) {
	struct place place;
	int here, there; /* network namespaces */
	struct peer *one; /* from another host, as it seems */
	struct peer *other;
};

FIXTURE_VARIANT(revoked) {
	bool kept, adopts;
};

FIXTURE_VARIANT_ADD(revoked, of_a_worker) { .kept = false };
FIXTURE_VARIANT_ADD(revoked, of_a_carrier) { .kept = true };
FIXTURE_VARIANT_ADD(revoked, of_the_app) { .kept = true, .adopts = true };

static void run_ip(const char *words)
{
	char text[256];
	const char *const argv[] = { "sh", "-c", text, NULL };
	static char output[PROCESS_OUTPUT_MAX];

	snprintf(text, sizeof(text), "ip %s", words);
	ASSERT_EQ(0, process_run(output, argv)) {
		TH_LOG("ip %s: %s", words, output);
	}
}

static int open_netns(void)
{
	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	ASSERT_LE(0, fd);
	return fd;
}

static void enter(int netns)
{
	ASSERT_OK(setns(netns, CLONE_NEWNET));
}

/* the other host is a namespace at the other end of a cable */
static void make_other_host(FIXTURE_DATA(revoked) *self)
{
	char words[128];

	self->here = open_netns();
	ASSERT_OK(unshare(CLONE_NEWNET));
	self->there = open_netns();
	snprintf(words, sizeof(words), "link add far type veth peer name near netns %d",
		 self->place.agent.pid);
	run_ip(words);
	run_ip("address add " THERE "/24 dev far");
	run_ip("link set far up");
	enter(self->here);
	run_ip("address add " HERE "/24 dev near");
	run_ip("link set near up");
}

static void start_app(FIXTURE_DATA(revoked) *self, bool adopts)
{
	static const char options[] = "echo " HERE ":5061";
	char run[PROCESS_PATH_MAX];

	snprintf(run, sizeof(run), "%s/run", self->place.agent.dir);
	if (!adopts) {
		plain_app_start(&self->place.app, DAEMON_PORT, options);
		return;
	}
	plain_app_wrap(&self->place.app, run, DAEMON_PORT, options);
	wrap_await_listener(&self->place.agent, DAEMON_PORT);
}

static struct peer *open_there(FIXTURE_DATA(revoked) *self)
{
	struct peer_options options = site_client(SITE_MEDIUM, DAEMON_PORT, "good");
	struct peer *peer;

	options.address = HERE ":5061";
	options.source = THERE;
	enter(self->there);
	ASSERT_OK(peer_open(&options, &peer));
	enter(self->here);
	ASSERT_OK(peer_step(peer, "echo:100"));
	return peer;
}

static void check_holder(const FIXTURE_DATA(revoked) *self, struct peer *peer, bool kept,
			 bool adopts)
{
	const char *local = peer_result(peer)->local;
	json_t *sessions, *session;
	size_t i;

	if (kept && !adopts)
		EXPECT_NE(0, place_carrier_of(&self->place, local));
	sessions = daemon_ask(&self->place.agent, "sessions");
	json_array_foreach(sessions, i, session)
		if (!strcmp(local, journal_text(session, "peer")))
			EXPECT_STREQ(adopts ? "adopt" : "relay", journal_text(session, "delivery"));
	EXPECT_EQ(2, json_array_size(sessions));
	json_decref(sessions);
}

FIXTURE_SETUP(revoked)
{
	static char settings[512];

	if (variant->kept && !site_has_kernel_tls())
		SKIP("this kernel has no TLS");
	snprintf(settings, sizeof(settings),
		 "workers = 2\nstate-path = \"%s\"\n"
		 "line \"far\" { function = sip-line port = 5061 remote = " THERE
		 " level = medium }\n", site_file("state-%d", getpid()));
	daemon_start(&self->place.agent, &(struct daemon_options){ .settings = settings });
	make_other_host(self);
	if (variant->kept)
		place_keep(&self->place);
	start_app(self, variant->adopts);
	self->one = open_there(self);
	self->other = living_open(LIVING_ANYBODY, "good-rsa");
	check_holder(self, self->one, variant->kept, variant->adopts);
	check_holder(self, self->other, variant->kept, variant->adopts);
}

FIXTURE_TEARDOWN(revoked)
{
	peer_free(self->one);
	peer_free(self->other);
	place_close(&self->place);
	/* at once, and not when the last socket of the other host has gone */
	if (self->there)
		run_ip("link delete near");
}

static int count_readers(pid_t pid)
{
	char command[128];
	static char output[PROCESS_OUTPUT_MAX];
	const char *const argv[] = { "sh", "-c", command, NULL };

	snprintf(command, sizeof(command), "cat /proc/%d/task/*/syscall | grep -c '^%d 0x'", pid,
		 SYS_read);
	process_run(output, argv);
	return atoi(output);
}

static void await_readers(pid_t pid, int count)
{
	long long end = process_now_ms() + LIMIT_MS;

	while (count_readers(pid) != count && process_now_ms() < end)
		process_sleep_ms(20);
	ASSERT_EQ(count, count_readers(pid));
}

static void check_revoked(FIXTURE_DATA(revoked) *self, const char *local, bool adopts)
{
	/* one thread for each of the two sessions */
	await_readers(self->place.app.pid, 2);
	ASSERT_EQ(0, living_deny(&self->place.agent, "--fingerprint", site_pki_fingerprint("good")));
	living_check_app_saw_end(&self->place.app, local, adopts);
	await_readers(self->place.app.pid, 1);
	living_check_goes_on(self->other);
	EXPECT_EQ(1, daemon_sessions(&self->place.agent, 1));
}

TEST_F_TIMEOUT(revoked, while_its_app_reads, 60)
{
	check_revoked(self, peer_result(self->one)->local, variant->adopts);
	living_check_ended(&self->place.agent, self->one, REASON);
}

/* nothing gets there any more, and nothing comes back: no RST, no ACK */
TEST_F_TIMEOUT(revoked, whose_peer_is_silent, 60)
{
	const char *local = peer_result(self->one)->local;

	enter(self->there);
	run_ip("link set far down");
	enter(self->here);
	check_revoked(self, local, variant->adopts);
	place_check_ended(&self->place, local, REASON);
	EXPECT_EQ(PEER_OPEN, peer_result(self->one)->transport);
}

HARNESS_MAIN
