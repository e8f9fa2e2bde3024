// SPDX-License-Identifier: Apache-2.0
/*
 * Sessions that were good when they began, under another policy: what has changed since refuses
 * them when they come back, for its own reason: after a restart, and after a reload.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/e2e/daemon.h"
#include "tests/e2e/journal.h"
#include "tests/e2e/plain_app.h"
#include "tests/e2e/site.h"
#include "tests/e2e/site_pki.h"
#include "tests/e2e/visitor.h"
#include "tests/harness.h"

#define LINE_MEDIUM "127.0.42.1"
#define LINE_MEDIUM6 "2001:db8:42::1"
#define LINE_HIGH "127.0.43.1"

static struct plain_app app;

HARNESS_PREPARE
{
	site_prepare();
	site_take_address(LINE_MEDIUM6);
	plain_app_start(&app, DAEMON_PORT, "echo [::1]:5061");
}

static const char lines[] = "line \"changing\" { function = sip-line port = 5061 "
			    "remote = { 127.0.42.0/24, 2001:db8:42::/48 } level = medium }\n"
			    "line \"changing-high\" { function = sip-line port = 5061 "
			    "remote = 127.0.43.0/24 level = high }\n";

FIXTURE(trust) {
	struct daemon agent;
	struct visitor visitor;
};

FIXTURE_VARIANT(trust) {
	int version;
	const char *source;
	/* in the daemon's configuration; "@" stands for the stage's folder */
	const char *from, *to;
	const char *check; /* that fails now */
};

#define TRUST_VARIANTS(name, ...)                                                                  \
	FIXTURE_VARIANT_ADD(trust, name##_tls13) { .version = TLS1_3_VERSION, __VA_ARGS__ };       \
	FIXTURE_VARIANT_ADD(trust, name##_tls12) { .version = TLS1_2_VERSION, __VA_ARGS__ }

TRUST_VARIANTS(nothing, .source = LINE_MEDIUM);
TRUST_VARIANTS(authority_removed, .source = LINE_MEDIUM, .from = "\"@/trusted\"",
	       .to = "\"@/pki/other-root.pem\"", .check = "trust-chain");
TRUST_VARIANTS(copy_removed, .source = LINE_HIGH, .from = "\"@/trusted\"",
	       .to = "\"@/pki/root.pem\"", .check = "in-store");
TRUST_VARIANTS(revoked, .source = LINE_MEDIUM, .from = "\"@/trusted\"",
	       .to = "\"@/revoked\"", .check = "trust-chain");
/* of line "changing" */
#define LEVEL_RAISED                                                                               \
	.from = "} level = medium",                                                                \
	.to = "} level = medium+remote sip-domains = \"elsewhere.test\"", .check = "sip-domain"
TRUST_VARIANTS(level_raised, .source = LINE_MEDIUM, LEVEL_RAISED);
TRUST_VARIANTS(level_raised_ipv6, .source = LINE_MEDIUM6, LEVEL_RAISED);

FIXTURE_SETUP(trust)
{
	visitor_make(&self->visitor, "good", variant->version);
	daemon_start(&self->agent, &(struct daemon_options){ .settings = lines });
}

FIXTURE_TEARDOWN(trust)
{
	visitor_free(&self->visitor);
	EXPECT_EQ(0, daemon_end(&self->agent, SIGTERM));
	if (harness_has_failed())
		daemon_explain(&self->agent);
}

/* A store that has the root, and a list of the intermediate authority with one name on it. */
static void make_revoked(void)
{
	static const char *const names[] = { "good", NULL };

	mkdir(site_file("revoked"), 0755);
	site_trust("revoked", "root");
	site_pki_revoke(site_file("revoked/intermediate.crl"), names);
}

/* check: that refuses now; NULL: none does */
static void check_verdict(const struct daemon *agent, const struct visitor *visitor,
			  const char *check)
{
	json_t *record = daemon_record(agent, check ? "refused" : "accepted", visitor->source);
	json_t *checks, *each;
	const char *failed = "";
	size_t i;

	ASSERT_NOT_NULL(record);
	checks = json_object_get(record, "checks");
	json_array_foreach(checks, i, each)
		if (!*failed && !strcmp(journal_text(each, "outcome"), "failed"))
			failed = journal_text(each, "check");
	EXPECT_STREQ(check ? check : "", failed);
	json_decref(record);
}

static void come_twice(struct visitor *visitor, const char *source)
{
	ASSERT_TRUE(visitor_visit(visitor, source, DAEMON_PORT));
	ASSERT_TRUE(visitor_visit(visitor, source, DAEMON_PORT));
	EXPECT_TRUE(visitor->resumed);
	make_revoked();
}

TEST_F_TIMEOUT(trust, that_is_gone, 60)
{
	come_twice(&self->visitor, variant->source);
	EXPECT_EQ(0, daemon_end(&self->agent, SIGTERM));
	if (variant->from)
		daemon_change(&self->agent, variant->from, variant->to);
	ASSERT_OK(daemon_launch(&self->agent));
	/* what was given out before is worth nothing, whatever has changed */
	EXPECT_EQ(!variant->check,
		  visitor_visit(&self->visitor, variant->source, DAEMON_PORT));
	EXPECT_FALSE(self->visitor.resumed);
	check_verdict(&self->agent, &self->visitor, variant->check);
}

/* A session that is kept is judged by the policy of the day on which it is used. */
TEST_F_TIMEOUT(trust, that_goes_meanwhile, 60)
{
	come_twice(&self->visitor, variant->source);
	if (variant->from)
		daemon_change(&self->agent, variant->from, variant->to);
	ASSERT_EQ(0, daemon_reload(&self->agent, NULL));
	EXPECT_EQ(!variant->check,
		  visitor_visit(&self->visitor, variant->source, DAEMON_PORT));
	EXPECT_EQ(!variant->check, self->visitor.resumed);
	check_verdict(&self->agent, &self->visitor, variant->check);
}

HARNESS_MAIN
