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

static void begin(struct daemon *agent, struct visitor *visitor)
{
	visitor_make(visitor, "good-ed25519", TLS1_3_VERSION);
	daemon_start(agent, &(struct daemon_options){ .settings = lines });
}

static void end(struct daemon *agent, struct visitor *visitor)
{
	visitor_free(visitor);
	EXPECT_EQ(0, daemon_end(agent, SIGTERM));
	if (harness_has_failed())
		daemon_explain(agent);
}

FIXTURE_SETUP(reload)
{
	begin(&self->agent, &self->visitor);
}

FIXTURE_TEARDOWN(reload)
{
	end(&self->agent, &self->visitor);
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

/* The workers in force have stopped accepting before others begin, or are known to hang. */
TEST_F_TIMEOUT(reload, waits_for_who_still_accepts, 60)
{
	pid_t workers[DAEMON_WORKERS_MAX];

	ASSERT_LT(0, daemon_workers(&self->agent, workers));
	ASSERT_OK(kill(workers[0], SIGSTOP));
	daemon_change(&self->agent, RAISED);
	ASSERT_OK(kill(self->agent.pid, SIGHUP));
	process_sleep_ms(500);
	EXPECT_EQ(1, in_force(&self->agent));
	ASSERT_OK(kill(workers[0], SIGCONT));
	EXPECT_TRUE(await_load(&self->agent, 2));
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
	const char *from, *to; /* "@" stands for the stage's folder, here and in says */
	const char *says; /* all of it; "$" stands for the configuration's name */
};

#define BROKEN(name, before, after, message)                                                       \
	FIXTURE_VARIANT_ADD(broken, name) { .from = (before), .to = (after), .says = (message) }

BROKEN(syntax, "level = medium }", "level = medium ",
       "$:13: what '{' opens here is not closed; end it with '}'");
BROKEN(a_key, "level = medium }", "levle = medium }",
       "$:13: line 'changing': unknown key 'levle'; there are function, port, remote, level, "
       "host-names, sip-domains, direction, remote-port, exceptions, mode, delivery, resumption, "
       "on-expiry, namespace, service-security, plain-port");
BROKEN(a_level, "level = medium }", "level = medium-rare }",
       "$:13: line 'changing': level 'medium-rare' is unknown; use none, low, medium, high, "
       "medium+remote or high+remote");
BROKEN(the_certificate, "@/pki/server.pem", "@/pki/server.key",
       "$:2: identity: @/pki/server.key: there is no PEM certificate in it");
BROKEN(the_key, "@/pki/server.key", "@/pki/good.key",
       "$:3: identity: @/pki/good.key: this is not the key of the identity certificate");
BROKEN(the_trust_store, "\"@/trusted\"", "\"@/nowhere\"",
       "$:5: trust-store: @/nowhere: No such file or directory");
BROKEN(the_stores_only_file, "\"@/trusted\"", "\"@/broken.conf\"",
       "$:5: trust-store: @/broken.conf: no certificate");
BROKEN(an_included_file, "ktls = ", "include = \"@/broken.conf\"\nktls = ",
       "@/broken.conf:1: what '{' opens here is not closed; end it with '}'");
BROKEN(a_folder_of_included_files, "ktls = ", "include = \"@/nowhere\"\nktls = ",
       "$:6: include: @/nowhere: No such file or directory");
BROKEN(the_pins, "pin-path = \"", "pin-path = \"/sys/fs/bpf",
       "$: pin-path: another one than linewardend runs with; restart it for that");
BROKEN(a_namespace, "level = medium }", "level = medium namespace = elsewhere }",
       "$: namespace: the lines are in other network namespaces than linewardend runs with; restart "
       "it for that");

FIXTURE_SETUP(broken)
{
	FILE *file = fopen(site_file("broken.conf"), "we");

	ASSERT_NOT_NULL(file);
	fputs("line \"half\" {\n\tfunction = sip-line\n", file);
	ASSERT_OK(fclose(file));
	begin(&self->agent, &self->visitor);
}

FIXTURE_TEARDOWN(broken)
{
	end(&self->agent, &self->visitor);
}

/* what the tool says of a configuration that is refused */
static void expected_text(const struct daemon *agent, const char *says, char out[2048])
{
	size_t used = (size_t)snprintf(out, 2048, "linewarden reload: ");

	for (; *says && used < 2048; says++) {
		if (*says == '$')
			used += (size_t)snprintf(out + used, 2048 - used, "%s/linewarden.conf",
						 agent->dir);
		else if (*says == '@')
			used += (size_t)snprintf(out + used, 2048 - used, "%s",
						 getenv("STAGE_DIR"));
		else
			used += (size_t)snprintf(out + used, 2048 - used, "%c", *says);
	}
	ASSERT_LT(used, 2046);
	strcpy(out + used, "\n");
}

TEST_F_TIMEOUT(broken, leaves_all_as_it_is, 60)
{
	static char output[PROCESS_OUTPUT_MAX];
	char expected[2048];
	json_t *status;

	daemon_change(&self->agent, variant->from, variant->to);
	EXPECT_EQ(1, daemon_reload(&self->agent, output));
	expected_text(&self->agent, variant->says, expected);
	EXPECT_STREQ(expected, output);
	EXPECT_EQ(1, in_force(&self->agent));
	EXPECT_TRUE(comes(&self->visitor));
	EXPECT_EQ(0, retired(&self->agent));
	status = daemon_ask(&self->agent, "status");
	*strchr(output, '\n') = '\0';
	EXPECT_STREQ(output + strlen("linewarden reload: "),
		     journal_text(json_object_get(status, "configuration"), "error"));
	json_decref(status);
	/* and the next one is taken */
	daemon_change(&self->agent, variant->to, variant->from);
	daemon_change(&self->agent, RAISED);
	EXPECT_EQ(0, daemon_reload(&self->agent, NULL));
	EXPECT_FALSE(comes(&self->visitor));
}

HARNESS_MAIN
