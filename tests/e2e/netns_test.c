// SPDX-License-Identifier: Apache-2.0
/*
 * One port in two network namespaces, with other lines in each: who connects to which app at
 * which level is known by the namespace as well.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/e2e/daemon.h"
#include "tests/e2e/dial.h"
#include "tests/e2e/far_server.h"
#include "tests/e2e/journal.h"
#include "tests/e2e/plain_app.h"
#include "tests/e2e/site.h"
#include "tests/harness.h"

#define FAR_PORT 5071
#define STRANGER6 "2001:db8:3::1"
#define FAR6 "2001:db8:50::1"

static struct daemon agent;
static struct plain_app app;
static char netns[32];

static void enter_other(void)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", netns);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_OK(setns(fd, CLONE_NEWNET));
	close(fd);
}

HARNESS_PREPARE
{
	static const char *const addresses[] = { STRANGER6, FAR6 };
	static char settings[2048];
	const char *const add[] = { "ip", "netns", "add", netns, NULL };
	const char *const up[] = { "ip", "-n", netns, "link", "set", "lo", "up", NULL };

	site_prepare();
	snprintf(netns, sizeof(netns), "lw-test-%d", getpid());
	ASSERT_OK(process_run(NULL, add));
	ASSERT_OK(process_run(NULL, up));
	for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
		const char *const ip[] = { "ip", "-n", netns, "address", "add", addresses[i],
					   "dev", "lo", NULL };

		ASSERT_OK(process_run(NULL, ip));
		site_take_address(addresses[i]);
	}
	snprintf(settings, sizeof(settings),
		 "pbx \"app\" { cgroup = \"/%s\" }\n"
		 "line \"there\" { namespace = \"%s\" function = sip-line port = 5061 "
		 "remote = { 127.0.0.0/8, 2001:db8:3::/48 } level = none }\n"
		 "line \"out-there\" { namespace = \"%s\" function = sip-line "
		 "direction = outbound port = 5071 remote = { 127.0.50.1, " FAR6 " } level = none }\n"
		 "line \"out-here\" { function = sip-line direction = outbound port = 5071 "
		 "remote = { 127.0.50.1, " FAR6 " } level = medium }\n",
		 strrchr(getenv("STAGE_CGROUP"), '/') + 1, netns, netns);
	plain_app_start(&app, DAEMON_PORT, "echo [::1]:5061");
	daemon_start(&agent, &(struct daemon_options){ .settings = settings });
}

HARNESS_FINISH
{
	const char *const del[] = { "ip", "netns", "delete", netns, NULL };

	/* first, so that nothing is left of it whatever comes then; the daemon is in it all the same */
	EXPECT_OK(process_run(NULL, del));
	daemon_retire(&agent);
}

HARNESS_EXPLAIN
{
	daemon_explain(&agent);
}

FIXTURE(netns) {
	char source[LISTENER_NAME_MAX];
	struct peer_options stranger;
	struct peer *peer;
};

FIXTURE_VARIANT(netns) {
	const char *stranger; /* comes from there, of line medium here */
	const char *app;
	const char *far;
};

FIXTURE_VARIANT_ADD(netns, ipv4) {
	.stranger = "127.0.3.1",
	.app = "127.0.0.1:5061",
	.far = "127.0.50.1",
};

FIXTURE_VARIANT_ADD(netns, ipv6) {
	.stranger = STRANGER6,
	.app = "[::1]:5061",
	.far = FAR6,
};

/* a certificate of an authority that is not in the store */
FIXTURE_SETUP(netns)
{
	self->stranger = site_client(SITE_MEDIUM, DAEMON_PORT, "unknown-ca");
	snprintf(self->source, sizeof(self->source),
		 strchr(variant->stranger, ':') ? "[%s]%s" : "%s%s", variant->stranger,
		 strrchr(self->stranger.source, ':'));
	self->stranger.source = self->source;
	self->stranger.address = variant->app;
}

FIXTURE_TEARDOWN(netns)
{
	peer_free(self->peer);
}

TEST_F(netns, inbound_here)
{
	json_t *record;

	peer_open(&self->stranger, &self->peer);
	EXPECT_NE(0, peer_step(self->peer, "echo:5"));
	record = daemon_record(&agent, "refused", self->source);
	ASSERT_NOT_NULL(record);
	EXPECT_STREQ("medium-5061", journal_text(record, "line"));
	json_decref(record);
}

TEST_F(netns, inbound_there)
{
	struct plain_app other;
	json_t *record;

	enter_other();
	plain_app_start(&other, DAEMON_PORT, "echo [::1]:5061");
	ASSERT_OK(peer_open(&self->stranger, &self->peer));
	EXPECT_OK(peer_step(self->peer, "echo:5000"));
	record = daemon_record(&agent, "accepted", self->source);
	ASSERT_NOT_NULL(record);
	EXPECT_STREQ("there", journal_text(record, "line"));
	json_decref(record);
	/* its app, and not ours, and it sees the client */
	record = plain_app_accept(&other, self->source);
	EXPECT_NOT_NULL(record);
	json_decref(record);
}

/* The app there is met by its namespace's address alone; from outside it is not there. */
static void dial_from(const char *host, const char *event, const char *line)
{
	struct far_server_options options = { .host = host,
					      .port = FAR_PORT,
					      .certificate = "unknown-ca" };
	struct far_server far;
	struct dialled dialled;
	json_t *record;

	far_server_start(&far, &options);
	dialled = dial(&(struct dial){ .host = options.host, .port = options.port });
	if (!strcmp(event, "accepted"))
		dial_echo(&dialled, "hello");
	else
		dial_expect_reset(&dialled);
	record = journal_wait(agent.audit, JOURNAL_WANT({ "event", event }, { "line", line },
							{ "local", dialled.local }));
	EXPECT_NOT_NULL(record);
	json_decref(record);
	far_server_end(&far);
}

TEST_F(netns, outbound_here)
{
	dial_from(variant->far, "refused", "out-here");
}

TEST_F(netns, outbound_there)
{
	enter_other();
	dial_from(variant->far, "accepted", "out-there");
}

HARNESS_MAIN
