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
	static char settings[2048];
	const char *const add[] = { "ip", "netns", "add", netns, NULL };
	const char *const up[] = { "ip", "-n", netns, "link", "set", "lo", "up", NULL };

	site_prepare();
	snprintf(netns, sizeof(netns), "lw-test-%d", getpid());
	ASSERT_OK(process_run(NULL, add));
	ASSERT_OK(process_run(NULL, up));
	snprintf(settings, sizeof(settings),
		 "pbx \"app\" { cgroup = \"/%s\" }\n"
		 "line \"there\" { namespace = \"%s\" function = sip-line port = 5061 "
		 "remote = { 127.0.0.0/8, ::1 } level = none }\n"
		 "line \"out-there\" { namespace = \"%s\" function = sip-line "
		 "direction = outbound port = 5071 remote = 127.0.50.1 level = none }\n"
		 "line \"out-here\" { function = sip-line direction = outbound port = 5071 "
		 "remote = 127.0.50.1 level = medium }\n",
		 strrchr(getenv("STAGE_CGROUP"), '/') + 1, netns, netns);
	plain_app_start(&app, DAEMON_PORT, "echo");
	daemon_start(&agent, &(struct daemon_options){ .settings = settings });
}

HARNESS_FINISH
{
	const char *const del[] = { "ip", "netns", "delete", netns, NULL };

	daemon_retire(&agent);
	EXPECT_OK(process_run(NULL, del));
}

HARNESS_EXPLAIN
{
	const char *const del[] = { "ip", "netns", "delete", netns, NULL };

	daemon_explain(&agent);
	process_run(NULL, del);
}

/* a certificate of an authority that is not in the store, from an address of line medium */
static struct peer_options strangers_client(void)
{
	return site_client(SITE_MEDIUM, DAEMON_PORT, "unknown-ca");
}

TEST(inbound_here)
{
	struct peer_options options = strangers_client();
	struct peer *peer;
	json_t *record;

	peer_open(&options, &peer);
	EXPECT_NE(0, peer_step(peer, "echo:5"));
	record = daemon_record(&agent, "refused", options.source);
	ASSERT_NOT_NULL(record);
	EXPECT_STREQ("medium-5061", journal_text(record, "line"));
	json_decref(record);
	peer_free(peer);
}

TEST(inbound_there)
{
	struct peer_options options = strangers_client();
	struct plain_app other;
	struct peer *peer;
	json_t *record;

	enter_other();
	plain_app_start(&other, DAEMON_PORT, "echo");
	ASSERT_OK(peer_open(&options, &peer));
	EXPECT_OK(peer_step(peer, "echo:5000"));
	record = daemon_record(&agent, "accepted", options.source);
	ASSERT_NOT_NULL(record);
	EXPECT_STREQ("there", journal_text(record, "line"));
	json_decref(record);
	peer_free(peer);
	/* its app, and not ours, and it sees the client */
	record = plain_app_accept(&other, options.source);
	EXPECT_NOT_NULL(record);
	json_decref(record);
}

/* The app there is met by its namespace's address alone; from outside it is not there. */
static void dial_from(const char *event, const char *line)
{
	struct far_server_options options = { .host = "127.0.50.1",
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

TEST(outbound_here)
{
	dial_from("refused", "out-here");
}

TEST(outbound_there)
{
	enter_other();
	dial_from("accepted", "out-there");
}

HARNESS_MAIN
