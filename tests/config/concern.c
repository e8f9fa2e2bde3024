// SPDX-License-Identifier: Apache-2.0
/* Of which lines the sessions are judged again when a configuration is another one. */
#include <stdio.h>
#include <string.h>

#include "policy/cleanup.h"
#include "tests/config/files.h"
#include "tests/harness.h"
#include "userspace/concern.h"
#include "userspace/record.h"
#include "userspace/session_table.h"

FIXTURE(concern)
{
	struct files files;
	struct config *before, *now;
};

FIXTURE_VARIANT(concern)
{
	const char *from, *to; /* files_edit() of files_wide with the names of a provider */
	bool other_own; /* the identity's certificate is another one */
	const char *lines; /* that are concerned, of both configurations */
};

#define CONCERN(name, from_text, to_text, lines_text)                                              \
	FIXTURE_VARIANT_ADD(concern, name)                                                         \
	{                                                                                          \
		.from = from_text, .to = to_text, .lines = lines_text,                             \
	}

#define PROVIDER "provider inbound;provider outbound;"
#define PHONES "phones inbound;"
#define WEB "web inbound;"
#define BRANCH "branch inbound;"

CONCERN(nothing, "user = nobody", "user = nobody", "");
CONCERN(no_verdict, "user = nobody", "user = nobody\nworkers = 3\nexpiry-warning = 20", "");
CONCERN(remote, "198.51.100.7", "198.51.100.8", "");
CONCERN(resumption, "level = high\n", "level = high\nresumption = no\n", "");
CONCERN(level, "level = high\n", "level = medium\n", BRANCH);
CONCERN(setting, "telephony-endpoints = medium", "telephony-endpoints = low", PHONES);
CONCERN(lists, "user = nobody", "user = nobody\ncrl = require", PROVIDER PHONES WEB BRANCH);
CONCERN(domains, "{ example.com }", "{ example.com, example.org }", PROVIDER);
CONCERN(domain, "{ example.com }", "{ example.org }", PROVIDER);
CONCERN(hosts, "{ a.example.com }", "{ b.example.com }", PROVIDER);
CONCERN(more_hosts, "{ a.example.com }", "{ a.example.com, b.example.com }", PROVIDER);
CONCERN(exception, "level = high\n", "level = high\nexceptions = accept-missing-key-usage\n",
	BRANCH);
CONCERN(mode, "level = high\n", "level = high\nmode = observe\n", BRANCH);
CONCERN(on_expiry, "level = high\n", "level = high\non-expiry = record\n", BRANCH);
CONCERN(certificate_asked, "plain-port = 80\n",
	"plain-port = 80\nservice-security = secure-high\n", WEB);
CONCERN(name, "line branch", "line bureau", "bureau inbound;" BRANCH);
FIXTURE_VARIANT_ADD(concern, own)
{
	.from = "user = nobody", .to = "user = nobody", .other_own = true, .lines = WEB BRANCH,
};

FIXTURE_SETUP(concern)
{
	_cleanup_free_ char *named = files_edit(files_wide, "	sip-domains = ",
						"	level = medium+remote\n"
						"	host-names = { a.example.com }\n"
						"	sip-domains = ");
	_cleanup_free_ char *text = files_edit(named, variant->from, variant->to);
	struct config_error error;

	files_make(&self->files);
	ASSERT_OK(files_parse(&self->files, named, FILES_NOW, &self->before, &error));
	ASSERT_OK(files_parse(&self->files, text, FILES_NOW, &self->now, &error)) {
		TH_LOG("%s", error.text);
	}
}

FIXTURE_TEARDOWN(concern)
{
	config_free(self->before);
	config_free(self->now);
	files_remove(&self->files);
}

static void say_line(const struct config_line *line, const struct mark_set *set, char *out,
		     size_t size)
{
	size_t at = strlen(out);
	uint64_t mark;

	ASSERT_OK(session_table_line_mark(line->name, line->direction, &mark));
	if (mark_set_has(set, mark))
		snprintf(out + at, size - at, "%s %s;", line->name,
			 direction_name(line->direction));
}

TEST_F(concern, lines)
{
	_cleanup_(mark_set_release) struct mark_set set = { 0 };
	const struct config *now = self->now;
	char lines[512] = "";

	if (variant->other_own) {
		X509_free(self->now->identity.certificate);
		self->now->identity.certificate = store_certificate(now->trust, 0);
		X509_up_ref(self->now->identity.certificate);
	}
	ASSERT_OK(concern_of_config(self->before, now, &set));
	for (size_t i = 0; i < now->line_count; i++)
		say_line(&now->lines[i], &set, lines, sizeof(lines));
	for (size_t i = 0; i < self->before->line_count; i++)
		if (!config_line_named(now, self->before->lines[i].name,
				       self->before->lines[i].direction))
			say_line(&self->before->lines[i], &set, lines, sizeof(lines));
	EXPECT_STREQ(variant->lines, lines);
}
