// SPDX-License-Identifier: Apache-2.0
/*
 * What an app that has a session itself sees of its end. docs/adoption.md has the table of it:
 * what changes here changes there.
 */
#include <errno.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "tests/e2e/daemon.h"
#include "tests/e2e/journal.h"
#include "tests/e2e/site.h"
#include "tests/e2e/wrap.h"
#include "tests/harness.h"

#define LIMIT_MS (5000 * harness_time_scale())
#define STEPS_MAX 7
#define PORT 5063

static struct daemon agent;
static char run[PROCESS_PATH_MAX];
static pid_t keeper;

/* never relayed, whenever the app is ready */
static const char adopt_line[] =
	"line \"must-adopt\" {\n\tfunction = sip-line\n\tdirection = inbound\n\tport = 5063\n"
	"\tremote = { \"127.0.0.0/8\" }\n\tlevel = medium\n\tdelivery = adopt\n}\n";

HARNESS_PREPARE
{
	site_prepare();
	if (!site_has_kernel_tls())
		return;
	daemon_start(&agent, &(struct daemon_options){ .settings = adopt_line });
	keeper = wrap_start_keeper_of(&agent, run);
}

HARNESS_FINISH
{
	if (!keeper)
		return;
	daemon_retire(&agent);
	EXPECT_LE(0, process_end(keeper, SIGTERM, LIMIT_MS));
}

HARNESS_EXPLAIN
{
	daemon_explain(&agent);
}

/* net/tls takes new keys into a session, and waits for them: Linux 6.14 */
static bool can_rekey(void)
{
	struct utsname name;
	int major, minor;

	ASSERT_OK(uname(&name));
	ASSERT_EQ(2, sscanf(name.release, "%d.%d", &major, &minor));
	return major > 6 || (major == 6 && minor >= 14);
}

/* what a way of reading shows */
struct seen {
	const char *reads, *poll, *writes;
};

/* the header of a record of 257 bytes, and as many that no key gives */
#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define BROKEN "\x17\x03\x03\x01\x01" X64 X64 X64 X64 "x"

FIXTURE(end) {
	pid_t reader;
	struct peer *peer;
};

FIXTURE_VARIANT(end) {
	const char *steps[STEPS_MAX]; /* of the client, once it was answered */
	const char *then; /* what the app does first, see reader.c */
	int version; /* 0: any */
	int received;
	struct seen seen;
	/* where the kernel can change keys; reads is NULL: the same */
	struct seen rekey, rekey_by_poll;
};

FIXTURE_VARIANT_ADD(end, close_notify) {
	.steps = { "hold", "text:more", "close_notify", "flush", "fin" },
	.received = 9,
	.seen = { .reads = "EIO EIO EIO", .poll = "IN RDHUP", .writes = "ok ok" },
};

FIXTURE_VARIANT_ADD(end, close_notify_tls12) {
	.steps = { "hold", "text:more", "close_notify", "flush", "fin" },
	.version = TLS1_2_VERSION,
	.received = 9,
	.seen = { .reads = "EIO EIO EIO", .poll = "IN RDHUP", .writes = "ok ok" },
};

FIXTURE_VARIANT_ADD(end, fin) {
	.steps = { "text:more", "fin" },
	.received = 9,
	.seen = { .reads = "0 0 0", .poll = "IN RDHUP", .writes = "ok ok" },
};

FIXTURE_VARIANT_ADD(end, rst) {
	.steps = { "rst" },
	.received = 5,
	.seen = { .reads = "ECONNRESET 0 0", .poll = "IN HUP RDHUP", .writes = "ok ok" },
};

FIXTURE_VARIANT_ADD(end, key_update) {
	.steps = { "hold", "text:more", "keyupdate:1", "text:after", "flush" },
	.version = TLS1_3_VERSION,
	.received = 9,
	.seen = { .reads = "EIO EIO EIO", .poll = "IN", .writes = "ok ok" },
	.rekey = { .reads = "EIO EIO EIO", .poll = "", .writes = "ok ok" },
	.rekey_by_poll = { .reads = "silence EIO EIO", .poll = "", .writes = "ok ok" },
};

FIXTURE_VARIANT_ADD(end, key_update_with_request) {
	.steps = { "hold", "text:more", "keyupdate:1:request", "text:after", "flush" },
	.version = TLS1_3_VERSION,
	.received = 9,
	.seen = { .reads = "EIO EIO EIO", .poll = "IN", .writes = "ok ok" },
	.rekey = { .reads = "EIO EIO EIO", .poll = "", .writes = "ok ok" },
	.rekey_by_poll = { .reads = "silence EIO EIO", .poll = "", .writes = "ok ok" },
};

FIXTURE_VARIANT_ADD(end, key_update_and_fin) {
	.steps = { "hold", "text:more", "keyupdate:1", "text:after", "flush", "fin" },
	.version = TLS1_3_VERSION,
	.received = 9,
	.seen = { .reads = "EIO EIO EIO", .poll = "IN RDHUP", .writes = "ok ok" },
	.rekey = { .reads = "EIO EIO EIO", .poll = "IN RDHUP", .writes = "ok ok" },
	.rekey_by_poll = { .reads = "EIO EIO EIO", .poll = "IN RDHUP", .writes = "ok ok" },
};

FIXTURE_VARIANT_ADD(end, fatal_alert) {
	.steps = { "drain", "flush" },
	.then = "provoke",
	.received = 5,
	.seen = { .reads = "EIO EIO EIO", .poll = "IN", .writes = "ok ok" },
};

FIXTURE_VARIANT_ADD(end, broken_record) {
	.steps = { "plain:" BROKEN },
	.received = 5,
	.seen = { .reads = "EBADMSG EBADMSG EBADMSG", .poll = "IN ERR",
		  .writes = "EBADMSG EBADMSG" },
};

FIXTURE_SETUP(end)
{
	if (!site_has_kernel_tls())
		SKIP("this kernel has no TLS");
}

FIXTURE_TEARDOWN(end)
{
	peer_free(self->peer);
	if (self->reader)
		process_end(self->reader, SIGKILL, LIMIT_MS);
}

static pid_t start_reader(const char *how, const char *then, const char *log)
{
	const char *argv[WRAP_WORDS_MAX];
	json_t *ready;
	pid_t pid;

	unlink(log);
	wrap_words(run, argv);
	argv[WRAP_WORDS] = process_build_path("tests/adopt/reader");
	argv[WRAP_WORDS + 1] = how;
	argv[WRAP_WORDS + 2] = then ? then : "answer";
	argv[WRAP_WORDS + 3] = "5063";
	pid = process_start(log, argv);
	ASSERT_LT(0, pid);
	ready = journal_wait(log, JOURNAL_WANT({ "event", "ready" }));
	ASSERT_NOT_NULL(ready);
	json_decref(ready);
	return pid;
}

static const struct seen *expected_by(const FIXTURE_VARIANT(end) *variant, const char *how)
{
	if (!variant->rekey.reads || !can_rekey())
		return &variant->seen;
	return strcmp(how, "poll") == 0 ? &variant->rekey_by_poll : &variant->rekey;
}

static void check_report(const struct seen *expected, int received, const char *how,
			 const json_t *report)
{
	EXPECT_EQ(received, journal_number(report, "received"));
	EXPECT_STREQ(expected->reads, journal_text(report, "reads"));
	EXPECT_STREQ(expected->poll, journal_text(report, "poll"));
	EXPECT_STREQ(expected->writes, journal_text(report, "writes"));
	if (harness_has_failed())
		TH_LOG("that was by %s", how);
}

static void check_end(FIXTURE_DATA(end) *self, const FIXTURE_VARIANT(end) *variant,
		      const char *how)
{
	struct peer_options options = site_client(SITE_MEDIUM, PORT, "good");
	const char *log = site_file("reader-%s-%d.log", how, getpid());
	json_t *report;

	self->reader = start_reader(how, variant->then, log);
	options.min_version = options.max_version = variant->version;
	ASSERT_OK(peer_open(&options, &self->peer));
	ASSERT_OK(peer_step(self->peer, "text:hello"));
	if (!variant->then)
		ASSERT_OK(peer_step(self->peer, "expect:hello"));
	for (const char *const *step = variant->steps; *step; step++)
		peer_step(self->peer, "%s", *step);
	report = journal_wait(log, JOURNAL_WANT({ "event", "seen" },
						{ "client", peer_result(self->peer)->local }));
	ASSERT_NOT_NULL(report);
	check_report(expected_by(variant, how), variant->received, how, report);
	json_decref(report);
	peer_free(self->peer);
	self->peer = NULL;
	EXPECT_EQ(SIGKILL, process_end(self->reader, SIGKILL, LIMIT_MS));
	self->reader = 0;
}

/* however it reads */
TEST_F(end, as_the_app_sees_it)
{
	static const char *const ways[] = { "read", "poll", "recvmsg", "late" };

	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
		check_end(self, variant, ways[i]);
}

HARNESS_MAIN
