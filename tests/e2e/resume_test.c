// SPDX-License-Identifier: Apache-2.0
/*
 * TLS sessions that are resumed, and those that are not: a certificate that was good when the
 * session began is judged again when it goes on.
 */
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/e2e/daemon.h"
#include "tests/e2e/dial.h"
#include "tests/e2e/far_server.h"
#include "tests/e2e/journal.h"
#include "tests/e2e/plain_app.h"
#include "tests/e2e/site.h"
#include "tests/e2e/site_pki.h"
#include "tests/e2e/visitor.h"
#include "tests/harness.h"

#define OTHER_PORT 5062
#define FAR_PORT 5071

static struct daemon agent;
static struct plain_app app, other_app;

HARNESS_PREPARE
{
	static const uint16_t ports[] = { DAEMON_PORT, OTHER_PORT, 0 };
	static const char *const addresses[] = { "2001:db8:1::1", "2001:db8:3::1", "2001:db8:41::1" };
	static char settings[2048];

	site_prepare();
	for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++)
		site_take_address(addresses[i]);
	snprintf(settings, sizeof(settings),
		 "pbx \"app\" { cgroup = \"/%s\" }\n"
		 "line \"unresumed\" { function = sip-line port = 5061 remote = 127.0.40.0/24 "
		 "level = medium resumption = no }\n"
		 "line \"out\" { function = sip-line direction = outbound port = 5071 "
		 "remote = { 127.0.41.0/24, 2001:db8:41::/48 } level = medium }\n",
		 strrchr(getenv("STAGE_CGROUP"), '/') + 1);
	daemon_start(&agent, &(struct daemon_options){ .settings = settings, .ports = ports });
	plain_app_start(&app, DAEMON_PORT, "echo [::1]:5061");
	plain_app_start(&other_app, OTHER_PORT, "echo [::1]:5062");
}

HARNESS_FINISH
{
	daemon_retire(&agent);
}

HARNESS_EXPLAIN
{
	daemon_explain(&agent);
}

static void expect_record(const struct visitor *visitor, const char *event, bool resumed)
{
	json_t *record = daemon_record(&agent, event, visitor->source);

	ASSERT_NOT_NULL(record);
	EXPECT_EQ(resumed, json_is_true(json_object_get(record, "resumed")));
	json_decref(record);
}

/* what address families may have to do with, in both of them */
FIXTURE(resumption) {
	struct visitor visitor;
};

FIXTURE_VARIANT(resumption) {
	int version;
	bool ip6;
};

FIXTURE_VARIANT_ADD(resumption, ipv4_tls13) {
	.version = TLS1_3_VERSION,
};

FIXTURE_VARIANT_ADD(resumption, ipv4_tls12) {
	.version = TLS1_2_VERSION,
};

FIXTURE_VARIANT_ADD(resumption, ipv6_tls13) {
	.version = TLS1_3_VERSION,
	.ip6 = true,
};

FIXTURE_VARIANT_ADD(resumption, ipv6_tls12) {
	.version = TLS1_2_VERSION,
	.ip6 = true,
};

FIXTURE_SETUP(resumption)
{
	visitor_make(&self->visitor, "good", variant->version);
}

FIXTURE_TEARDOWN(resumption)
{
	visitor_free(&self->visitor);
}

static const char *source_of(enum site_line line, bool ip6)
{
	return ip6 ? site_source6(line) : site_source(line);
}

TEST_F(resumption, is_resumed_again_and_again)
{
	const char *source = source_of(SITE_MEDIUM, variant->ip6);
	json_t *record, *certificate;

	ASSERT_TRUE(visitor_visit(&self->visitor, source, DAEMON_PORT));
	EXPECT_FALSE(self->visitor.resumed);
	for (int i = 0; i < 5; i++) {
		ASSERT_TRUE(visitor_visit(&self->visitor, source, DAEMON_PORT));
		ASSERT_TRUE(self->visitor.resumed);
	}
	expect_record(&self->visitor, "accepted", true);
	/* it says whose it is, and what was found, as at its beginning */
	record = daemon_record(&agent, "accepted", self->visitor.source);
	certificate = json_object_get(record, "certificate");
	EXPECT_NOT_NULL(strstr(journal_text(certificate, "subject"), "CN="));
	EXPECT_LT(4, json_array_size(json_object_get(record, "checks")));
	json_decref(record);
}

/* Level none would take anybody's; what began there goes on nowhere else. */
TEST_F(resumption, of_another_line_is_not)
{
	const char *medium = source_of(SITE_MEDIUM, variant->ip6);
	const char *none = source_of(SITE_NONE, variant->ip6);

	ASSERT_TRUE(visitor_visit(&self->visitor, none, DAEMON_PORT));
	ASSERT_TRUE(visitor_visit(&self->visitor, medium, DAEMON_PORT));
	EXPECT_FALSE(self->visitor.resumed);
	ASSERT_TRUE(visitor_visit(&self->visitor, medium, OTHER_PORT));
	EXPECT_FALSE(self->visitor.resumed);
	expect_record(&self->visitor, "accepted", false);
}

/* As a client: the far server says whether it was resumed. */
TEST_F(resumption, of_ours_with_a_server)
{
	struct far_server_options options = { .host = variant->ip6 ? "2001:db8:41::1" :
							      "127.0.41.1",
					      .port = FAR_PORT,
					      .certificate = "good",
					      .max_version = variant->version,
					      .tickets = true };
	struct far_server far;
	struct dialled dialled;
	long long limit;
	int resumed;

	far_server_start(&far, &options);
	for (int i = 0; i < 6; i++) {
		dialled = dial(&(struct dial){ .host = options.host, .port = options.port });
		ASSERT_EQ(0, dialled.error);
		dial_echo(&dialled, "once more");
		close(dialled.fd);
		/* it serves one after the other */
		limit = process_now_ms() + 10000 * harness_time_scale();
		while (journal_count(far.log, JOURNAL_WANT({ "event", "end" })) <= i &&
		       process_now_ms() < limit)
			process_sleep_ms(5);
	}
	EXPECT_EQ(6, journal_count(far.log, JOURNAL_WANT({ "event", "end" })));
	resumed = journal_count(far.log, JOURNAL_WANT({ "event", "end" }, { "resumed", "1" }));
	/* each worker has its own, and two of them take turns as they please */
	EXPECT_LE(3, resumed);
	far_server_end(&far);
}

FIXTURE(session) {
	struct visitor visitor;
};

FIXTURE_VARIANT(session) {
	int version;
};

FIXTURE_VARIANT_ADD(session, tls13) {
	.version = TLS1_3_VERSION,
};

FIXTURE_VARIANT_ADD(session, tls12) {
	.version = TLS1_2_VERSION,
};

FIXTURE_SETUP(session)
{
	visitor_make(&self->visitor, "good", variant->version);
}

FIXTURE_TEARDOWN(session)
{
	visitor_free(&self->visitor);
}

TEST_F(session, of_a_line_without_resumption_is_not)
{
	ASSERT_TRUE(visitor_visit(&self->visitor, "127.0.40.1", DAEMON_PORT));
	ASSERT_TRUE(visitor_visit(&self->visitor, "127.0.40.1", DAEMON_PORT));
	EXPECT_FALSE(self->visitor.resumed);
}

/* A phone's session has no certificate, and needs none. */
TEST_F(session, without_a_certificate)
{
	struct visitor phone;

	visitor_make(&phone, NULL, variant->version);
	ASSERT_TRUE(visitor_visit(&phone, site_source(SITE_PHONES), DAEMON_PORT));
	ASSERT_TRUE(visitor_visit(&phone, site_source(SITE_PHONES), DAEMON_PORT));
	EXPECT_TRUE(phone.resumed);
	/* but is of no use where one is needed */
	EXPECT_FALSE(visitor_visit(&phone, site_source(SITE_MEDIUM), DAEMON_PORT));
	expect_record(&phone, "refused", false);
	visitor_free(&phone);
}

/* A copy of a certificate with another end, in "brief.pem" with its issuer's and its key. */
static void issue_brief(const char *like, time_t until)
{
	EVP_PKEY *issuer_key = site_pki_key("intermediate"), *key = site_pki_key(like);
	X509 *issuer = site_pki_certificate("intermediate");
	X509 *certificate = site_pki_certificate(like);
	FILE *file;

	ASSERT_NOT_NULL(ASN1_TIME_set(X509_getm_notAfter(certificate), until));
	ASSERT_LT(0, X509_sign(certificate, issuer_key, EVP_sha256()));
	file = fopen(site_file("pki/brief.pem"), "we");
	ASSERT_NOT_NULL(file);
	PEM_write_X509(file, certificate);
	PEM_write_X509(file, issuer);
	fclose(file);
	file = fopen(site_file("pki/brief.key"), "we");
	ASSERT_NOT_NULL(file);
	PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
	fclose(file);
	EVP_PKEY_free(issuer_key);
	EVP_PKEY_free(key);
	X509_free(issuer);
	X509_free(certificate);
}

/* With the clock's help: good, resumed, and past its last second refused. */
TEST_F_TIMEOUT(session, of_a_certificate_that_has_expired_is_not, 60)
{
	time_t until = time(NULL) + 3 * harness_time_scale();
	struct visitor brief;
	json_t *record;

	issue_brief("good", until);
	visitor_make(&brief, "brief", variant->version);
	ASSERT_TRUE(visitor_visit(&brief, site_source(SITE_MEDIUM), DAEMON_PORT));
	if (time(NULL) < until - 1) {
		ASSERT_TRUE(visitor_visit(&brief, site_source(SITE_MEDIUM), DAEMON_PORT));
		EXPECT_TRUE(brief.resumed);
	}
	while (time(NULL) <= until)
		process_sleep_ms(50);
	EXPECT_FALSE(visitor_visit(&brief, site_source(SITE_MEDIUM), DAEMON_PORT));
	EXPECT_FALSE(brief.resumed);
	record = daemon_record(&agent, "refused", brief.source);
	ASSERT_NOT_NULL(record);
	EXPECT_STREQ("expired", journal_text(record, "refusal"));
	EXPECT_STREQ("certificate_expired", journal_text(record, "alert"));
	json_decref(record);
	visitor_free(&brief);
}

/* A server that fails when a session comes back, as many do: no app gets to feel it. */
TEST_F(session, that_a_server_chokes_on)
{
	/* each its own: a worker remembers */
	const char *host = variant->version == TLS1_3_VERSION ? "127.0.41.3" : "127.0.41.2";
	struct far_server_options options = { .host = host,
					      .port = FAR_PORT,
					      .certificate = "good",
					      .max_version = variant->version,
					      .asks = true,
					      .tickets = true,
					      .forgets = true };
	struct far_server far;
	struct dialled dialled;

	int choked = 0;

	far_server_start(&far, &options);
	/* until it has: a session whose connection was reset is not offered */
	for (int i = 0; !choked && i < 30; i++) {
		dialled = dial(&(struct dial){ .host = options.host, .port = options.port });
		ASSERT_EQ(0, dialled.error);
		dial_echo(&dialled, "whatever it takes");
		ASSERT_OK(shutdown(dialled.fd, SHUT_WR));
		EXPECT_EQ(0, dial_end(&dialled));
		close(dialled.fd);
		choked = journal_count(far.log, JOURNAL_WANT({ "event", "end" },
							     { "received", "0" }));
	}
	EXPECT_LE(1, choked);
	far_server_end(&far);
}

HARNESS_MAIN
