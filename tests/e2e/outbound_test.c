// SPDX-License-Identifier: Apache-2.0
/*
 * What becomes of the app's own connections: the test is the app, and dials in plain TCP what
 * a line claims. Far servers speak TLS there.
 */
#include <errno.h>
#include <netdb.h>
#include <openssl/ssl.h>
#include <poll.h>
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
#include "tests/e2e/listener.h"
#include "tests/e2e/site.h"
#include "tests/harness.h"
#include "userspace/fd.h"

#define FAR_PORT 5071
#define LIMIT_MS (5000 * harness_time_scale())

static struct daemon agent;
static struct far_server good, good6, ranged, nobodys, other;

/* every far server's address has lines of its own; 127.0.30.x is no line's */
static const char settings[] =
	"handshake-timeout = 60\n"
	"pbx \"app\" { cgroup = \"/%s\" }\n"
	"line \"out-medium\" { function = sip-line direction = outbound port = 5071 "
	"remote = { \"192.0.2.50/32\", \"192.0.2.53/32\", \"2001:db8:5::50/128\" } "
	"level = medium sip-domains = { \"example.test\" } }\n"
	"line \"out-remote\" { function = sm-line direction = outbound port = 5071 "
	"remote = { \"192.0.2.51/32\" } level = medium+remote sip-domains = { \"example.test\" } }\n"
	"line \"out-range\" { function = ip-office-line direction = both port = 5081 "
	"remote-port = 5071 remote = { \"192.0.2.64/26\" } level = low }\n"
	"line \"out-observe\" { function = sip-line direction = outbound port = 5071 "
	"remote = { \"192.0.2.52/32\" } level = high mode = observe }\n"
	"line \"out-nobody\" { function = sip-line direction = outbound port = 5072 "
	"remote = { \"192.0.2.50/32\" } level = medium }\n";

static void start_far_server(struct far_server *server, const char *host, const char *certificate)
{
	far_server_start(server, &(struct far_server_options){ .host = host,
							       .port = FAR_PORT,
							       .certificate = certificate,
							       .asks = true });
}

HARNESS_PREPARE
{
	static const char *const addresses[] = { "192.0.2.10/32", "192.0.2.50/32", "192.0.2.51/32",
						 "192.0.2.52/32", "192.0.2.70/32",
						 "2001:db8:5::50/128", "2001:db8:5::10/128" };
	static char text[2048];

	for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
		const char *const ip[] = { "ip", "address", "replace", addresses[i],
					   "dev", "lo", NULL };

		ASSERT_OK(process_run(NULL, ip));
	}
	site_prepare();
	snprintf(text, sizeof(text), settings, strrchr(getenv("STAGE_CGROUP"), '/') + 1);
	start_far_server(&good, "192.0.2.50", "good");
	start_far_server(&good6, "2001:db8:5::50", "good-rsa");
	start_far_server(&ranged, "192.0.2.70", "good");
	start_far_server(&nobodys, "127.0.30.1", "good");
	daemon_start(&agent, &(struct daemon_options){ .settings = text });
}

HARNESS_FINISH
{
	far_server_end(&good);
	far_server_end(&good6);
	far_server_end(&ranged);
	far_server_end(&nobodys);
	daemon_retire(&agent);
}

HARNESS_EXPLAIN
{
	daemon_explain(&agent);
}

FIXTURE(name) {
	char peer[LISTENER_NAME_MAX];
};

FIXTURE_VARIANT(name) {
	struct dial dial;
	const char *source, *peer; /* as the app is to see them, the source without its port */
};

FIXTURE_VARIANT_ADD(name, ipv4) {
	.dial = { .host = "192.0.2.50", .port = FAR_PORT },
	.source = "192.0.2.50",
	.peer = "192.0.2.50:5071",
};

FIXTURE_VARIANT_ADD(name, ipv4_that_waits) {
	.dial = { .host = "192.0.2.50", .port = FAR_PORT, .waits = true },
	.source = "192.0.2.50",
	.peer = "192.0.2.50:5071",
};

FIXTURE_VARIANT_ADD(name, ipv4_bound) {
	.dial = { .host = "192.0.2.50", .port = FAR_PORT, .source = "192.0.2.10" },
	.source = "192.0.2.10",
	.peer = "192.0.2.50:5071",
};

FIXTURE_VARIANT_ADD(name, ipv4_in_ipv6) {
	.dial = { .host = "192.0.2.50", .port = FAR_PORT, .ipv6_socket = true },
	.source = "[::ffff:192.0.2.50]",
	.peer = "[::ffff:192.0.2.50]:5071",
};

FIXTURE_VARIANT_ADD(name, ipv4_in_ipv6_bound) {
	.dial = { .host = "192.0.2.50", .port = FAR_PORT, .source = "192.0.2.10",
		  .ipv6_socket = true, .waits = true },
	.source = "[::ffff:192.0.2.10]",
	.peer = "[::ffff:192.0.2.50]:5071",
};

FIXTURE_VARIANT_ADD(name, ipv4_of_a_range) {
	.dial = { .host = "192.0.2.70", .port = FAR_PORT, .source = "192.0.2.10" },
	.source = "192.0.2.10",
	.peer = "192.0.2.70:5071",
};

FIXTURE_VARIANT_ADD(name, ipv6) {
	.dial = { .host = "2001:db8:5::50", .port = FAR_PORT },
	.source = "[2001:db8:5::50]",
	.peer = "[2001:db8:5::50]:5071",
};

FIXTURE_VARIANT_ADD(name, ipv6_bound_that_waits) {
	.dial = { .host = "2001:db8:5::50", .port = FAR_PORT, .source = "2001:db8:5::10",
		  .waits = true },
	.source = "[2001:db8:5::10]",
	.peer = "[2001:db8:5::50]:5071",
};

FIXTURE_SETUP(name)
{
}

FIXTURE_TEARDOWN(name)
{
}

/* The far server sees the very address and port that the app is told. */
TEST_F(name, is_true)
{
	const struct far_server *server = strchr(variant->peer, 'd')   ? &good6 :
					  strstr(variant->peer, ".70:") ? &ranged :
									  &good;
	struct dialled dialled = dial(&variant->dial);
	const char *seen = dialled.local;
	char plain[LISTENER_NAME_MAX];
	json_t *end;

	ASSERT_EQ(0, dialled.error);
	EXPECT_STREQ(variant->peer, dialled.peer);
	EXPECT_EQ(0, strncmp(variant->source, dialled.local, strlen(variant->source)));
	dial_echo(&dialled, "OPTIONS sip:example.test SIP/2.0");
	ASSERT_OK(shutdown(dialled.fd, SHUT_WR));
	EXPECT_EQ(0, dial_end(&dialled));
	close(dialled.fd);
	if (!strncmp(seen, "[::ffff:", 8)) {
		snprintf(plain, sizeof(plain), "%.*s%s", (int)strcspn(seen + 8, "]"), seen + 8,
			 strchr(seen, ']') + 1);
		seen = plain;
	}
	end = journal_wait(server->log, JOURNAL_WANT({ "event", "end" }, { "peer", seen }));
	ASSERT_NOT_NULL(end);
	EXPECT_EQ(22, journal_number(end, "first"));
	EXPECT_EQ(32, journal_number(end, "received"));
	EXPECT_STREQ("/O=Linewarden tests/CN=pbx.example.test", journal_text(end, "client"));
	json_decref(end);
}

static json_t *record_of(const char *event, const char *line, const char *local)
{
	return journal_wait(agent.audit, JOURNAL_WANT({ "event", event }, { "line", line },
						      { "local", local }));
}

TEST(record_says_it_all)
{
	struct dialled dialled = dial(&(struct dial){ .host = "192.0.2.50", .port = FAR_PORT });
	json_t *record, *end;

	ASSERT_EQ(0, dialled.error);
	dial_echo(&dialled, "hello");
	EXPECT_EQ(1, daemon_sessions(&agent, 1));
	close(dialled.fd);
	record = record_of("accepted", "out-medium", dialled.local);
	ASSERT_NOT_NULL(record);
	EXPECT_STREQ("outbound", journal_text(record, "direction"));
	EXPECT_STREQ("192.0.2.50:5071", journal_text(record, "peer"));
	EXPECT_STREQ("sip-line", journal_text(record, "function"));
	EXPECT_EQ(site_has_kernel_tls(), json_is_true(json_object_get(record, "ktls")));
	json_decref(record);
	record = record_of("ended", "out-medium", dialled.local);
	ASSERT_NOT_NULL(record);
	EXPECT_EQ(5, journal_number(record, "bytes_in"));
	EXPECT_EQ(5, journal_number(record, "bytes_out"));
	json_decref(record);
	end = journal_wait(good.log, JOURNAL_WANT({ "event", "end" }, { "peer", dialled.local }));
	ASSERT_NOT_NULL(end);
	EXPECT_STREQ("example.test", journal_text(end, "sni"));
	json_decref(end);
	EXPECT_EQ(0, daemon_sessions(&agent, 0));
}

/* A live session is judged by the lines of today, and the others notice nothing. */
TEST_TIMEOUT(live_session_is_judged_again, 60)
{
	static const char before[] = "level = medium sip-domains = { \"example.test\" } }";
	static const char after[] = "level = medium+remote sip-domains = { \"else.test\" } }";
	struct dialled one = dial(&(struct dial){ .host = "192.0.2.50", .port = FAR_PORT });
	struct dialled steady = dial(&(struct dial){ .host = "192.0.2.70", .port = FAR_PORT });
	json_t *record;

	dial_echo(&one, "hello");
	dial_echo(&steady, "hello");
	daemon_change(&agent, before, after);
	ASSERT_EQ(0, daemon_reload(&agent, NULL));
	record = record_of("ended", "out-medium", one.local);
	EXPECT_NOT_NULL(strstr(journal_text(record, "reason"), "refused by the policy now: "));
	json_decref(record);
	EXPECT_EQ(ECONNRESET, dial_end(&one));
	dial_echo(&steady, "once more");
	daemon_change(&agent, after, before);
	ASSERT_EQ(0, daemon_reload(&agent, NULL));
	close(one.fd);
	close(steady.fd);
}

/* What the app writes before there is a verdict waits; none of it is lost, none is plain. */
TEST(early_data_waits)
{
	struct dial where = { .host = "192.0.2.50", .port = FAR_PORT };
	struct dialled dialled = dial(&where);
	static char sent[200000], back[200000];

	ASSERT_EQ(0, dialled.error);
	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = (char)(i * 7 + i / 251);
	for (size_t at = 0, got = 0; got < sizeof(sent);) {
		ssize_t n = at < sizeof(sent) ? send(dialled.fd, sent + at, sizeof(sent) - at,
						     MSG_NOSIGNAL | MSG_DONTWAIT) :
						0;

		if (n > 0)
			at += (size_t)n;
		n = listener_read(dialled.fd, back + got,
				  sizeof(back) - got < 4096 ? sizeof(back) - got : 4096, LIMIT_MS);
		ASSERT_LT(0, n);
		got += (size_t)n;
	}
	EXPECT_MEMEQ(sent, back, sizeof(sent));
	close(dialled.fd);
}

/* The line's domain is not in the certificate, as seen in a moment by another server there. */
TEST(refusal_reaches_the_app_as_a_reset)
{
	struct far_server_options options = { .host = "192.0.2.51",
					      .port = FAR_PORT,
					      .certificate = "wrong-domain" };
	struct dialled dialled;
	json_t *record, *end;

	far_server_start(&other, &options);
	dialled = dial(&(struct dial){ .host = "192.0.2.51", .port = FAR_PORT });
	send(dialled.fd, "secret", 6, MSG_NOSIGNAL);
	dial_expect_reset(&dialled);
	record = record_of("refused", "out-remote", dialled.local);
	ASSERT_NOT_NULL(record);
	EXPECT_STREQ("wrong-name", journal_text(record, "refusal"));
	EXPECT_STREQ("bad_certificate", journal_text(record, "alert"));
	json_decref(record);
	end = journal_wait(other.log, JOURNAL_WANT({ "event", "end" }, { "peer", dialled.local }));
	ASSERT_NOT_NULL(end);
	EXPECT_EQ(22, journal_number(end, "first"));
	EXPECT_EQ(0, journal_number(end, "received"));
	json_decref(end);
	far_server_end(&other);
}

/* RFC 6066 section 8: in TLS 1.2 the client decides after the certificate's message */
TEST(expired_server_in_both_versions)
{
	static const int versions[] = { TLS1_2_VERSION, 0 };

	for (size_t i = 0; i < 2; i++) {
		struct far_server_options options = { .host = "192.0.2.51",
						      .port = FAR_PORT,
						      .certificate = "expired",
						      .max_version = versions[i] };
		struct dialled dialled;
		json_t *record;

		far_server_start(&other, &options);
		dialled = dial(&(struct dial){ .host = "192.0.2.51", .port = FAR_PORT });
		dial_expect_reset(&dialled);
		record = record_of("refused", "out-remote", dialled.local);
		ASSERT_NOT_NULL(record);
		EXPECT_STREQ("expired", journal_text(record, "refusal"));
		EXPECT_STREQ("certificate_expired", journal_text(record, "alert"));
		json_decref(record);
		far_server_end(&other);
	}
}

TEST(observed_line_goes_on)
{
	/* not in the trust store's copies: level high would refuse it */
	struct far_server_options options = { .host = "192.0.2.52",
					      .port = FAR_PORT,
					      .certificate = "good-ed25519" };
	struct dialled dialled;
	json_t *record;

	far_server_start(&other, &options);
	dialled = dial(&(struct dial){ .host = "192.0.2.52", .port = FAR_PORT });
	ASSERT_EQ(0, dialled.error);
	dial_echo(&dialled, "observed");
	close(dialled.fd);
	record = record_of("observed", "out-observe", dialled.local);
	ASSERT_NOT_NULL(record);
	EXPECT_STRNE("", journal_text(record, "refusal"));
	json_decref(record);
	far_server_end(&other);
}

TEST(absent_peer)
{
	struct dialled dialled = dial(&(struct dial){ .host = "192.0.2.50", .port = 5072 });
	json_t *record;

	dial_expect_reset(&dialled);
	record = journal_wait(agent.audit, JOURNAL_WANT({ "event", "failed" },
							{ "peer", "192.0.2.50:5072" }));
	ASSERT_NOT_NULL(record);
	EXPECT_STREQ("the peer cannot be reached: Connection refused",
		     journal_text(record, "reason"));
	json_decref(record);
}

/* 127.0.30.1 is no line's: the far server there meets plain text, as it would without us. */
TEST(unmatched_passes_untouched)
{
	struct dialled dialled = dial(&(struct dial){ .host = "127.0.30.1", .port = FAR_PORT });
	json_t *end;

	ASSERT_EQ(0, dialled.error);
	EXPECT_STREQ("127.0.30.1:5071", dialled.peer);
	ASSERT_EQ(5, send(dialled.fd, "plain", 5, MSG_NOSIGNAL));
	dial_end(&dialled);
	close(dialled.fd);
	end = journal_wait(nobodys.log, JOURNAL_WANT({ "event", "end" }, { "peer", dialled.local }));
	ASSERT_NOT_NULL(end);
	EXPECT_EQ('p', journal_number(end, "first"));
	json_decref(end);
}

TEST(outlet_dialled_by_somebody_else)
{
	struct dial where = { .host = "127.0.0.1", .port = daemon_outlet(&agent) };
	struct dialled dialled = dial(&where);
	json_t *record;

	dial_expect_reset(&dialled);
	record = journal_wait(agent.audit, JOURNAL_WANT({ "event", "failed" },
							{ "peer", dialled.local }));
	ASSERT_NOT_NULL(record);
	EXPECT_STREQ("a local process dialled the outlet itself", journal_text(record, "reason"));
	json_decref(record);
}

/* none is lost, however long their handshakes have to wait for each other */
TEST_TIMEOUT(hundreds_at_once, 120)
{
	enum { COUNT = 200 };
	static struct dialled dialled[COUNT];

	for (int i = 0; i < COUNT; i++) {
		dialled[i] = dial(&(struct dial){ .host = "192.0.2.50", .port = FAR_PORT });
		ASSERT_EQ(0, dialled[i].error);
		ASSERT_EQ(4, send(dialled[i].fd, "ping", 4, MSG_NOSIGNAL));
	}
	for (int i = 0; i < COUNT; i++) {
		char buf[8] = "";
		ssize_t n = listener_read(dialled[i].fd, buf, 4, 60000);

		EXPECT_EQ(4, n) {
			TH_LOG("that was %s", dialled[i].local);
		}
		close(dialled[i].fd);
	}
	EXPECT_EQ(0, daemon_sessions(&agent, 0));
}

/* An address that the host gets later, with a preferred source: the app is told of that one. */
TEST(source_follows_the_routes)
{
	const char *const address[] = { "ip", "address", "replace", "192.0.2.80/32", "dev", "lo",
					NULL };
	const char *const route[] = { "ip", "route", "replace", "local", "192.0.2.53/32", "dev",
				      "lo", "src", "192.0.2.80", NULL };
	long long end = process_now_ms() + 5000 * harness_time_scale();
	struct dialled dialled = { 0 };

	ASSERT_OK(process_run(NULL, address));
	ASSERT_OK(process_run(NULL, route));
	/* nobody is there, which is told after the names were asked for */
	do {
		dialled = dial(&(struct dial){ .host = "192.0.2.53", .port = FAR_PORT });
		close(dialled.fd);
		if (!strncmp(dialled.local, "192.0.2.80:", 11))
			break;
		process_sleep_ms(50);
	} while (process_now_ms() < end);
	EXPECT_EQ(0, strncmp(dialled.local, "192.0.2.80:", 11)) {
		TH_LOG("seen %s", dialled.local);
	}
}

FIXTURE(waiting) {
	pid_t workers[DAEMON_WORKERS_MAX];
	int count;
};

FIXTURE_VARIANT(waiting) {
	const char *from, *to; /* in the daemon's configuration */
	const char *line; /* whose it is then; NULL: nobody's */
};

FIXTURE_VARIANT_ADD(waiting, line_renamed) {
	.from = "out-medium",
	.to = "out-renamed",
	.line = "out-renamed",
};

FIXTURE_VARIANT_ADD(waiting, line_gone) {
	.from = "\"192.0.2.50/32\", \"192.0.2.53/32\"",
	.to = "\"192.0.2.53/32\"",
};

FIXTURE_SETUP(waiting)
{
	self->count = daemon_workers(&agent, self->workers);
	for (int i = 0; i < self->count; i++)
		ASSERT_OK(kill(self->workers[i], SIGSTOP));
}

FIXTURE_TEARDOWN(waiting)
{
	for (int i = 0; i < self->count; i++)
		EXPECT_OK(kill(self->workers[i], SIGCONT));
	daemon_change(&agent, variant->to, variant->from);
	EXPECT_EQ(0, daemon_reload(&agent, NULL));
}

/* The app has connected, and nobody has met it, when the configuration is changed. */
TEST_F_TIMEOUT(waiting, is_judged_by_the_new_lines, 60)
{
	struct dialled app = dial(&(struct dial){ .host = "192.0.2.50", .port = FAR_PORT });
	json_t *record;

	ASSERT_EQ(0, app.error);
	daemon_change(&agent, variant->from, variant->to);
	ASSERT_EQ(0, daemon_reload(&agent, NULL));
	if (!variant->line) {
		dial_expect_reset(&app);
		return;
	}
	dial_echo(&app, "after the reload");
	record = journal_wait(agent.audit, JOURNAL_WANT({ "event", "accepted" },
							{ "line", variant->line }));
	EXPECT_NOT_NULL(record);
	json_decref(record);
	close(app.fd);
}

HARNESS_MAIN
