// SPDX-License-Identifier: Apache-2.0
/*
 * Outbound in place: a wrapped app's connect() returns with a verified socket, on which the kernel
 * does TLS, and no process stands between it and the server; or it goes by relay, and the app is
 * none the wiser.
 */
#include <errno.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/adopt/connector_app.h"
#include "tests/e2e/daemon.h"
#include "tests/e2e/far_server.h"
#include "tests/e2e/journal.h"
#include "tests/e2e/listener.h"
#include "tests/e2e/site.h"
#include "tests/e2e/wrap.h"
#include "tests/harness.h"
#include "userspace/fd.h"

#define FAR_PORT 5071
#define LIMIT_MS (5000 * harness_time_scale())

static struct far_server good, good6, only13;
static struct daemon agent;
static char run[PROCESS_PATH_MAX];
static pid_t keeper;

/* connect-timeout is that of a slow machine */
static const char settings[] =
	"workers = 2\nconnect-timeout = 8000\n"
	"pbx \"app\" { cgroup = \"/%s\" }\n"
	"line \"in-place\" { function = sip-line direction = outbound port = 5071 delivery = adopt "
	"remote = { \"192.0.2.50/32\", \"192.0.2.53/32\", \"192.0.2.54/32\", "
	"\"2001:db8:5::50/128\" } level = medium sip-domains = { \"example.test\" } }\n"
	"line \"relayed\" { function = sip-line direction = outbound port = 5071 "
	"remote = { \"192.0.2.60/32\" } level = medium }\n"
	"line \"refused\" { function = sip-line direction = outbound port = 5071 delivery = adopt "
	"remote = { \"192.0.2.51/32\" } level = medium }\n"
	"line \"unreachable\" { function = sip-line direction = outbound port = 5072 "
	"delivery = adopt remote = { \"192.0.2.50/32\" } level = medium }\n";

static void start_server(struct far_server *server, const char *host, const char *certificate,
			 int min_version)
{
	far_server_start(server, &(struct far_server_options){ .host = host,
							       .port = FAR_PORT,
							       .certificate = certificate,
							       .min_version = min_version,
							       .asks = true });
}

static void take_addresses(void)
{
	static const char *const addresses[] = { "192.0.2.10/32", "192.0.2.50/32", "192.0.2.51/32",
						 "192.0.2.53/32", "192.0.2.54/32", "192.0.2.60/32",
						 "2001:db8:5::50/128", "2001:db8:5::10/128" };

	for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
		const char *const ip[] = { "ip", "address", "replace", addresses[i],
					   "dev", "lo", NULL };

		ASSERT_OK(process_run(NULL, ip));
	}
}

HARNESS_PREPARE
{
	if (!site_has_kernel_tls())
		return;
	take_addresses();
	site_prepare();
	start_server(&good, "192.0.2.50", "good", 0);
	start_server(&good6, "2001:db8:5::50", "good", 0);
	start_server(&only13, "192.0.2.53", "good", TLS1_3_VERSION);
}

HARNESS_FINISH
{
	if (!good.pid)
		return;
	far_server_end(&good);
	far_server_end(&good6);
	far_server_end(&only13);
}

static void start_daemon(void)
{
	static char text[4096];

	if (!good.pid)
		SKIP("this kernel has no TLS");
	snprintf(text, sizeof(text), settings, strrchr(getenv("STAGE_CGROUP"), '/') + 1);
	daemon_start(&agent, &(struct daemon_options){ .settings = text });
	keeper = wrap_start_keeper_of(&agent, run);
}

static void stop_daemon(void)
{
	if (!keeper)
		return;
	if (harness_has_failed())
		daemon_explain(&agent);
	daemon_retire(&agent);
	EXPECT_LE(0, process_end(keeper, SIGTERM, LIMIT_MS));
}

static json_t *record_of(const char *event, const char *local)
{
	return journal_wait(agent.audit, JOURNAL_WANT({ "event", event }, { "local", local }));
}

/* as records and far servers write it: IPv4 is IPv4 */
static const char *plain_name(const char *name)
{
	static char plain[LISTENER_NAME_MAX];

	if (strncmp(name, "[::ffff:", 8))
		snprintf(plain, sizeof(plain), "%s", name);
	else
		snprintf(plain, sizeof(plain), "%.*s%s", (int)strcspn(name + 8, "]"), name + 8,
			 strchr(name, ']') + 1);
	return plain;
}

/* the daemon's word on the session from there; checks */
static void check_session(const char *local, const char *delivery)
{
	json_t *sessions = daemon_ask(&agent, "sessions"), *session;
	bool found = false;
	size_t i;

	json_array_foreach(sessions, i, session) {
		if (strcmp(journal_text(session, "local"), local))
			continue;
		found = true;
		EXPECT_STREQ(delivery, journal_text(session, "delivery"));
		EXPECT_STREQ("outbound", journal_text(session, "direction"));
		EXPECT_STREQ("verified", journal_text(session, "state"));
	}
	EXPECT_TRUE(found) {
		TH_LOG("no session from %s", local);
	}
	json_decref(sessions);
}

/* nobody but the kernel sees its TCP connection */
static void check_counted(void)
{
	json_t *status = daemon_ask(&agent, "status"), *line;
	size_t i;

	json_array_foreach(json_object_get(status, "lines"), i, line)
		if (!strcmp(journal_text(line, "line"), "in-place"))
			EXPECT_EQ(1, journal_number(line, "connections"));
	json_decref(status);
}

/* whose socket that is: the app's alone, with the kernel's TLS */
static void check_owner(const struct connector_app *app, const char *peer)
{
	static char output[PROCESS_OUTPUT_MAX];
	const char *const argv[] = { "ss", "-Htinp", "dst", peer, NULL };
	char owner[48];

	ASSERT_OK(process_run(output, argv));
	snprintf(owner, sizeof(owner), "\"connector\",pid=%d,", (int)app->pid);
	EXPECT_NOT_NULL(strstr(output, owner)) {
		TH_LOG("%s", output);
	}
	EXPECT_NOT_NULL(strstr(output, "tcp-ulp-tls"));
	EXPECT_NULL(strstr(output, "linewardend"));
}

FIXTURE(inplace) {
	struct connector_app app;
};

FIXTURE_VARIANT(inplace) {
	const char *words;
	const char *peer, *source; /* as the app is to see them, the source without its port */
	const char *dst; /* for ss */
	int family;
	bool nonblock, options;
};

FIXTURE_VARIANT_ADD(inplace, blocking) {
	.words = "192.0.2.50 5071 echo=1000000 stay",
	.peer = "192.0.2.50:5071", .source = "192.0.2.50:", .dst = "192.0.2.50", .family = AF_INET,
};

FIXTURE_VARIANT_ADD(inplace, nonblocking_with_options) {
	.words = "192.0.2.50 5071 nonblock options echo=1000000 stay",
	.peer = "192.0.2.50:5071", .source = "192.0.2.50:", .dst = "192.0.2.50", .family = AF_INET,
	.nonblock = true, .options = true,
};

FIXTURE_VARIANT_ADD(inplace, bound) {
	.words = "192.0.2.50 5071 source=192.0.2.10 port=23456 echo=1000000 stay",
	.peer = "192.0.2.50:5071", .source = "192.0.2.10:23456", .dst = "192.0.2.50",
	.family = AF_INET,
};

FIXTURE_VARIANT_ADD(inplace, bound_to_a_port) {
	.words = "192.0.2.50 5071 port=23457 echo=1000000 stay",
	.peer = "192.0.2.50:5071", .source = "192.0.2.50:23457", .dst = "192.0.2.50",
	.family = AF_INET,
};

FIXTURE_VARIANT_ADD(inplace, ipv6) {
	.words = "2001:db8:5::50 5071 nonblock echo=1000000 stay",
	.peer = "[2001:db8:5::50]:5071", .source = "[2001:db8:5::50]:", .dst = "[2001:db8:5::50]",
	.family = AF_INET6, .nonblock = true,
};

FIXTURE_VARIANT_ADD(inplace, ipv6_bound) {
	.words = "2001:db8:5::50 5071 source=2001:db8:5::10 echo=1000000 stay",
	.peer = "[2001:db8:5::50]:5071", .source = "[2001:db8:5::10]:", .dst = "[2001:db8:5::50]",
	.family = AF_INET6,
};

FIXTURE_VARIANT_ADD(inplace, ipv4_in_ipv6) {
	.words = "192.0.2.50 5071 mapped options echo=1000000 stay",
	.peer = "[::ffff:192.0.2.50]:5071", .source = "[::ffff:192.0.2.50]:", .dst = "192.0.2.50",
	.family = AF_INET6, .options = true,
};

FIXTURE_SETUP(inplace)
{
	start_daemon();
	connector_app_start(&self->app, run, variant->words);
}

FIXTURE_TEARDOWN(inplace)
{
	(void)variant;
	if (self->app.pid > 0)
		process_end(self->app.pid, SIGKILL, LIMIT_MS);
	stop_daemon();
}

static void check_names(const json_t *names, const FIXTURE_VARIANT(inplace) *variant)
{
	EXPECT_STREQ(variant->peer, journal_text(names, "peer"));
	EXPECT_EQ(0, strncmp(variant->source, journal_text(names, "local"),
			     strlen(variant->source))) {
		TH_LOG("from %s", journal_text(names, "local"));
	}
	EXPECT_EQ(variant->family, journal_number(names, "family"));
	EXPECT_EQ(variant->nonblock, journal_number(names, "nonblock"));
	EXPECT_EQ(!variant->options, journal_number(names, "cloexec"));
	EXPECT_EQ(0, journal_number(names, "nodelay"));
	EXPECT_EQ(0, journal_number(names, "keepalive"));
	if (variant->options) {
		EXPECT_EQ(77, journal_number(names, "keepidle"));
		EXPECT_EQ(65536, journal_number(names, "rcvbuf"));
		EXPECT_EQ(5, journal_number(names, "priority"));
	}
}

/* the far end has no plain byte seen, and this host's certificate */
static void check_far(const struct far_server *server, const char *peer, long long received)
{
	json_t *end = journal_wait(server->log, JOURNAL_WANT({ "event", "end" }, { "peer", peer }));

	ASSERT_NOT_NULL(end);
	EXPECT_EQ(22, journal_number(end, "first"));
	EXPECT_EQ(received, journal_number(end, "received"));
	EXPECT_STREQ("TLSv1.2", journal_text(end, "tls"));
	EXPECT_STREQ("/O=Linewarden tests/CN=pbx.example.test", journal_text(end, "client"));
	json_decref(end);
}

TEST_F_TIMEOUT(inplace, is_the_apps_own, 60)
{
	json_t *names, *echo, *record;
	char local[LISTENER_NAME_MAX];

	connector_app_expect(&self->app, "connect", "result", "0");
	names = connector_app_event(&self->app, "names");
	check_names(names, variant);
	snprintf(local, sizeof(local), "%s", plain_name(journal_text(names, "local")));
	json_decref(names);
	echo = connector_app_event(&self->app, "echo");
	EXPECT_EQ(1000000, journal_number(echo, "received"));
	EXPECT_EQ(0, journal_number(echo, "wrong"));
	EXPECT_STREQ("0", journal_text(echo, "error"));
	json_decref(echo);
	check_owner(&self->app, variant->dst);
	check_session(local, "adopt");
	check_counted();
	record = record_of("accepted", local);
	ASSERT_NOT_NULL(record);
	EXPECT_STREQ("in-place", journal_text(record, "line"));
	json_decref(record);
	EXPECT_EQ(SIGKILL, process_end(self->app.pid, SIGKILL, LIMIT_MS));
	self->app.pid = 0;
	record = record_of("ended", local);
	ASSERT_NOT_NULL(record);
	EXPECT_STREQ("closed", journal_text(record, "reason"));
	EXPECT_LT(1000000, journal_number(record, "bytes_in"));
	EXPECT_LT(1000000, journal_number(record, "bytes_out"));
	json_decref(record);
	check_far(strchr(variant->dst, '.') ? &good : &good6, local, 1000000);
}

FIXTURE(other) {
	struct connector_app app;
	int listener, server;
};

FIXTURE_SETUP(other)
{
	self->listener = self->server = -1;
	start_daemon();
}

FIXTURE_TEARDOWN(other)
{
	if (self->app.pid > 0)
		process_end(self->app.pid, SIGKILL, LIMIT_MS);
	if (self->server >= 0)
		close(self->server);
	if (self->listener >= 0)
		close(self->listener);
	stop_daemon();
}

static void connect_with(FIXTURE_DATA(other) *self, const char *words)
{
	connector_app_start(&self->app, run, words);
}

static void check_relayed(FIXTURE_DATA(other) *self)
{
	json_t *echo = connector_app_event(&self->app, "echo");
	json_t *names = connector_app_event(&self->app, "names");

	EXPECT_EQ(100, journal_number(echo, "received"));
	EXPECT_EQ(0, journal_number(echo, "wrong"));
	check_session(journal_text(names, "local"), "relay");
	json_decref(echo);
	json_decref(names);
}

/* without its word, and where the descriptor cannot be replaced */
TEST_F(other, is_relayed_where_no_line_asks_for_it)
{
	struct far_server far;

	start_server(&far, "192.0.2.60", "good", 0);
	connect_with(self, "192.0.2.60 5071 echo=100 stay");
	check_relayed(self);
	far_server_end(&far);
}

TEST_F(other, is_relayed_where_epoll_watches_it)
{
	connect_with(self, "192.0.2.50 5071 nonblock epoll echo=100 stay");
	connector_app_expect(&self->app, "connect", "result", "EINPROGRESS");
	check_relayed(self);
}

TEST_F(other, is_relayed_where_it_has_two_descriptors)
{
	connect_with(self, "192.0.2.50 5071 dup echo=100 stay");
	check_relayed(self);
}

/* the first one finds out, and the next is not even tried */
TEST_F(other, is_relayed_where_the_server_has_tls_13_alone)
{
	const struct journal_want *failed = JOURNAL_WANT({ "event", "end" }, { "handshake", "false" });
	struct connector_app next;

	connect_with(self, "192.0.2.53 5071 echo=100 stay");
	connector_app_expect(&self->app, "connect", "result", "0");
	check_relayed(self);
	EXPECT_LE(journal_count(only13.log, failed), 1);
	connector_app_start(&next, run, "192.0.2.53 5071 echo=100");
	connector_app_expect(&next, "connect", "result", "0");
	json_decref(connector_app_event(&next, "closed"));
	EXPECT_LE(journal_count(only13.log, failed), 1);
	EXPECT_EQ(0, journal_count(agent.audit, JOURNAL_WANT({ "event", "failed" },
							     { "peer", "192.0.2.53:5071" })));
}

TEST_F(other, is_refused_by_the_policy)
{
	struct far_server far;
	json_t *end, *record;

	start_server(&far, "192.0.2.51", "expired", 0);
	connect_with(self, "192.0.2.51 5071");
	connector_app_expect(&self->app, "connect", "result", "ECONNREFUSED");
	record = journal_wait(agent.audit,
			      JOURNAL_WANT({ "event", "refused" }, { "line", "refused" }));
	ASSERT_NOT_NULL(record);
	json_decref(record);
	end = journal_wait(far.log, JOURNAL_WANT({ "event", "end" }));
	ASSERT_NOT_NULL(end);
	EXPECT_EQ(22, journal_number(end, "first"));
	EXPECT_EQ(0, journal_number(end, "received"));
	json_decref(end);
	far_server_end(&far);
}

TEST_F(other, is_told_that_nobody_is_there)
{
	connect_with(self, "192.0.2.50 5072 nonblock");
	connector_app_expect(&self->app, "connect", "result", "ECONNREFUSED");
}

/* a server that accepts and says nothing */
static void open_silent_server(FIXTURE_DATA(other) *self)
{
	self->listener = listener_open("192.0.2.54", FAR_PORT, false, 16);
}

/* of all that comes to the silent server: TLS, and not a byte of the app's */
static void check_silent_server(FIXTURE_DATA(other) *self)
{
	unsigned char buf[4096];
	ssize_t n;

	while ((self->server = listener_accept(self->listener, 500, NULL)) >= 0) {
		n = recv(self->server, buf, sizeof(buf), MSG_DONTWAIT);
		if (n > 0) {
			EXPECT_EQ(22, buf[0]);
			EXPECT_NULL(memmem(buf, (size_t)n, "PLAIN TEXT", 10));
		}
		close(self->server);
	}
}

/* the relay takes it, before anything is known of the server */
TEST_F_TIMEOUT(other, is_not_held_for_ever_by_a_slow_server, 60)
{
	json_t *connect;

	open_silent_server(self);
	connect_with(self, "192.0.2.54 5071 nonblock stay");
	connect = journal_wait(self->app.log, JOURNAL_WANT({ "event", "connect" }));
	for (int i = 0; !connect && i < 10; i++)
		connect = journal_wait(self->app.log, JOURNAL_WANT({ "event", "connect" }));
	ASSERT_NOT_NULL(connect);
	EXPECT_STREQ("EINPROGRESS", journal_text(connect, "result"));
	EXPECT_LE(8000, journal_number(connect, "ms"));
	json_decref(connect);
	check_silent_server(self);
}

TEST_F(other, is_interrupted_by_a_signal)
{
	open_silent_server(self);
	connect_with(self, "192.0.2.54 5071 alarm stay");
	connector_app_expect(&self->app, "connect", "result", "EINTR");
	check_silent_server(self);
}

/* another thread has no socket that plain text leaves by */
TEST_F(other, has_nothing_to_write_on_meanwhile)
{
	json_t *writer;

	open_silent_server(self);
	connect_with(self, "192.0.2.54 5071 writer");
	process_sleep_ms(1000);
	/* which closes the connection */
	check_silent_server(self);
	connector_app_expect(&self->app, "connect", "result", "ECONNREFUSED");
	writer = connector_app_event(&self->app, "writer");
	EXPECT_LT(20, journal_number(writer, "errors"));
	EXPECT_EQ(0, journal_number(writer, "written"));
	json_decref(writer);
}

static void kill_session(const char *local)
{
	const char *argv[] = { process_build_path("tools/linewarden"), "kill", "--run", run, NULL,
			       NULL };
	json_t *sessions = daemon_ask(&agent, "sessions"), *session;
	char cookie[32] = "", output[PROCESS_OUTPUT_MAX];
	size_t i;

	json_array_foreach(sessions, i, session)
		if (!strcmp(journal_text(session, "local"), local))
			snprintf(cookie, sizeof(cookie), "%lld", journal_number(session, "cookie"));
	json_decref(sessions);
	argv[4] = cookie;
	EXPECT_EQ(0, process_run(output, argv)) {
		TH_LOG("%s", output);
	}
}

TEST_F(other, is_ended_by_the_operator)
{
	json_t *names, *record;

	connect_with(self, "192.0.2.50 5071 echo=100 stay");
	json_decref(connector_app_event(&self->app, "echo"));
	names = connector_app_event(&self->app, "names");
	check_session(journal_text(names, "local"), "adopt");
	kill_session(journal_text(names, "local"));
	record = record_of("ended", journal_text(names, "local"));
	EXPECT_STREQ("ended by the operator", journal_text(record, "reason"));
	json_decref(record);
	json_decref(names);
}

/*
 * The call goes on, and the agent's ports are closed, as soon as the last worker has ended: until
 * then it may be in a queue that goes with it, before connect() returns (net/ipv4/af_inet.c,
 * __inet_stream_connect(): what was reset meanwhile says so) or after. What was there before stays.
 */
TEST_F_TIMEOUT(other, outlives_the_daemon_or_is_refused, 60)
{
	struct connector_app held;
	json_t *echo, *connect;

	open_silent_server(self);
	connect_with(self, "192.0.2.50 5071 echo=4000000 stay");
	connector_app_expect(&self->app, "connect", "result", "0");
	connector_app_start(&held, run, "192.0.2.54 5071");
	/* it is held as soon as the worker's connection for it is there */
	self->server = listener_accept(self->listener, LIMIT_MS, NULL);
	ASSERT_LE(0, self->server);
	EXPECT_EQ(SIGKILL, daemon_end(&agent, SIGKILL));
	connect = connector_app_event(&held, "connect");
	EXPECT_TRUE(!strcmp(journal_text(connect, "result"), "ECONNREFUSED") ||
		    !strcmp(journal_text(connect, "result"), "ECONNRESET") ||
		    !strcmp(journal_text(connect, "result"), "0")) {
		TH_LOG("%s", journal_text(connect, "result"));
	}
	json_decref(connect);
	echo = connector_app_event(&self->app, "echo");
	EXPECT_EQ(4000000, journal_number(echo, "received"));
	EXPECT_EQ(0, journal_number(echo, "wrong"));
	json_decref(echo);
	ASSERT_OK(daemon_launch(&agent));
	close(self->server);
	check_silent_server(self);
}

HARNESS_MAIN
