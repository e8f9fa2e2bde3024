// SPDX-License-Identifier: Apache-2.0
/*
 * Sessions that were good when they began, under another policy: what has changed since refuses
 * them when they come back, for its own reason. A change takes a restart of the daemon.
 */
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "tests/e2e/daemon.h"
#include "tests/e2e/journal.h"
#include "tests/e2e/plain_app.h"
#include "tests/e2e/site.h"
#include "tests/e2e/visitor.h"
#include "tests/harness.h"

static struct plain_app app;

HARNESS_PREPARE
{
	site_prepare();
	plain_app_start(&app, DAEMON_PORT, "echo");
}

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

#define LINE_MEDIUM "127.0.42.1"
#define LINE_HIGH "127.0.43.1"

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
TRUST_VARIANTS(level_raised, .source = LINE_MEDIUM, .from = "127.0.42.0/24 level = medium",
	       .to = "127.0.42.0/24 level = medium+remote sip-domains = \"elsewhere.test\"",
	       .check = "sip-domain");

FIXTURE_SETUP(trust)
{
	visitor_make(&self->visitor, "good", variant->version);
	daemon_start(&self->agent, &(struct daemon_options){
					   .settings =
						   "line \"changing\" { function = sip-line port = "
						   "5061 remote = 127.0.42.0/24 level = medium }\n"
						   "line \"changing-high\" { function = sip-line port = "
						   "5061 remote = 127.0.43.0/24 level = high }\n",
				   });
}

FIXTURE_TEARDOWN(trust)
{
	visitor_free(&self->visitor);
	EXPECT_EQ(0, daemon_end(&self->agent, SIGTERM));
	if (harness_has_failed())
		daemon_explain(&self->agent);
}

static X509 *read_certificate(const char *path)
{
	FILE *file = fopen(path, "re");
	X509 *certificate;

	ASSERT_NOT_NULL(file);
	certificate = PEM_read_X509(file, NULL, NULL, NULL);
	fclose(file);
	ASSERT_NOT_NULL(certificate);
	return certificate;
}

/* A store that has the root, and a list of the intermediate authority with one name on it. */
static void make_revoked(void)
{
	X509 *issuer = read_certificate(site_file("pki/intermediate.pem"));
	X509 *good = read_certificate(site_file("pki/good.pem"));
	X509 *root = read_certificate(site_file("pki/root.pem"));
	FILE *file = fopen(site_file("pki/intermediate.key"), "re");
	ASN1_TIME *now = ASN1_TIME_set(NULL, time(NULL) - 60);
	ASN1_TIME *next = ASN1_TIME_set(NULL, time(NULL) + 86400);
	X509_REVOKED *entry = X509_REVOKED_new();
	X509_CRL *crl = X509_CRL_new();
	EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);

	fclose(file);
	X509_CRL_set_version(crl, X509_CRL_VERSION_2);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer));
	X509_CRL_set1_lastUpdate(crl, now);
	X509_CRL_set1_nextUpdate(crl, next);
	X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(good));
	X509_REVOKED_set_revocationDate(entry, now);
	X509_CRL_add0_revoked(crl, entry);
	ASSERT_LT(0, X509_CRL_sign(crl, key, EVP_sha256()));
	mkdir(site_file("revoked"), 0755);
	file = fopen(site_file("revoked/all.pem"), "we");
	ASSERT_NOT_NULL(file);
	PEM_write_X509(file, root);
	PEM_write_X509_CRL(file, crl);
	fclose(file);
	X509_free(issuer);
	X509_free(good);
	X509_free(root);
	X509_CRL_free(crl);
	EVP_PKEY_free(key);
	ASN1_TIME_free(now);
	ASN1_TIME_free(next);
}

/* "@" becomes the stage's folder; static memory, for one call */
static void expand(const char *text, char out[512])
{
	const char *at = strchr(text, '@');

	if (at)
		snprintf(out, 512, "%.*s%s%s", (int)(at - text), text, getenv("STAGE_DIR"), at + 1);
	else
		snprintf(out, 512, "%s", text);
}

static void change_configuration(const struct daemon *agent, const char *from, const char *to)
{
	static char text[65536];
	char path[PROCESS_PATH_MAX], old[512], new[512], *at;
	FILE *file;
	size_t len;

	expand(from, old);
	expand(to, new);
	snprintf(path, sizeof(path), "%s/linewarden.conf", agent->dir);
	file = fopen(path, "re");
	ASSERT_NOT_NULL(file);
	len = fread(text, 1, sizeof(text) - 1, file);
	text[len] = '\0';
	fclose(file);
	at = strstr(text, old);
	ASSERT_NOT_NULL(at);
	file = fopen(path, "we");
	fprintf(file, "%.*s%s%s", (int)(at - text), text, new, at + strlen(old));
	ASSERT_OK(fclose(file));
}

TEST_F_TIMEOUT(trust, that_is_gone, 60)
{
	json_t *record, *checks, *check;
	const char *failed = "";
	size_t i;

	ASSERT_TRUE(visitor_visit(&self->visitor, variant->source, DAEMON_PORT));
	ASSERT_TRUE(visitor_visit(&self->visitor, variant->source, DAEMON_PORT));
	EXPECT_TRUE(self->visitor.resumed);
	make_revoked();
	EXPECT_EQ(0, daemon_end(&self->agent, SIGTERM));
	if (variant->from)
		change_configuration(&self->agent, variant->from, variant->to);
	ASSERT_OK(daemon_launch(&self->agent));
	/* what was given out before is worth nothing, whatever has changed */
	EXPECT_EQ(!variant->check,
		  visitor_visit(&self->visitor, variant->source, DAEMON_PORT));
	EXPECT_FALSE(self->visitor.resumed);
	record = daemon_record(&self->agent, variant->check ? "refused" : "accepted",
			       self->visitor.source);
	ASSERT_NOT_NULL(record);
	checks = json_object_get(record, "checks");
	json_array_foreach(checks, i, check)
		if (!*failed && !strcmp(journal_text(check, "outcome"), "failed"))
			failed = journal_text(check, "check");
	EXPECT_STREQ(variant->check ? variant->check : "", failed);
	json_decref(record);
}

HARNESS_MAIN
