// SPDX-License-Identifier: Apache-2.0
/* What a verified session carries: every byte, once, in order, both ways, to the end. */
#include <errno.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/e2e/bulk.h"
#include "tests/e2e/daemon.h"
#include "tests/e2e/journal.h"
#include "tests/e2e/listener.h"
#include "tests/e2e/plain_app.h"
#include "tests/e2e/site.h"
#include "tests/harness.h"

#define OTHER_PORT 5062
#define STALLED_CLIENTS 3
/* a sanitizer keeps what was freed */
#ifdef __SANITIZE_ADDRESS__
#define STALLED_MEMORY_KB 8192
#else
#define STALLED_MEMORY_KB 512
#endif

static struct daemon agent;

/* small, so that a side that does not read is felt soon */
static void limit_socket_buffers(const char *path)
{
	FILE *file = fopen(path, "we");

	ASSERT_NOT_NULL(file);
	fprintf(file, "4096 65536 262144\n");
	ASSERT_OK(fclose(file));
}

HARNESS_PREPARE
{
	static const uint16_t ports[] = { DAEMON_PORT, OTHER_PORT, 0 };

	limit_socket_buffers("/proc/sys/net/ipv4/tcp_rmem");
	limit_socket_buffers("/proc/sys/net/ipv4/tcp_wmem");
	site_prepare();
	/* one worker: whoever is in others' way shows */
	daemon_start(&agent, &(struct daemon_options){ .ports = ports, .settings = "workers = 1" });
}

HARNESS_FINISH
{
	daemon_retire(&agent);
}

HARNESS_EXPLAIN
{
	daemon_explain(&agent);
}

static void check_ended(struct peer *peer, const char *reason)
{
	const struct peer_result *result = peer_result(peer);
	json_t *record = daemon_record(&agent, "ended", result->local);

	ASSERT_NOT_NULL(record);
	EXPECT_STREQ(reason, journal_text(record, "reason"));
	EXPECT_EQ(result->sent, journal_number(record, "bytes_in"));
	EXPECT_EQ(result->received, journal_number(record, "bytes_out"));
	json_decref(record);
}

FIXTURE(bulk) {
	struct plain_app app;
	struct peer *peer;
	int size;
};

FIXTURE_VARIANT(bulk) {
	int version;
	int width; /* of a write; more than a record: many records at once */
	int size;
	int slow_size; /* the same in an emulated machine */
};

FIXTURE_VARIANT_ADD(bulk, tls13_1) {
	.version = TLS1_3_VERSION,
	.width = 1,
	.size = 64 << 10, /* a record for each of them: 4 MiB would take minutes */
	.slow_size = 8 << 10,
};

FIXTURE_VARIANT_ADD(bulk, tls13_600) {
	.version = TLS1_3_VERSION,
	.width = 600,
	.size = 4 << 20,
	.slow_size = 512 << 10,
};

FIXTURE_VARIANT_ADD(bulk, tls13_16k) {
	.version = TLS1_3_VERSION,
	.width = 16384,
	.size = 4 << 20,
	.slow_size = 512 << 10,
};

FIXTURE_VARIANT_ADD(bulk, tls13_1m) {
	.version = TLS1_3_VERSION,
	.width = BULK_BURST,
	.size = 4 * BULK_BURST,
	.slow_size = 2 * BULK_BURST,
};

FIXTURE_VARIANT_ADD(bulk, tls12_1) {
	.version = TLS1_2_VERSION,
	.width = 1,
	.size = 64 << 10, /* a record for each of them: 4 MiB would take minutes */
	.slow_size = 8 << 10,
};

FIXTURE_VARIANT_ADD(bulk, tls12_600) {
	.version = TLS1_2_VERSION,
	.width = 600,
	.size = 4 << 20,
	.slow_size = 512 << 10,
};

FIXTURE_VARIANT_ADD(bulk, tls12_16k) {
	.version = TLS1_2_VERSION,
	.width = 16384,
	.size = 4 << 20,
	.slow_size = 512 << 10,
};

FIXTURE_VARIANT_ADD(bulk, tls12_1m) {
	.version = TLS1_2_VERSION,
	.width = BULK_BURST,
	.size = 4 * BULK_BURST,
	.slow_size = 2 * BULK_BURST,
};

FIXTURE_SETUP(bulk)
{
	struct peer_options options = site_client(SITE_MEDIUM, DAEMON_PORT, "good");
	int width = variant->width < 65536 ? variant->width : 65536;
	char words[128];

	self->size = harness_time_scale() > 1 ? variant->slow_size : variant->size;
	snprintf(words, sizeof(words), "--bytes %d --width %d --seed 5 half-close-first",
		 self->size, width);
	plain_app_start(&self->app, DAEMON_PORT, words);
	options.min_version = options.max_version = variant->version;
	options.seed = 7;
	ASSERT_OK(peer_open(&options, &self->peer));
}

FIXTURE_TEARDOWN(bulk)
{
	peer_free(self->peer);
}

/* both at once, until the app has said all; the client goes on alone */
TEST_F(bulk, both_ways_and_the_app_ends_first)
{
	const struct peer_result *result;
	json_t *end;

	bulk_send(self->peer, self->size / 2, variant->width);
	ASSERT_OK(peer_step(self->peer, "drain"));
	EXPECT_EQ(PEER_CLOSE_NOTIFY, peer_result(self->peer)->close);
	bulk_send(self->peer, self->size / 2, variant->width);
	ASSERT_OK(peer_step(self->peer, "close_notify"));
	ASSERT_OK(peer_step(self->peer, "fin-wait"));
	result = peer_result(self->peer);
	EXPECT_EQ(PEER_FIN, result->transport);
	EXPECT_EQ(self->size, result->received);
	end = plain_app_end(&self->app, result->local);
	ASSERT_NOT_NULL(end);
	EXPECT_EQ(self->size, journal_number(end, "received"));
	EXPECT_STREQ(result->sent_sha256, journal_text(end, "received_sha256"));
	EXPECT_STREQ(journal_text(end, "sent_sha256"), result->received_sha256);
	EXPECT_STREQ("eof", journal_text(end, "end"));
	json_decref(end);
	check_ended(self->peer, "closed");
}

FIXTURE(client_ends_first) {
	struct peer *peer;
	int listener, app;
};

FIXTURE_VARIANT(client_ends_first) {
	int version;
	const char *step;
	const char *reason;
};

FIXTURE_VARIANT_ADD(client_ends_first, tls13_close_notify) {
	.version = TLS1_3_VERSION,
	.step = "close_notify",
	.reason = "closed",
};

FIXTURE_VARIANT_ADD(client_ends_first, tls13_fin) {
	.version = TLS1_3_VERSION,
	.step = "fin",
	.reason = "the peer closed without close_notify",
};

FIXTURE_VARIANT_ADD(client_ends_first, tls12_close_notify) {
	.version = TLS1_2_VERSION,
	.step = "close_notify",
	.reason = "closed",
};

FIXTURE_VARIANT_ADD(client_ends_first, tls12_fin) {
	.version = TLS1_2_VERSION,
	.step = "fin",
	.reason = "the peer closed without close_notify",
};

FIXTURE_SETUP(client_ends_first)
{
	struct peer_options options = site_client(SITE_MEDIUM, DAEMON_PORT, "good");

	self->app = -1;
	self->listener = listener_open("127.0.0.1", DAEMON_PORT, false, 5);
	options.min_version = options.max_version = variant->version;
	ASSERT_OK(peer_open(&options, &self->peer));
	self->app = listener_accept(self->listener, 5000 * harness_time_scale(), NULL);
	ASSERT_LE(0, self->app);
}

FIXTURE_TEARDOWN(client_ends_first)
{
	peer_free(self->peer);
	close(self->app);
	close(self->listener);
}

/* and the app answers only then */
TEST_F(client_ends_first, and_gets_the_answer)
{
	static char data[65536];
	int limit_ms = 5000 * harness_time_scale();

	ASSERT_OK(peer_step(self->peer, "send:1000"));
	ASSERT_OK(peer_step(self->peer, "%s", variant->step));
	ASSERT_EQ(1000, listener_read(self->app, data, sizeof(data), limit_ms));
	ASSERT_EQ(sizeof(data), send(self->app, data, sizeof(data), MSG_NOSIGNAL));
	ASSERT_OK(shutdown(self->app, SHUT_WR));
	ASSERT_OK(peer_step(self->peer, "drain"));
	EXPECT_EQ(sizeof(data), peer_result(self->peer)->received);
	EXPECT_EQ(PEER_CLOSE_NOTIFY, peer_result(self->peer)->close);
	check_ended(self->peer, variant->reason);
}

FIXTURE(stall) {
	struct plain_app app, echo;
	struct peer *peers[STALLED_CLIENTS];
	pid_t worker;
	long memory_kb;
};

FIXTURE_VARIANT(stall) {
	const char *app;
	bool client_sends;
};

FIXTURE_VARIANT_ADD(stall, app_never_reads) {
	.app = "never-read",
	.client_sends = true,
};

FIXTURE_VARIANT_ADD(stall, client_never_reads) {
	.app = "--bytes 50000000 source",
	.client_sends = false,
};

static void check_others_are_served(void)
{
	struct peer_options options = site_client(SITE_MEDIUM, OTHER_PORT, "good");
	struct peer *peer;

	ASSERT_OK(peer_open(&options, &peer));
	ASSERT_OK(peer_step(peer, "echo:100000"));
	peer_free(peer);
}

FIXTURE_SETUP(stall)
{
	pid_t workers[DAEMON_WORKERS_MAX];

	plain_app_start(&self->app, DAEMON_PORT, variant->app);
	plain_app_start(&self->echo, OTHER_PORT, "echo");
	/* the first one of all needs memory that stays */
	check_others_are_served();
	ASSERT_EQ(1, daemon_workers(&agent, workers));
	self->worker = workers[0];
	self->memory_kb = process_memory_kb(self->worker);
	ASSERT_LT(0, self->memory_kb);
}

FIXTURE_TEARDOWN(stall)
{
	for (int i = 0; i < STALLED_CLIENTS; i++)
		peer_free(self->peers[i]);
}

/* Once the sockets' buffers are full, which takes an emulated guest its time, it waits. */
static bool comes_to_rest(pid_t worker, int pause_ms)
{
	long cpu_ms;

	for (int i = 0; i < 20; i++) {
		cpu_ms = process_cpu_ms(worker);
		process_sleep_ms(pause_ms);
		if (process_cpu_ms(worker) - cpu_ms < pause_ms / 10)
			return true;
	}
	return false;
}

/* it waits: neither memory nor time is used up, and others have theirs */
TEST_F(stall, holds_nobody_else_up)
{
	int pause_ms = 100 * harness_time_scale();

	for (int i = 0; i < STALLED_CLIENTS; i++) {
		struct peer_options options = site_client(SITE_MEDIUM, DAEMON_PORT, "good");

		ASSERT_OK(peer_open(&options, &self->peers[i]));
		json_decref(plain_app_accept(&self->app, peer_result(self->peers[i])->local));
	}
	for (int i = 0; variant->client_sends && i < STALLED_CLIENTS; i++) {
		ASSERT_OK(peer_step(self->peers[i], "hold"));
		ASSERT_OK(peer_step(self->peers[i], "send:2000000"));
		ASSERT_OK(peer_step(self->peers[i], "settle:%d", pause_ms));
	}
	EXPECT_TRUE(comes_to_rest(self->worker, pause_ms));
	check_others_are_served();
	EXPECT_GT(self->memory_kb + STALLED_MEMORY_KB, process_memory_kb(self->worker));
	EXPECT_EQ(STALLED_CLIENTS, daemon_sessions(&agent, STALLED_CLIENTS));
	for (int i = 0; i < STALLED_CLIENTS; i++) {
		json_t *end;

		peer_step(self->peers[i], "rst");
		end = plain_app_end(&self->app, peer_result(self->peers[i])->local);
		EXPECT_STREQ("rst", journal_text(end, "end"));
		json_decref(end);
	}
	EXPECT_EQ(0, daemon_sessions(&agent, 0));
}

FIXTURE(with_finished) {
	struct plain_app app;
	struct peer *peer;
};

FIXTURE_VARIANT(with_finished) {
	const char *certificate;
	bool accepted;
};

FIXTURE_VARIANT_ADD(with_finished, accepted) {
	.certificate = "good",
	.accepted = true,
};

FIXTURE_VARIANT_ADD(with_finished, refused) {
	.certificate = "unknown-ca",
	.accepted = false,
};

FIXTURE_SETUP(with_finished)
{
	struct peer_options options = site_client(SITE_MEDIUM, DAEMON_PORT, variant->certificate);

	plain_app_start(&self->app, DAEMON_PORT, "echo");
	options.hold_finished = true;
	ASSERT_OK(peer_open(&options, &self->peer));
}

FIXTURE_TEARDOWN(with_finished)
{
	peer_free(self->peer);
}

/* data in the very flight of the Finished, in which the certificate comes as well */
TEST_F(with_finished, data_arrives_after_the_verdict)
{
	const struct peer_result *result;
	json_t *end;

	ASSERT_OK(peer_step(self->peer, "text:first words"));
	process_sleep_ms(100 * harness_time_scale());
	EXPECT_EQ(0, plain_app_accepts(&self->app));
	ASSERT_OK(peer_step(self->peer, "flush"));
	if (!variant->accepted) {
		EXPECT_EQ(-EPROTO, peer_step(self->peer, "receive:1"));
		json_decref(daemon_record(&agent, "refused", peer_result(self->peer)->local));
		EXPECT_EQ(0, plain_app_accepts(&self->app));
		return;
	}
	ASSERT_OK(peer_step(self->peer, "expect:first words"));
	ASSERT_OK(peer_step(self->peer, "close_notify"));
	ASSERT_OK(peer_step(self->peer, "drain"));
	result = peer_result(self->peer);
	end = plain_app_end(&self->app, result->local);
	EXPECT_STREQ(result->sent_sha256, journal_text(end, "received_sha256"));
	json_decref(end);
}

/* all that a client has to say, and its end, in the flight of its Finished */
TEST(all_in_one_flight)
{
	struct peer_options options = site_client(SITE_MEDIUM, DAEMON_PORT, "good");
	struct plain_app app;
	struct peer *peer;
	json_t *end;

	plain_app_start(&app, DAEMON_PORT, "echo");
	options.hold_finished = true;
	ASSERT_OK(peer_open(&options, &peer));
	ASSERT_OK(peer_step(peer, "text:hello"));
	ASSERT_OK(peer_step(peer, "close_notify"));
	ASSERT_OK(peer_step(peer, "fin"));
	ASSERT_OK(peer_step(peer, "expect:hello"));
	ASSERT_OK(peer_step(peer, "drain"));
	EXPECT_EQ(PEER_CLOSE_NOTIFY, peer_result(peer)->close);
	end = plain_app_end(&app, peer_result(peer)->local);
	EXPECT_EQ(5, journal_number(end, "received"));
	EXPECT_STREQ("eof", journal_text(end, "end"));
	check_ended(peer, "closed");
	json_decref(end);
	peer_free(peer);
}

/* a client can tell an app that broke off from one that was done */
TEST(app_resets)
{
	struct peer_options options = site_client(SITE_MEDIUM, DAEMON_PORT, "good");
	int listener = listener_open("127.0.0.1", DAEMON_PORT, false, 5), app;
	const struct linger linger = { .l_onoff = 1 };
	struct peer *peer;
	char byte;

	ASSERT_OK(peer_open(&options, &peer));
	app = listener_accept(listener, 5000 * harness_time_scale(), NULL);
	ASSERT_LE(0, app);
	ASSERT_OK(peer_step(peer, "text:x"));
	ASSERT_EQ(1, listener_read(app, &byte, 1, 5000 * harness_time_scale()));
	ASSERT_OK(setsockopt(app, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
	close(app);
	peer_step(peer, "drain");
	EXPECT_EQ(PEER_RST, peer_result(peer)->close);
	check_ended(peer, "the app reset the connection");
	peer_free(peer);
	close(listener);
}

HARNESS_MAIN
