// SPDX-License-Identifier: Apache-2.0
/*
 * Another configuration in place of the one in force: by each way to ask for it, with mistakes of
 * each kind, and under connections that never stop.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/e2e/daemon.h"
#include "tests/e2e/journal.h"
#include "tests/e2e/plain_app.h"
#include "tests/e2e/site.h"
#include "tests/e2e/visitor.h"
#include "tests/harness.h"

#define OTHER_PORT 5062
#define SOURCE "127.0.42.1"
#define RELOADS 20
#define AWAIT_MS 8000 /* the files are looked at when a second has passed without a change */

/* "good-ed25519" is trusted, and the store has no copy of it: medium accepts it, high does not */
#define LINE "{ function = sip-line port = 5061 remote = 127.0.42.0/24 level = "
#define ACCEPTS "line \"changing\" " LINE "medium }"
#define REFUSES "line \"raised\" " LINE "high }"
static const char lines[] = ACCEPTS "\n";
#define RAISED "level = medium }", "level = high }"
#define LOWERED "level = high }", "level = medium }"

static struct plain_app app, other_app;

HARNESS_PREPARE
{
	site_prepare();
	plain_app_start(&app, DAEMON_PORT, "echo");
	plain_app_start(&other_app, OTHER_PORT, "echo");
}

FIXTURE(reload) {
	struct daemon agent;
	struct visitor visitor;
};

FIXTURE_SETUP(reload)
{
	visitor_make(&self->visitor, "good-ed25519", TLS1_3_VERSION);
	daemon_start(&self->agent,
		     &(struct daemon_options){ .settings = lines });
}

FIXTURE_TEARDOWN(reload)
{
	visitor_free(&self->visitor);
	EXPECT_EQ(0, daemon_end(&self->agent, SIGTERM));
	if (harness_has_failed())
		daemon_explain(&self->agent);
}

static bool comes(struct visitor *visitor)
{
	SSL_SESSION_free(visitor->session);
	visitor->session = NULL;
	return visitor_visit(visitor, SOURCE, DAEMON_PORT);
}

static long long in_force(const struct daemon *agent)
{
	json_t *status = daemon_ask(agent, "status");
	long long load = journal_number(json_object_get(status, "configuration"), "in_force");

	json_decref(status);
	return load;
}

static bool await_load(const struct daemon *agent, long long load)
{
	long long end = process_now_ms() + AWAIT_MS * harness_time_scale();

	while (in_force(agent) < load) {
		if (process_now_ms() > end)
			return false;
		process_sleep_ms(20);
	}
	return true;
}

/* The workers in force, and those before that still have connections. */
static int retired(const struct daemon *agent)
{
	json_t *status = daemon_ask(agent, "status"), *worker;
	int count = 0;
	size_t i;

	json_array_foreach(json_object_get(status, "workers"), i, worker)
		count += json_is_true(json_object_get(worker, "retired"));
	json_decref(status);
	return count;
}

static bool await_retired(const struct daemon *agent, int expected)
{
	long long end = process_now_ms() + AWAIT_MS * harness_time_scale();

	while (retired(agent) != expected) {
		if (process_now_ms() > end)
			return false;
		process_sleep_ms(20);
	}
	return true;
}

TEST_F_TIMEOUT(reload, by_signal, 60)
{
	ASSERT_TRUE(comes(&self->visitor));
	daemon_change(&self->agent, RAISED);
	ASSERT_OK(kill(self->agent.pid, SIGHUP));
	ASSERT_TRUE(await_load(&self->agent, 2));
	EXPECT_FALSE(comes(&self->visitor));
}

TEST_F_TIMEOUT(reload, by_the_tool, 60)
{
	daemon_change(&self->agent, RAISED);
	ASSERT_EQ(0, daemon_reload(&self->agent, NULL));
	/* it is in force when the tool has ended */
	EXPECT_FALSE(comes(&self->visitor));
	daemon_change(&self->agent, LOWERED);
	ASSERT_EQ(0, daemon_reload(&self->agent, NULL));
	EXPECT_TRUE(comes(&self->visitor));
	EXPECT_TRUE(await_retired(&self->agent, 0));
}

TEST_F_TIMEOUT(reload, by_a_change_of_the_files, 60)
{
	process_sleep_ms(10);
	daemon_change(&self->agent, RAISED);
	ASSERT_TRUE(await_load(&self->agent, 2));
	EXPECT_FALSE(comes(&self->visitor));
}

TEST_F_TIMEOUT(reload, not_by_other_files_beside_it, 60)
{
	char path[PROCESS_PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/.linewarden.conf.swp", self->agent.dir);
	file = fopen(path, "we");
	ASSERT_NOT_NULL(file);
	ASSERT_OK(fclose(file));
	process_sleep_ms(2500);
	EXPECT_EQ(1, in_force(&self->agent));
	/* and it is awake */
	daemon_change(&self->agent, RAISED);
	EXPECT_TRUE(await_load(&self->agent, 2));
}

TEST_F_TIMEOUT(reload, by_a_change_of_the_trust_store, 60)
{
	daemon_change(&self->agent, RAISED);
	ASSERT_EQ(0, daemon_reload(&self->agent, NULL));
	ASSERT_FALSE(comes(&self->visitor));
	site_trust("trusted", "good-ed25519");
	ASSERT_TRUE(await_load(&self->agent, 3));
	EXPECT_TRUE(comes(&self->visitor));
	ASSERT_OK(unlink(site_file("trusted/good-ed25519.pem")));
	ASSERT_TRUE(await_load(&self->agent, 4));
	EXPECT_FALSE(comes(&self->visitor));
}

/* The old one tells the peer's silence from its own end: what lives is served on. */
TEST_F_TIMEOUT(reload, sessions_go_on, 60)
{
	struct peer_options options = site_client(SITE_LOW, DAEMON_PORT, "good");
	struct peer *peer;

	ASSERT_OK(peer_open(&options, &peer));
	ASSERT_OK(peer_step(peer, "echo:100"));
	daemon_change(&self->agent, RAISED);
	ASSERT_EQ(0, daemon_reload(&self->agent, NULL));
	EXPECT_OK(peer_step(peer, "echo:100000"));
	EXPECT_EQ(1, daemon_sessions(&self->agent, 1));
	ASSERT_OK(peer_step(peer, "close_notify"));
	ASSERT_OK(peer_step(peer, "drain"));
	peer_free(peer);
	EXPECT_TRUE(await_retired(&self->agent, 0));
}

static long long loads(const struct daemon *agent)
{
	json_t *status = daemon_ask(agent, "status");
	long long count = journal_number(json_object_get(status, "configuration"), "loads");

	json_decref(status);
	return count;
}

/* A reload that is about to be put in force, and waits for workers that do nothing. */
static int hold_reload(const struct daemon *agent, pid_t workers[DAEMON_WORKERS_MAX])
{
	int count = daemon_workers(agent, workers), i;

	for (i = 0; i < count; i++)
		ASSERT_OK(kill(workers[i], SIGSTOP));
	ASSERT_OK(kill(agent->pid, SIGHUP));
	while (loads(agent) < 2)
		process_sleep_ms(10);
	return count;
}

/* It is in force before the files have been quiet for long enough to be looked at. */
TEST_F_TIMEOUT(reload, the_files_change_meanwhile, 60)
{
	pid_t workers[DAEMON_WORKERS_MAX];
	int count = hold_reload(&self->agent, workers), i;

	daemon_change(&self->agent, RAISED);
	for (i = 0; i < count; i++)
		kill(workers[i], SIGCONT);
	ASSERT_TRUE(await_load(&self->agent, 3));
	EXPECT_FALSE(comes(&self->visitor));
}

TEST_F_TIMEOUT(reload, the_daemon_ends_meanwhile, 60)
{
	pid_t workers[DAEMON_WORKERS_MAX];
	int count = hold_reload(&self->agent, workers), i;

	/* how it ends is looked at in the end */
	ASSERT_OK(kill(self->agent.pid, SIGTERM));
	process_sleep_ms(200);
	for (i = 0; i < count; i++)
		kill(workers[i], SIGCONT);
}

/* Whoever came under the lines before, and was not met yet, is judged by those of today. */
TEST_F_TIMEOUT(reload, whoever_waits_is_judged_by_the_new_lines, 60)
{
	pid_t workers[DAEMON_WORKERS_MAX];
	int count = daemon_workers(&self->agent, workers), i;
	struct peer_options options = site_client(SITE_LOW, DAEMON_PORT, "good");
	struct peer *peer;
	json_t *record;

	options.source = SOURCE;
	options.without_handshake = true;
	for (i = 0; i < count; i++)
		ASSERT_OK(kill(workers[i], SIGSTOP));
	ASSERT_OK(peer_open(&options, &peer));
	daemon_change(&self->agent, "line \"changing\"", "line \"changed\"");
	ASSERT_EQ(0, daemon_reload(&self->agent, NULL));
	ASSERT_OK(peer_step(peer, "plain:this is not TLS"));
	record = daemon_record(&self->agent, "failed", peer_result(peer)->local);
	ASSERT_NOT_NULL(record);
	EXPECT_STREQ("changed", journal_text(record, "line"));
	json_decref(record);
	for (i = 0; i < count; i++)
		ASSERT_OK(kill(workers[i], SIGCONT));
	peer_free(peer);
	EXPECT_TRUE(await_retired(&self->agent, 0));
}

/* The same of one that no line claims any more. */
TEST_F_TIMEOUT(reload, whoever_waits_for_a_line_that_is_gone_is_reset, 60)
{
	pid_t workers[DAEMON_WORKERS_MAX];
	int count = daemon_workers(&self->agent, workers), i;
	struct peer_options options = site_client(SITE_LOW, DAEMON_PORT, "good");
	struct peer *peer;

	options.source = SOURCE;
	options.without_handshake = true;
	for (i = 0; i < count; i++)
		ASSERT_OK(kill(workers[i], SIGSTOP));
	ASSERT_OK(peer_open(&options, &peer));
	daemon_change(&self->agent, "127.0.42.0/24", "127.0.43.0/24");
	ASSERT_EQ(0, daemon_reload(&self->agent, NULL));
	ASSERT_OK(peer_step(peer, "drain"));
	EXPECT_EQ(PEER_RST, peer_result(peer)->transport);
	for (i = 0; i < count; i++)
		ASSERT_OK(kill(workers[i], SIGCONT));
	peer_free(peer);
}

static const char other_port[] = "line \"other\" { function = sip-line port = 5062 "
				 "remote = 127.0.0.0/8 level = none }\n";

TEST_F_TIMEOUT(reload, a_port_comes_and_goes, 60)
{
	struct peer_options options = site_client(SITE_LOW, OTHER_PORT, "good");
	char with[512];
	struct peer *peer;

	options.without_handshake = true;
	/* it is the app's own */
	ASSERT_OK(peer_open(&options, &peer));
	ASSERT_OK(peer_step(peer, "plain:echo"));
	peer_free(peer);
	snprintf(with, sizeof(with), "%s%s", other_port, lines);
	daemon_change(&self->agent, lines, with);
	ASSERT_EQ(0, daemon_reload(&self->agent, NULL));
	options.without_handshake = false;
	options.source = site_source(SITE_HIGH);
	ASSERT_OK(peer_open(&options, &peer));
	EXPECT_OK(peer_step(peer, "echo:100"));
	daemon_change(&self->agent, other_port, "");
	ASSERT_EQ(0, daemon_reload(&self->agent, NULL));
	peer_free(peer);
	/* from elsewhere: a port of that address may be in TIME-WAIT */
	options.source = site_source(SITE_MEDIUM);
	options.without_handshake = true;
	ASSERT_OK(peer_open(&options, &peer));
	EXPECT_OK(peer_step(peer, "plain:echo"));
	peer_free(peer);
	/* the others are as they were */
	EXPECT_TRUE(comes(&self->visitor));
}

static long long connections(const struct daemon *agent, const char *name)
{
	json_t *status = daemon_ask(agent, "status"), *line;
	long long count = -1;
	size_t i;

	json_array_foreach(json_object_get(status, "lines"), i, line)
		if (!strcmp(journal_text(line, "line"), name))
			count = journal_number(line, "connections");
	json_decref(status);
	return count;
}

TEST_F_TIMEOUT(reload, counters_go_on, 60)
{
	ASSERT_TRUE(comes(&self->visitor));
	ASSERT_TRUE(comes(&self->visitor));
	EXPECT_EQ(2, connections(&self->agent, "changing"));
	daemon_change(&self->agent, lines, "");
	daemon_change(&self->agent, "line \"low-5061\"",
		      "line \"changing\" { function = sip-line port = 5061 "
		      "remote = 127.0.42.0/24 level = none }\nline \"low-5061\"");
	ASSERT_EQ(0, daemon_reload(&self->agent, NULL));
	ASSERT_TRUE(comes(&self->visitor));
	EXPECT_EQ(3, connections(&self->agent, "changing"));
}

/* who came, as the audit log has it */
static int recorded(const struct daemon *agent, const char *event, const char *line)
{
	return journal_count(agent->audit, JOURNAL_WANT({ "event", event }, { "line", line }));
}

/*
 * One process reloads, this one comes again and again: under the one configuration line "changing"
 * accepts it, under the other line "raised" refuses it, and there is nothing between the two. Who was
 * accepted and is still there at the next reload is of no line of its own any more, and is ended.
 */
TEST_F_TIMEOUT(reload, nobody_is_lost_or_judged_by_a_mixture, 200)
{
	int came = 0, accepted = 0, cut, i;
	bool done = false;
	pid_t reloader;

	signal(SIGPIPE, SIG_IGN);

	reloader = fork();
	ASSERT_NE(-1, reloader);
	if (!reloader) {
		for (i = 0; i < RELOADS; i++) {
			daemon_change(&self->agent, i & 1 ? REFUSES : ACCEPTS,
				      i & 1 ? ACCEPTS : REFUSES);
			if (daemon_reload(&self->agent, NULL))
				_exit(1);
		}
		_exit(0);
	}
	while (!done) {
		done = !process_lives(reloader);
		accepted += comes(&self->visitor);
		came++;
	}
	EXPECT_EQ(0, process_end(reloader, 0, 1000));
	TH_LOG("%d came during %d reloads, %d were accepted", came, RELOADS, accepted);
	process_sleep_ms(100);
	EXPECT_EQ(came, recorded(&self->agent, "accepted", "changing") +
				recorded(&self->agent, "refused", "raised"));
	cut = journal_count(self->agent.audit,
			    JOURNAL_WANT({ "event", "ended" },
					 { "reason", "its address is another line's now" }));
	EXPECT_LE(accepted, recorded(&self->agent, "accepted", "changing"));
	EXPECT_LE(recorded(&self->agent, "accepted", "changing"), accepted + cut);
	EXPECT_EQ(0, recorded(&self->agent, "accepted", "raised"));
	EXPECT_EQ(0, recorded(&self->agent, "refused", "changing"));
	EXPECT_EQ(0, journal_count(self->agent.audit, JOURNAL_WANT({ "event", "failed" })));
	EXPECT_LT(0, accepted);
	EXPECT_LT(accepted, came);
}

#define MANY 4 /* namespaces: with 256 workers in each there are more than there can be */

FIXTURE(many) {
	struct daemon agent;
	char names[MANY][32];
	struct visitor visitor;
};

FIXTURE_SETUP(many)
{
	char settings[1024] = ACCEPTS "\nworkers = 1\n";
	size_t used = strlen(settings);
	int i;

	for (i = 0; i < MANY; i++) {
		const char *const add[] = { "ip", "netns", "add", self->names[i], NULL };

		snprintf(self->names[i], sizeof(self->names[i]), "lw-many-%d-%d", getpid(), i);
		ASSERT_OK(process_run(NULL, add));
		used += (size_t)snprintf(settings + used, sizeof(settings) - used,
					 "line \"in-%d\" { namespace = \"%s\" function = sip-line "
					 "port = 5061 remote = 127.0.0.0/8 level = low }\n",
					 i, self->names[i]);
	}
	visitor_make(&self->visitor, "good-ed25519", TLS1_3_VERSION);
	daemon_start(&self->agent, &(struct daemon_options){ .settings = settings });
}

FIXTURE_TEARDOWN(many)
{
	int i;

	visitor_free(&self->visitor);
	EXPECT_EQ(0, daemon_end(&self->agent, SIGTERM));
	for (i = 0; i < MANY; i++) {
		const char *const del[] = { "ip", "netns", "delete", self->names[i], NULL };

		EXPECT_OK(process_run(NULL, del));
	}
	if (harness_has_failed())
		daemon_explain(&self->agent);
}

TEST_F_TIMEOUT(many, more_workers_than_there_can_be, 60)
{
	daemon_change(&self->agent, "workers = 1", "workers = 256");
	EXPECT_NE(0, daemon_reload(&self->agent, NULL));
	EXPECT_EQ(1, in_force(&self->agent));
	EXPECT_TRUE(comes(&self->visitor));
}

FIXTURE(broken) {
	struct daemon agent;
	struct visitor visitor;
};

FIXTURE_VARIANT(broken) {
	const char *from, *to;
	const char *says; /* a part of the message */
};

FIXTURE_VARIANT_ADD(broken, syntax) {
	.from = "level = medium }", .to = "level = medium ",
	.says = "linewarden.conf:",
};
FIXTURE_VARIANT_ADD(broken, a_key) {
	.from = "level = medium }", .to = "levle = medium }",
	.says = "unknown key 'levle'",
};
FIXTURE_VARIANT_ADD(broken, a_level) {
	.from = "level = medium }", .to = "level = medium-rare }",
	.says = "level 'medium-rare'",
};
FIXTURE_VARIANT_ADD(broken, the_certificate) {
	.from = "@/pki/server.pem", .to = "@/pki/server.key",
	.says = "server.key",
};
FIXTURE_VARIANT_ADD(broken, the_key) {
	.from = "@/pki/server.key", .to = "@/pki/good.key",
	.says = "good.key",
};
FIXTURE_VARIANT_ADD(broken, the_trust_store) {
	.from = "\"@/trusted\"", .to = "\"@/nowhere\"",
	.says = "trust-store: ",
};
FIXTURE_VARIANT_ADD(broken, the_pins) {
	.from = "pin-path = \"", .to = "pin-path = \"/sys/fs/bpf",
	.says = "pin-path: another one than linewardend runs with; restart it for that",
};
FIXTURE_VARIANT_ADD(broken, a_namespace) {
	.from = "level = medium }", .to = "level = medium namespace = elsewhere }",
	.says = "namespace: the lines are in other network namespaces",
};

FIXTURE_SETUP(broken)
{
	visitor_make(&self->visitor, "good-ed25519", TLS1_3_VERSION);
	daemon_start(&self->agent, &(struct daemon_options){ .settings = lines });
}

FIXTURE_TEARDOWN(broken)
{
	visitor_free(&self->visitor);
	EXPECT_EQ(0, daemon_end(&self->agent, SIGTERM));
	if (harness_has_failed())
		daemon_explain(&self->agent);
}

TEST_F_TIMEOUT(broken, leaves_all_as_it_is, 60)
{
	static char output[PROCESS_OUTPUT_MAX];
	json_t *status;

	daemon_change(&self->agent, variant->from, variant->to);
	EXPECT_EQ(1, daemon_reload(&self->agent, output));
	EXPECT_NOT_NULL(strstr(output, variant->says)) {
		TH_LOG("it says: %s", output);
	}
	EXPECT_EQ(1, in_force(&self->agent));
	EXPECT_TRUE(comes(&self->visitor));
	EXPECT_EQ(0, retired(&self->agent));
	status = daemon_ask(&self->agent, "status");
	EXPECT_NOT_NULL(strstr(journal_text(json_object_get(status, "configuration"), "error"),
			       variant->says));
	json_decref(status);
	/* and the next one is taken */
	daemon_change(&self->agent, variant->to, variant->from);
	daemon_change(&self->agent, RAISED);
	EXPECT_EQ(0, daemon_reload(&self->agent, NULL));
	EXPECT_FALSE(comes(&self->visitor));
}

HARNESS_MAIN
