// SPDX-License-Identifier: Apache-2.0
/* What TLS is spoken, whether the kernel has it, and what becomes of a KeyUpdate. */
#include <errno.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "tests/e2e/daemon.h"
#include "tests/e2e/journal.h"
#include "tests/e2e/plain_app.h"
#include "tests/e2e/site.h"
#include "tests/harness.h"
#include "userspace/alert.h"

#define RSA_PORT 5062

static struct daemon ecdsa, rsa;
static struct plain_app app, rsa_app;

HARNESS_PREPARE
{
	static const uint16_t rsa_ports[] = { RSA_PORT, 0 };
	char pins[PROCESS_PATH_MAX + 8];

	site_prepare();
	daemon_start(&ecdsa, &(struct daemon_options){ .settings = "workers = 1" });
	/* beside the other one, which must not mind */
	snprintf(pins, sizeof(pins), "%s-rsa", ecdsa.pins);
	daemon_start(&rsa, &(struct daemon_options){ .name = "rsa",
						     .ports = rsa_ports,
						     .identity = "server-rsa",
						     .settings = "workers = 1",
						     .pins = pins });
	plain_app_start(&app, DAEMON_PORT, "echo");
	plain_app_start(&rsa_app, RSA_PORT, "echo");
}

HARNESS_FINISH
{
	const char *const detach[] = { process_build_path("tools/linewarden"), "detach", "--pins",
				       rsa.pins, NULL };

	daemon_retire(&ecdsa);
	daemon_retire(&rsa);
	/* else its port stays closed, for all of this stage */
	EXPECT_OK(process_run(NULL, detach));
}

HARNESS_EXPLAIN
{
	daemon_explain(&ecdsa);
	daemon_explain(&rsa);
}

FIXTURE(cipher) {
	struct daemon *daemon;
	struct peer *peer;
};

FIXTURE_VARIANT(cipher) {
	int version;
	bool rsa; /* this host's identity */
	const char *name;
};

FIXTURE_VARIANT_ADD(cipher, tls13_aes128) {
	.version = TLS1_3_VERSION,
	.name = "TLS_AES_128_GCM_SHA256",
};

FIXTURE_VARIANT_ADD(cipher, tls13_aes256) {
	.version = TLS1_3_VERSION,
	.name = "TLS_AES_256_GCM_SHA384",
};

FIXTURE_VARIANT_ADD(cipher, tls13_chacha20) {
	.version = TLS1_3_VERSION,
	.name = "TLS_CHACHA20_POLY1305_SHA256",
};

FIXTURE_VARIANT_ADD(cipher, tls13_rsa_aes128) {
	.version = TLS1_3_VERSION,
	.rsa = true,
	.name = "TLS_AES_128_GCM_SHA256",
};

FIXTURE_VARIANT_ADD(cipher, tls12_ecdsa_aes128) {
	.version = TLS1_2_VERSION,
	.name = "ECDHE-ECDSA-AES128-GCM-SHA256",
};

FIXTURE_VARIANT_ADD(cipher, tls12_ecdsa_aes256) {
	.version = TLS1_2_VERSION,
	.name = "ECDHE-ECDSA-AES256-GCM-SHA384",
};

FIXTURE_VARIANT_ADD(cipher, tls12_ecdsa_chacha20) {
	.version = TLS1_2_VERSION,
	.name = "ECDHE-ECDSA-CHACHA20-POLY1305",
};

FIXTURE_VARIANT_ADD(cipher, tls12_rsa_aes128) {
	.version = TLS1_2_VERSION,
	.rsa = true,
	.name = "ECDHE-RSA-AES128-GCM-SHA256",
};

FIXTURE_VARIANT_ADD(cipher, tls12_rsa_aes256) {
	.version = TLS1_2_VERSION,
	.rsa = true,
	.name = "ECDHE-RSA-AES256-GCM-SHA384",
};

FIXTURE_VARIANT_ADD(cipher, tls12_rsa_chacha20) {
	.version = TLS1_2_VERSION,
	.rsa = true,
	.name = "ECDHE-RSA-CHACHA20-POLY1305",
};

FIXTURE_SETUP(cipher)
{
	struct peer_options options =
		site_client(SITE_MEDIUM, variant->rsa ? RSA_PORT : DAEMON_PORT, "good");

	self->daemon = variant->rsa ? &rsa : &ecdsa;
	options.min_version = options.max_version = variant->version;
	if (variant->version == TLS1_3_VERSION)
		options.suites = variant->name;
	else
		options.ciphers = variant->name;
	options.ca = site_file("pki/root.pem");
	options.server_name = "pbx.example.test";
	ASSERT_OK(peer_open(&options, &self->peer));
}

FIXTURE_TEARDOWN(cipher)
{
	peer_free(self->peer);
}

TEST_F(cipher, is_spoken)
{
	const struct peer_result *result;
	json_t *record;

	ASSERT_OK(peer_step(self->peer, "echo:50000"));
	result = peer_result(self->peer);
	EXPECT_STREQ(variant->name, result->cipher);
	record = daemon_record(self->daemon, "accepted", result->local);
	EXPECT_STREQ(variant->name, journal_text(record, "cipher"));
	EXPECT_STREQ(result->version, journal_text(record, "tls"));
	json_decref(record);
}

/* what the kernel itself says of a connection to the daemon */
static const char *socket_info(const char *client)
{
	static char output[PROCESS_OUTPUT_MAX];
	char filter[128];
	const char *const argv[] = { "ss", "-Htin", "dst", filter, NULL };

	snprintf(filter, sizeof(filter), "%s", client);
	ASSERT_OK(process_run(output, argv));
	return output;
}

TEST_F(cipher, is_in_the_kernel)
{
	const char *client = peer_result(self->peer)->local, *info;
	json_t *record;

	if (!site_has_kernel_tls())
		SKIP("this kernel has no TLS");
	ASSERT_OK(peer_step(self->peer, "echo:10"));
	info = socket_info(client);
	EXPECT_NOT_NULL(strstr(info, "tcp-ulp-tls")) {
		TH_LOG("%s", info);
	}
	EXPECT_NOT_NULL(strstr(info, "rxconf: sw txconf: sw"));
	record = daemon_record(self->daemon, "accepted", client);
	EXPECT_TRUE(json_is_true(json_object_get(record, "ktls")));
	json_decref(record);
}

FIXTURE(offer) {
	int accepts;
};

FIXTURE_VARIANT(offer) {
	int version;
	const char *ciphers, *suites;
	const char *alert;
};

FIXTURE_VARIANT_ADD(offer, tls10) {
	.version = TLS1_VERSION,
	.alert = "protocol_version",
};

FIXTURE_VARIANT_ADD(offer, tls11) {
	.version = TLS1_1_VERSION,
	.alert = "protocol_version",
};

/* without an AEAD, or without forward secrecy */
FIXTURE_VARIANT_ADD(offer, tls12_cbc) {
	.version = TLS1_2_VERSION,
	.ciphers = "ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA",
	.alert = "handshake_failure",
};

FIXTURE_VARIANT_ADD(offer, tls12_static_rsa) {
	.version = TLS1_2_VERSION,
	.ciphers = "AES128-GCM-SHA256:AES256-GCM-SHA384",
	.alert = "handshake_failure",
};

FIXTURE_VARIANT_ADD(offer, tls13_ccm) {
	.version = TLS1_3_VERSION,
	.suites = "TLS_AES_128_CCM_SHA256",
	.alert = "handshake_failure",
};

FIXTURE_SETUP(offer)
{
	self->accepts = plain_app_accepts(&app);
}

FIXTURE_TEARDOWN(offer)
{
}

TEST_F(offer, is_declined)
{
	struct peer_options options = site_client(SITE_NONE, DAEMON_PORT, "good");
	struct peer *peer;
	json_t *record;

	options.min_version = options.max_version = variant->version;
	options.ciphers = variant->ciphers;
	options.suites = variant->suites;
	EXPECT_EQ(-EPROTO, peer_open(&options, &peer));
	ASSERT_NOT_NULL(peer);
	EXPECT_STREQ(variant->alert, alert_name(peer_result(peer)->alert));
	record = daemon_record(&ecdsa, "failed", options.source);
	ASSERT_NOT_NULL(record);
	EXPECT_STREQ(variant->alert, journal_text(record, "alert"));
	EXPECT_EQ(self->accepts, plain_app_accepts(&app));
	json_decref(record);
	peer_free(peer);
}

/* Linux 6.14: net/tls takes new keys into a session; user space always could */
static bool can_rekey(void)
{
	struct utsname name;
	int major, minor;

	if (!site_has_kernel_tls())
		return true;
	ASSERT_OK(uname(&name));
	ASSERT_EQ(2, sscanf(name.release, "%d.%d", &major, &minor));
	return major > 6 || (major == 6 && minor >= 14);
}

#define CANNOT_REKEY                                                                               \
	"KeyUpdate: this kernel cannot change a session's keys (Linux 6.14 and later can)"

FIXTURE(key_update) {
	struct peer *peer;
	pid_t worker;
};

FIXTURE_SETUP(key_update)
{
	struct peer_options options = site_client(SITE_MEDIUM, DAEMON_PORT, "good");
	pid_t workers[DAEMON_WORKERS_MAX];

	ASSERT_EQ(1, daemon_workers(&ecdsa, workers));
	self->worker = workers[0];
	options.min_version = TLS1_3_VERSION;
	ASSERT_OK(peer_open(&options, &self->peer));
}

FIXTURE_TEARDOWN(key_update)
{
	peer_free(self->peer);
}

TEST_F(key_update, goes_on)
{
	if (!can_rekey())
		SKIP("this kernel cannot change a session's keys");
	for (int i = 0; i < 3; i++) {
		ASSERT_OK(peer_step(self->peer, "echo:30000"));
		ASSERT_OK(peer_step(self->peer, "keyupdate:1"));
		ASSERT_OK(peer_step(self->peer, "echo:30000"));
		ASSERT_OK(peer_step(self->peer, "keyupdate:2:request"));
	}
	ASSERT_OK(peer_step(self->peer, "echo:30000"));
	/* several requests may have one answer: RFC 8446 section 4.6.3 */
	EXPECT_LE(3, peer_result(self->peer)->key_updates_received);
	ASSERT_OK(peer_step(self->peer, "close_notify"));
	ASSERT_OK(peer_step(self->peer, "drain"));
	EXPECT_EQ(PEER_CLOSE_NOTIFY, peer_result(self->peer)->close);
}

/* what came before it arrives, nothing that comes after it, and both ends hear of the end */
TEST_F(key_update, ends_in_order)
{
	const struct peer_result *result;
	json_t *record, *end;

	if (can_rekey())
		SKIP("this kernel can change a session's keys");
	ASSERT_OK(peer_step(self->peer, "echo:5"));
	ASSERT_OK(peer_step(self->peer, "hold"));
	ASSERT_OK(peer_step(self->peer, "text:before"));
	ASSERT_OK(peer_step(self->peer, "keyupdate:1"));
	ASSERT_OK(peer_step(self->peer, "text:after"));
	ASSERT_OK(peer_step(self->peer, "drain"));
	result = peer_result(self->peer);
	EXPECT_EQ(PEER_CLOSE_NOTIFY, result->close);
	end = plain_app_end(&app, result->local);
	EXPECT_EQ(5 + strlen("before"), journal_number(end, "received"));
	EXPECT_STREQ("eof", journal_text(end, "end"));
	record = daemon_record(&ecdsa, "ended", result->local);
	EXPECT_STREQ(CANNOT_REKEY, journal_text(record, "reason"));
	json_decref(record);
	json_decref(end);
}

TEST_F(key_update, storm_is_cut_off)
{
	long cpu_ms = process_cpu_ms(self->worker);
	json_t *record;

	ASSERT_OK(peer_step(self->peer, "echo:5"));
	peer_step(self->peer, "hold");
	ASSERT_OK(peer_step(self->peer, "keyupdate:3000"));
	peer_step(self->peer, "drain");
	record = daemon_record(&ecdsa, "ended", peer_result(self->peer)->local);
	EXPECT_STREQ(can_rekey() ? "too many KeyUpdates" : CANNOT_REKEY,
		     journal_text(record, "reason"));
	EXPECT_GT(200 * harness_time_scale(), process_cpu_ms(self->worker) - cpu_ms);
	json_decref(record);
}

HARNESS_MAIN
