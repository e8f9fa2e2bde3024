// SPDX-License-Identifier: Apache-2.0
/* A trust store of files as operators leave them: what can be used is, the rest is named. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/config/files.h"
#include "tests/harness.h"
#include "userspace/trust.h"

FIXTURE(trust)
{
	struct files files;
	struct store *store;
	struct trust_report report;
	char why[512];
};

FIXTURE_SETUP(trust)
{
	files_make(&self->files);
	self->store = store_new(1);
	ASSERT_NOT_NULL(self->store);
}

FIXTURE_TEARDOWN(trust)
{
	trust_report_free(&self->report);
	store_free(self->store);
	files_remove(&self->files);
}

static int trust_load_at(FIXTURE_DATA(trust) *self, const char *name, time_t now)
{
	_cleanup_free_ char *path = files_text(&self->files, name);

	return trust_load(path, now, self->store, &self->report, self->why, sizeof(self->why));
}

static void trust_expect(FIXTURE_DATA(trust) *self, size_t index, enum trust_finding_kind kind,
			 const char *file, const char *text)
{
	const struct trust_finding *finding = &self->report.findings[index];

	ASSERT_LT(index, self->report.finding_count);
	EXPECT_EQ(kind, finding->kind);
	EXPECT_STREQ(file, finding->file);
	EXPECT_STREQ(text, finding->text);
}

TEST_F(trust, every_trouble_is_named)
{
	char summary[TRUST_SUMMARY_MAX];

	ASSERT_OK(trust_load_at(self, "@/mixed", FILES_NOW));
	ASSERT_EQ(8, self->report.finding_count);
	trust_expect(self, 0, TRUST_UNUSABLE, "b-broken.pem", "certificate 1 cannot be read");
	trust_expect(self, 1, TRUST_DUPLICATE, "c-copy.pem",
		     "the same certificate is in a.pem already");
	trust_expect(self, 2, TRUST_EXPIRED, "d-expired.pem", "expired on 2025-12-30: CN=expired");
	trust_expect(self, 3, TRUST_DUPLICATE, "e-expired-too.pem",
		     "the same certificate is in d-expired.pem already");
	trust_expect(self, 4, TRUST_NOT_YET_VALID, "f-future.pem",
		     "not valid before 2026-01-03: CN=future");
	trust_expect(self, 5, TRUST_UNUSABLE, "h.key",
		     "PEM block 1 is a PRIVATE KEY, not a certificate");
	trust_expect(self, 6, TRUST_UNUSABLE, "i-notes\\x0a.txt", "no certificate");
	trust_expect(self, 7, TRUST_OUTDATED, "outdated.crl",
		     "the next revocation list was due on 2025-12-31: CN=ca");
	trust_report_summary(&self->report, summary);
	EXPECT_STREQ("3 certificates, 2 CRLs, 3 files that cannot be used, 1 expired, "
		     "1 not valid yet, 1 outdated CRL, 2 duplicates",
		     summary);
	EXPECT_EQ(1, trust_report_usable(&self->report));
	EXPECT_EQ(3, store_count(self->store));
}

/* both ends belong to a validity (RFC 5280 section 4.1.2.5) */
TEST_F(trust, last_second)
{
	ASSERT_OK(trust_load_at(self, "@/expired", FILES_NOW - 2 * FILES_DAY));
	EXPECT_EQ(1, trust_report_usable(&self->report));
	EXPECT_EQ(0, self->report.finding_count);
}

TEST_F(trust, first_second_after)
{
	ASSERT_OK(trust_load_at(self, "@/expired", FILES_NOW - 2 * FILES_DAY + 1));
	EXPECT_EQ(0, trust_report_usable(&self->report));
}

TEST_F(trust, first_second)
{
	ASSERT_OK(trust_load_at(self, "@/mixed", FILES_NOW + 2 * FILES_DAY));
	EXPECT_EQ(0, self->report.counts[TRUST_NOT_YET_VALID]);
}

TEST_F(trust, nothing_in_it)
{
	char summary[TRUST_SUMMARY_MAX];

	ASSERT_OK(trust_load_at(self, "@/void", FILES_NOW));
	trust_report_summary(&self->report, summary);
	EXPECT_STREQ("0 certificates, 0 CRLs", summary);
}

TEST_F(trust, no_folder)
{
	_cleanup_free_ char *why = files_text(&self->files, "@/gone: No such file or directory");

	EXPECT_EQ(-EINVAL, trust_load_at(self, "@/gone", FILES_NOW));
	EXPECT_STREQ(why, self->why);
}

TEST_F(trust, one_file_has_to_be_good)
{
	_cleanup_free_ char *why =
		files_text(&self->files, "@/broken.pem: certificate 1 cannot be read");

	EXPECT_EQ(-EINVAL, trust_load_at(self, "@/broken.pem", FILES_NOW));
	EXPECT_STREQ(why, self->why);
}

TEST_F(trust, one_file_is_named_without_its_folder)
{
	ASSERT_OK(trust_load_at(self, "@/expired/only.pem", FILES_NOW));
	trust_expect(self, 0, TRUST_EXPIRED, "only.pem", "expired on 2025-12-30: CN=expired");
}

/* what does not fit is counted, so that no folder makes the report grow */
TEST_F(trust, many_findings)
{
	char summary[TRUST_SUMMARY_MAX], link[128];

	for (int i = 0; i < TRUST_FINDINGS_MAX + 36; i++) {
		snprintf(link, sizeof(link), "%s/void/%04d", self->files.folder, i);
		ASSERT_OK(symlink("nowhere", link));
	}
	ASSERT_OK(trust_load_at(self, "@/void", FILES_NOW));
	EXPECT_EQ(TRUST_FINDINGS_MAX, self->report.finding_count);
	EXPECT_EQ(36, trust_report_beyond(&self->report));
	trust_expect(self, 0, TRUST_UNUSABLE, "0000", "No such file or directory");
	trust_report_summary(&self->report, summary);
	EXPECT_STREQ("0 certificates, 0 CRLs, 100 files that cannot be used", summary);
}

TEST_F(trust, revocation_lists_alone)
{
	_cleanup_free_ char *der = files_text(&self->files, "@/mixed/fresh.crl");
	_cleanup_free_ char *pem = files_text(&self->files, "@/mixed/outdated.crl");
	_cleanup_free_ char *certificate = files_text(&self->files, "@/mixed/a.pem");

	EXPECT_OK(trust_add_crl(der, self->store, self->why, sizeof(self->why)));
	EXPECT_OK(trust_add_crl(pem, self->store, self->why, sizeof(self->why)));
	EXPECT_EQ(-EINVAL, trust_add_crl(certificate, self->store, self->why, sizeof(self->why)));
	EXPECT_NOT_NULL(strstr(self->why, "a.pem: there is a certificate in it"));
	EXPECT_EQ(0, store_count(self->store));
}

/* a configuration is none the worse for a file that cannot be used beside one that can */
TEST_F(trust, configuration_goes_on)
{
	_cleanup_free_ char *text = files_edit(files_good, "@/trusted", "@/mixed");
	struct config *config = NULL;
	struct config_error error;

	ASSERT_OK(files_parse(&self->files, text, FILES_NOW, &config, &error));
	EXPECT_EQ(8, config->trust_report.finding_count);
	config_free(config);
}

/* where no line looks at the store, an empty one will do */
TEST_F(trust, configuration_without_need)
{
	_cleanup_free_ char *low = files_edit(files_good, "level = medium", "level = low");
	_cleanup_free_ char *text = files_edit(low, "@/trusted", "@/expired");
	struct config *config = NULL;
	struct config_error error;

	ASSERT_OK(files_parse(&self->files, text, FILES_NOW, &config, &error));
	EXPECT_EQ(1, config->trust_report.counts[TRUST_EXPIRED]);
	config_free(config);
}
