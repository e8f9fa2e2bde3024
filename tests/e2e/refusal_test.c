// SPDX-License-Identifier: Apache-2.0
/* Who gets in, and who does not: every certificate of the test PKI at every level. */
#include <errno.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/e2e/daemon.h"
#include "tests/e2e/journal.h"
#include "tests/e2e/plain_app.h"
#include "tests/e2e/site.h"
#include "tests/harness.h"
#include "userspace/alert.h"

static struct daemon agent;
static struct plain_app app;

HARNESS_PREPARE
{
	site_prepare();
	daemon_start(&agent, &(struct daemon_options){ 0 });
	plain_app_start(&app, DAEMON_PORT, "echo");
}

HARNESS_FINISH
{
	daemon_retire(&agent);
}

HARNESS_EXPLAIN
{
	daemon_explain(&agent);
}

/* how far up a line's level is; every level holds what those below it ask for */
enum rank { RANK_NONE, RANK_LOW, RANK_MEDIUM, RANK_HIGH, RANK_REMOTE };

static const struct {
	enum rank rank;
	bool remote; /* and the names are checked */
} lines[SITE_LINE_COUNT] = {
	[SITE_NONE] = { RANK_NONE, false },
	[SITE_LOW] = { RANK_LOW, false },
	[SITE_MEDIUM] = { RANK_MEDIUM, false },
	[SITE_HIGH] = { RANK_HIGH, false },
	[SITE_MEDIUM_REMOTE] = { RANK_MEDIUM, true },
	[SITE_HIGH_REMOTE] = { RANK_HIGH, true },
	[SITE_PHONES] = { RANK_MEDIUM, false },
	[SITE_IP_OFFICE] = { RANK_MEDIUM, false },
};

FIXTURE(certificate) {
	int accepts; /* that the app has seen so far */
};

FIXTURE_VARIANT(certificate) {
	const char *name; /* NULL: none is shown */
	int version; /* 0: what both sides like best */
	enum rank from; /* the lowest level that refuses it, ... */
	const char *alert, *check; /* ... how and why; NULL: none does */
	bool other_domain; /* it does not speak for the domain that remote lines ask for */
};

FIXTURE_VARIANT_ADD(certificate, none) {
	.name = NULL,
	.from = RANK_NONE,
	.alert = "certificate_required",
	.check = "certificate-present",
};

/* RFC 5246 has no certificate_required */
FIXTURE_VARIANT_ADD(certificate, none_tls12) {
	.name = NULL,
	.version = TLS1_2_VERSION,
	.from = RANK_NONE,
	.alert = "handshake_failure",
	.check = "certificate-present",
};

FIXTURE_VARIANT_ADD(certificate, good) {
	.name = "good",
};

FIXTURE_VARIANT_ADD(certificate, good_tls12) {
	.name = "good",
	.version = TLS1_2_VERSION,
};

FIXTURE_VARIANT_ADD(certificate, good_rsa) {
	.name = "good-rsa",
};

FIXTURE_VARIANT_ADD(certificate, good_ed25519) {
	.name = "good-ed25519",
};

FIXTURE_VARIANT_ADD(certificate, expired) {
	.name = "expired",
	.from = RANK_NONE,
	.alert = "certificate_expired",
	.check = "in-date",
};

FIXTURE_VARIANT_ADD(certificate, expired_tls12) {
	.name = "expired",
	.version = TLS1_2_VERSION,
	.from = RANK_NONE,
	.alert = "certificate_expired",
	.check = "in-date",
};

FIXTURE_VARIANT_ADD(certificate, not_yet_valid) {
	.name = "not-yet-valid",
	.from = RANK_NONE,
	.alert = "certificate_expired",
	.check = "in-date",
};

/* its key is too short for the signatures of TLS 1.3 */
FIXTURE_VARIANT_ADD(certificate, rsa512) {
	.name = "rsa512",
	.version = TLS1_2_VERSION,
	.from = RANK_LOW,
	.alert = "bad_certificate",
	.check = "key-1024",
};

FIXTURE_VARIANT_ADD(certificate, rsa1024) {
	.name = "rsa1024",
	.from = RANK_HIGH,
	.alert = "bad_certificate",
	.check = "key-2048",
};

FIXTURE_VARIANT_ADD(certificate, rsa2048_not_in_store) {
	.name = "rsa2048",
};

FIXTURE_VARIANT_ADD(certificate, unknown_ca) {
	.name = "unknown-ca",
	.from = RANK_MEDIUM,
	.alert = "unknown_ca",
	.check = "trust-chain",
};

FIXTURE_VARIANT_ADD(certificate, self_signed) {
	.name = "self-signed",
	.from = RANK_MEDIUM,
	.alert = "unknown_ca",
	.check = "trust-chain",
};

FIXTURE_VARIANT_ADD(certificate, expired_intermediate) {
	.name = "expired-intermediate",
	.from = RANK_MEDIUM,
	.alert = "certificate_expired",
	.check = "trust-chain",
};

FIXTURE_VARIANT_ADD(certificate, no_key_usage) {
	.name = "no-key-usage",
	.from = RANK_MEDIUM,
	.alert = "unsupported_certificate",
	.check = "key-usage",
};

FIXTURE_VARIANT_ADD(certificate, wrong_eku) {
	.name = "wrong-eku",
	.from = RANK_MEDIUM,
	.alert = "unsupported_certificate",
	.check = "purpose",
};

FIXTURE_VARIANT_ADD(certificate, server_only) {
	.name = "server-only",
	.from = RANK_MEDIUM,
	.alert = "unsupported_certificate",
	.check = "purpose",
};

FIXTURE_VARIANT_ADD(certificate, unknown_critical) {
	.name = "unknown-critical",
	.from = RANK_MEDIUM,
	.alert = "unsupported_certificate",
	.check = "critical-extensions",
};

FIXTURE_VARIANT_ADD(certificate, crl_sign_only) {
	.name = "crl-sign-only",
	.from = RANK_MEDIUM,
	.alert = "unsupported_certificate",
	.check = "purpose",
};

FIXTURE_VARIANT_ADD(certificate, wrong_domain) {
	.name = "wrong-domain",
	.other_domain = true,
};

/* our own, shown to us */
FIXTURE_VARIANT_ADD(certificate, reflected) {
	.name = "server",
	.from = RANK_HIGH,
	.alert = "bad_certificate",
	.check = "not-reflected",
	.other_domain = true,
};

struct expectation {
	const char *alert, *check; /* NULL: accepted */
};

/* the line whose level is the next lower one, and which may say the same */
static const enum site_line below[SITE_LINE_COUNT] = {
	[SITE_NONE] = SITE_NONE,
	[SITE_LOW] = SITE_NONE,
	[SITE_MEDIUM] = SITE_LOW,
	[SITE_HIGH] = SITE_MEDIUM,
	[SITE_MEDIUM_REMOTE] = SITE_MEDIUM,
	[SITE_HIGH_REMOTE] = SITE_HIGH,
	[SITE_PHONES] = SITE_MEDIUM,
	[SITE_ADMIN] = SITE_HIGH,
	[SITE_IP_OFFICE] = SITE_MEDIUM,
};

static bool is_pinned(const char *name)
{
	for (const char *const *pinned = site_pinned; *pinned; pinned++)
		if (strcmp(*pinned, name) == 0)
			return true;
	return false;
}

static struct expectation expect(FIXTURE_VARIANT(certificate) const *variant, enum site_line line)
{
	if (line == SITE_ADMIN || (line == SITE_PHONES && !variant->name))
		return (struct expectation){ NULL, NULL };
	if (variant->check && lines[line].rank >= variant->from)
		return (struct expectation){ variant->alert, variant->check };
	if (lines[line].rank == RANK_HIGH && !is_pinned(variant->name))
		return (struct expectation){ "bad_certificate", "in-store" };
	if (lines[line].remote && variant->other_domain)
		return (struct expectation){ "bad_certificate", "sip-domain" };
	return (struct expectation){ NULL, NULL };
}

static bool is_change(FIXTURE_VARIANT(certificate) const *variant, enum site_line line)
{
	return !expect(variant, line).check != !expect(variant, below[line]).check;
}

/* whether the answer changes between a line and the one below it, or one above */
static bool is_telling(FIXTURE_VARIANT(certificate) const *variant, enum site_line line)
{
	for (enum site_line above = 0; above < SITE_LINE_COUNT; above++)
		if (below[above] == line && is_change(variant, above))
			return true;
	return line == SITE_NONE || line == SITE_HIGH_REMOTE || is_change(variant, line);
}

/* the reason that a record gives for a check which failed; "": it did not fail */
static const char *failed_reason(const json_t *record, const char *name)
{
	json_t *check;
	size_t i;

	json_array_foreach(json_object_get(record, "checks"), i, check)
		if (strcmp(journal_text(check, "check"), name) == 0 &&
		    strcmp(journal_text(check, "outcome"), "failed") == 0)
			return journal_text(check, "reason");
	return "";
}

static void check_line(const json_t *record, enum site_line line)
{
	char name[64];

	snprintf(name, sizeof(name), "%s-%u", site_line_name(line), DAEMON_PORT);
	EXPECT_STREQ(name, journal_text(record, "line"));
}

static void check_refused(struct peer *peer, enum site_line line, struct expectation expected)
{
	const struct peer_result *result = peer_result(peer);
	json_t *record = daemon_record(&agent, "refused", result->local);

	EXPECT_STREQ(expected.alert, result->alert < 0 ? "none" : alert_name(result->alert));
	EXPECT_EQ(PEER_FIN, result->transport);
	EXPECT_EQ(0, result->received);
	ASSERT_NOT_NULL(record);
	check_line(record, line);
	EXPECT_STREQ(expected.alert, journal_text(record, "alert"));
	EXPECT_STRNE("", failed_reason(record, expected.check));
	EXPECT_STREQ(failed_reason(record, expected.check), journal_text(record, "reason"));
	EXPECT_EQ(1, journal_count(agent.audit, JOURNAL_WANT({ "peer", result->local })));
	json_decref(record);
}

static void check_accepted(struct peer *peer, enum site_line line)
{
	const struct peer_result *result = peer_result(peer);
	json_t *record = daemon_record(&agent, "accepted", result->local);
	json_t *end = plain_app_end(&app, result->local);

	EXPECT_OK(result->error);
	EXPECT_EQ(-1, result->alert);
	EXPECT_EQ(PEER_CLOSE_NOTIFY, result->close);
	EXPECT_STREQ(result->sent_sha256, journal_text(end, "received_sha256"));
	ASSERT_NOT_NULL(record);
	check_line(record, line);
	EXPECT_EQ(site_has_kernel_tls(), json_is_true(json_object_get(record, "ktls")));
	json_decref(record);
	json_decref(end);
}

FIXTURE_SETUP(certificate)
{
	self->accepts = plain_app_accepts(&app);
}

FIXTURE_TEARDOWN(certificate)
{
}

/*
 * Each comes with data at once, which a refused client's app never sees. An emulated machine
 * is slow: there only the lines have their turn between which the answer changes.
 */
TEST_F(certificate, at_every_level)
{
	for (enum site_line line = 0; line < SITE_LINE_COUNT; line++) {
		struct peer_options options = site_client(line, DAEMON_PORT, variant->name);
		struct expectation expected = expect(variant, line);
		struct peer *peer;

		if (harness_time_scale() > 1 && !is_telling(variant, line))
			continue;
		options.min_version = options.max_version = variant->version;
		if (peer_open(&options, &peer) == 0)
			peer_step(peer, expected.check ? "text:hello" : "echo:5");
		ASSERT_NOT_NULL(peer);
		if (!expected.check)
			peer_step(peer, "close_notify");
		peer_step(peer, "drain");
		if (expected.check)
			check_refused(peer, line, expected);
		else
			check_accepted(peer, line);
		self->accepts += !expected.check;
		EXPECT_EQ(self->accepts, plain_app_accepts(&app));
		peer_free(peer);
		ASSERT_FALSE(harness_has_failed()) {
			TH_LOG("that was on line %s", site_line_name(line));
		}
	}
}

TEST(nobodys_address_is_reset)
{
	struct peer_options options = site_client(SITE_NOWHERE, DAEMON_PORT, "good");
	int accepts = plain_app_accepts(&app);
	struct peer *peer;
	json_t *record;

	EXPECT_EQ(-ECONNRESET, peer_open(&options, &peer));
	record = daemon_record(&agent, "failed", options.source);
	ASSERT_NOT_NULL(record);
	EXPECT_STREQ("no line claims this address", journal_text(record, "reason"));
	EXPECT_STREQ("", journal_text(record, "line"));
	EXPECT_EQ(accepts, plain_app_accepts(&app));
	json_decref(record);
	peer_free(peer);
}

HARNESS_MAIN
