// SPDX-License-Identifier: Apache-2.0
/* What an app that has a session itself carries: every byte, once, in order, both ways. */
#include <errno.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/e2e/bulk.h"
#include "tests/e2e/daemon.h"
#include "tests/e2e/journal.h"
#include "tests/e2e/plain_app.h"
#include "tests/e2e/site.h"
#include "tests/e2e/wrap.h"
#include "tests/harness.h"
#include "userspace/ktls_crypto.h"
#include "userspace/ktls_probe.h"

#define LIMIT_MS (5000 * harness_time_scale())
#define SIZE (4 << 20)

static struct daemon agent;
static char run[PROCESS_PATH_MAX];
static pid_t keeper;

HARNESS_PREPARE
{
	site_prepare();
	if (!site_has_kernel_tls())
		return;
	daemon_start(&agent, &(struct daemon_options){ .settings = "workers = 1" });
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

FIXTURE(adopted) {
	struct plain_app app;
	struct peer *peer;
};

FIXTURE_VARIANT(adopted) {
	const char *mode; /* of the app: who ends first */
	const char *cipher;
	int version;
	int width; /* of a write; more than a record: many records at once */
	enum ktls_feature needs;
};

FIXTURE_VARIANT_ADD(adopted, tls13_aes128_600) {
	.mode = "half-close-first",
	.cipher = "TLS_AES_128_GCM_SHA256",
	.version = TLS1_3_VERSION,
	.width = 600,
	.needs = KTLS_TLS13_AES_128_GCM,
};

FIXTURE_VARIANT_ADD(adopted, tls13_aes128_16k) {
	.mode = "half-close-first",
	.cipher = "TLS_AES_128_GCM_SHA256",
	.version = TLS1_3_VERSION,
	.width = 16384,
	.needs = KTLS_TLS13_AES_128_GCM,
};

FIXTURE_VARIANT_ADD(adopted, tls13_aes128_1m) {
	.mode = "half-close-first",
	.cipher = "TLS_AES_128_GCM_SHA256",
	.version = TLS1_3_VERSION,
	.width = BULK_BURST,
	.needs = KTLS_TLS13_AES_128_GCM,
};

FIXTURE_VARIANT_ADD(adopted, tls13_aes256) {
	.mode = "half-close-first",
	.cipher = "TLS_AES_256_GCM_SHA384",
	.version = TLS1_3_VERSION,
	.width = 16384,
	.needs = KTLS_TLS13_AES_256_GCM,
};

FIXTURE_VARIANT_ADD(adopted, tls13_chacha20) {
	.mode = "half-close-first",
	.cipher = "TLS_CHACHA20_POLY1305_SHA256",
	.version = TLS1_3_VERSION,
	.width = 16384,
	.needs = KTLS_TLS13_CHACHA20_POLY1305,
};

FIXTURE_VARIANT_ADD(adopted, tls12_aes128_600) {
	.mode = "half-close-first",
	.cipher = "ECDHE-ECDSA-AES128-GCM-SHA256",
	.version = TLS1_2_VERSION,
	.width = 600,
	.needs = KTLS_TLS12_AES_128_GCM,
};

FIXTURE_VARIANT_ADD(adopted, tls12_aes128_1m) {
	.mode = "half-close-first",
	.cipher = "ECDHE-ECDSA-AES128-GCM-SHA256",
	.version = TLS1_2_VERSION,
	.width = BULK_BURST,
	.needs = KTLS_TLS12_AES_128_GCM,
};

FIXTURE_VARIANT_ADD(adopted, tls12_aes256) {
	.mode = "half-close-first",
	.cipher = "ECDHE-ECDSA-AES256-GCM-SHA384",
	.version = TLS1_2_VERSION,
	.width = 16384,
	.needs = KTLS_TLS12_AES_256_GCM,
};

FIXTURE_VARIANT_ADD(adopted, tls12_chacha20) {
	.mode = "half-close-first",
	.cipher = "ECDHE-ECDSA-CHACHA20-POLY1305",
	.version = TLS1_2_VERSION,
	.width = 16384,
	.needs = KTLS_TLS12_CHACHA20_POLY1305,
};

FIXTURE_VARIANT_ADD(adopted, tls13_sendfile) {
	.mode = "file",
	.cipher = "TLS_AES_128_GCM_SHA256",
	.version = TLS1_3_VERSION,
	.width = 65536,
	.needs = KTLS_TLS13_AES_128_GCM,
};

FIXTURE_VARIANT_ADD(adopted, tls12_sendfile) {
	.mode = "file",
	.cipher = "ECDHE-ECDSA-AES256-GCM-SHA384",
	.version = TLS1_2_VERSION,
	.width = 65536,
	.needs = KTLS_TLS12_AES_256_GCM,
};

static void skip_without(enum ktls_feature feature)
{
	static struct ktls_features features;
	struct ktls_crypto *crypto;

	if (!site_has_kernel_tls())
		SKIP("this kernel has no TLS");
	ASSERT_OK(ktls_crypto_new(&crypto));
	ASSERT_OK(ktls_probe(crypto, &features));
	ktls_crypto_free(crypto);
	if (!features.has[feature])
		SKIP("%s: %s", ktls_feature_name(feature), features.reason[feature]);
}

/* the app first: it has to be there when the session is verified */
static struct peer *open_session(struct plain_app *app, const char *words, int version,
				 const char *cipher)
{
	struct peer_options options = site_client(SITE_MEDIUM, DAEMON_PORT, "good");
	struct peer *peer;

	plain_app_wrap(app, run, DAEMON_PORT, words);
	options.min_version = options.max_version = version;
	if (version == TLS1_3_VERSION)
		options.suites = cipher;
	else
		options.ciphers = cipher;
	options.seed = 7;
	ASSERT_OK(peer_open(&options, &peer));
	return peer;
}

FIXTURE_SETUP(adopted)
{
	int width = variant->width < 65536 ? variant->width : 65536;
	char words[128];

	skip_without(variant->needs);
	snprintf(words, sizeof(words), "--bytes %d --width %d --seed 5 %s", SIZE, width,
		 variant->mode);
	self->peer = open_session(&self->app, words, variant->version, variant->cipher);
}

FIXTURE_TEARDOWN(adopted)
{
	peer_free(self->peer);
	if (self->app.pid)
		process_end(self->app.pid, SIGKILL, LIMIT_MS);
}

/* the app's own socket does TLS in the kernel, and the daemon has none of it */
static void check_is_the_apps(const struct plain_app *app, const char *client)
{
	static char output[PROCESS_OUTPUT_MAX];
	char owner[32];
	const char *const argv[] = { "ss", "-Htinp", "dst", client, NULL };
	json_t *accept = plain_app_accept(app, client), *sessions;
	const json_t *only;

	ASSERT_NOT_NULL(accept);
	json_decref(accept);
	ASSERT_OK(process_run(output, argv));
	snprintf(owner, sizeof(owner), "\"app\",pid=%d,", (int)app->pid);
	EXPECT_NOT_NULL(strstr(output, owner)) {
		TH_LOG("%s", output);
	}
	EXPECT_NULL(strstr(output, "linewardend"));
	EXPECT_NOT_NULL(strstr(output, "tcp-ulp-tls"));
	EXPECT_NOT_NULL(strstr(output, "rxconf: sw txconf: sw"));
	EXPECT_EQ(1, daemon_sessions(&agent, 1));
	sessions = daemon_ask(&agent, "sessions");
	only = json_array_get(sessions, 0);
	EXPECT_STREQ("adopt", journal_text(only, "delivery"));
	EXPECT_STREQ(client, journal_text(only, "peer"));
	EXPECT_TRUE(json_is_true(json_object_get(only, "ktls")));
	json_decref(sessions);
}

static void check_ended(const struct peer_result *result)
{
	json_t *record = daemon_record(&agent, "ended", result->local);

	ASSERT_NOT_NULL(record);
	EXPECT_STREQ("closed", journal_text(record, "reason"));
	EXPECT_LE(result->sent, journal_number(record, "bytes_in"));
	EXPECT_LE(result->received, journal_number(record, "bytes_out"));
	json_decref(record);
	EXPECT_EQ(0, daemon_sessions(&agent, 0));
}

/* both at once, until the app has said all; the client goes on alone */
TEST_F_TIMEOUT(adopted, both_ways_and_the_app_ends_first, 60)
{
	const struct peer_result *result;
	json_t *end;

	check_is_the_apps(&self->app, peer_result(self->peer)->local);
	bulk_send(self->peer, SIZE / 2, variant->width);
	ASSERT_OK(peer_step(self->peer, "drain"));
	/* the kernel sends no close_notify by itself */
	EXPECT_EQ(PEER_FIN, peer_result(self->peer)->close);
	bulk_send(self->peer, SIZE / 2, variant->width);
	ASSERT_OK(peer_step(self->peer, "fin"));
	result = peer_result(self->peer);
	EXPECT_STREQ(variant->cipher, result->cipher);
	EXPECT_EQ(SIZE, result->received);
	end = plain_app_end(&self->app, result->local);
	ASSERT_NOT_NULL(end);
	EXPECT_EQ(SIZE, journal_number(end, "received"));
	EXPECT_STREQ(result->sent_sha256, journal_text(end, "received_sha256"));
	EXPECT_EQ(SIZE, journal_number(end, "sent"));
	EXPECT_STREQ(journal_text(end, "sent_sha256"), result->received_sha256);
	EXPECT_STREQ("eof", journal_text(end, "end"));
	json_decref(end);
	check_ended(result);
}

FIXTURE(spliced) {
	struct plain_app app;
	struct peer *peer;
};

FIXTURE_VARIANT(spliced) {
	const char *cipher;
	int version;
	int width;
};

FIXTURE_VARIANT_ADD(spliced, tls13_600) {
	.cipher = "TLS_AES_128_GCM_SHA256",
	.version = TLS1_3_VERSION,
	.width = 600,
};

FIXTURE_VARIANT_ADD(spliced, tls13_16k) {
	.cipher = "TLS_AES_128_GCM_SHA256",
	.version = TLS1_3_VERSION,
	.width = 16384,
};

FIXTURE_VARIANT_ADD(spliced, tls12_16k) {
	.cipher = "ECDHE-ECDSA-AES256-GCM-SHA384",
	.version = TLS1_2_VERSION,
	.width = 16384,
};

FIXTURE_SETUP(spliced)
{
	skip_without(KTLS_SPLICE_RX);
	skip_without(KTLS_SPLICE_TX);
	self->peer = open_session(&self->app, "splice", variant->version, variant->cipher);
}

FIXTURE_TEARDOWN(spliced)
{
	peer_free(self->peer);
	if (self->app.pid)
		process_end(self->app.pid, SIGKILL, LIMIT_MS);
}

/* the client compares every byte that comes back */
TEST_F_TIMEOUT(spliced, through_a_pipe, 60)
{
	const struct peer_result *result;
	json_t *end;

	check_is_the_apps(&self->app, peer_result(self->peer)->local);
	ASSERT_OK(peer_step(self->peer, "echo:%d:%d", SIZE, variant->width));
	ASSERT_OK(peer_step(self->peer, "fin"));
	ASSERT_OK(peer_step(self->peer, "drain"));
	result = peer_result(self->peer);
	EXPECT_STREQ(variant->cipher, result->cipher);
	EXPECT_EQ(SIZE, result->received);
	EXPECT_STREQ(result->sent_sha256, result->received_sha256);
	end = plain_app_end(&self->app, result->local);
	ASSERT_NOT_NULL(end);
	EXPECT_EQ(SIZE, journal_number(end, "received"));
	EXPECT_EQ(SIZE, journal_number(end, "sent"));
	EXPECT_STREQ("eof", journal_text(end, "end"));
	json_decref(end);
	check_ended(result);
}

HARNESS_MAIN
