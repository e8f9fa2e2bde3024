// SPDX-License-Identifier: Apache-2.0
/* Lines in files of their own. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/config/files.h"
#include "tests/harness.h"

FIXTURE(include)
{
	struct files files;
	struct config *config;
	struct config_error error;
};

FIXTURE_SETUP(include)
{
	files_make(&self->files);
}

FIXTURE_TEARDOWN(include)
{
	config_free(self->config);
	files_remove(&self->files);
}

/* files_good, which has 19 lines, and an "include" on the 20th */
static int include_parse(FIXTURE_DATA(include) *self, const char *include)
{
	_cleanup_free_ char *text = files_edit(files_good, NULL, include);

	return files_parse(&self->files, text, FILES_NOW, &self->config, &self->error);
}

static void include_expect(FIXTURE_DATA(include) *self, const char *include, const char *message)
{
	_cleanup_free_ char *expected = files_text(&self->files, message);

	EXPECT_EQ(-EINVAL, include_parse(self, include));
	EXPECT_STREQ(expected, self->error.text);
	EXPECT_NULL(self->config);
}

#define LINE(name, remote)                                                                         \
	"line " name " {\n	function = sm-line\n	remote = " remote "\n	level = low\n}\n"

TEST_F(include, lines_follow_the_files_own)
{
	_cleanup_free_ char *path = files_path_of(&self->files, "b.conf");

	files_put(&self->files, "b.conf", 0644, "# branches\n" LINE("b", "10.2.0.0/16"));
	files_put(&self->files, "a.conf", 0644, LINE("a", "10.1.0.0/16") LINE("c", "10.3.0.0/16"));
	ASSERT_OK(include_parse(self, "include = { \"@/b.conf\", \"@/a.conf\" }"));
	ASSERT_EQ(5, self->config->line_count);
	EXPECT_STREQ("phones", self->config->lines[1].name);
	EXPECT_STREQ("b", self->config->lines[2].name);
	EXPECT_STREQ("a", self->config->lines[3].name);
	EXPECT_STREQ("c", self->config->lines[4].name);
	ASSERT_EQ(3, self->config->file_count);
	EXPECT_STREQ("pbx.conf", self->config->files[0]);
	EXPECT_STREQ(path, self->config->files[1]);
	EXPECT_STREQ(path, self->config->lines[2].prefixes[0].file);
	EXPECT_EQ(4, self->config->lines[2].prefixes[0].at);
	EXPECT_STREQ("pbx.conf", self->config->lines[0].prefixes[0].file);
}

TEST_F(include, folder_by_name)
{
	files_put(&self->files, "lines.d/20-z.conf", 0644, LINE("z", "10.2.0.0/16"));
	files_put(&self->files, "lines.d/10-a.conf", 0644, LINE("a", "10.1.0.0/16"));
	files_put(&self->files, "lines.d/B.conf", 0644, LINE("b", "10.3.0.0/16"));
	files_put(&self->files, "lines.d/a.conf", 0644, LINE("last", "10.4.0.0/16"));
	files_put(&self->files, "lines.d/.hidden.conf", 0644, "nonsense");
	files_put(&self->files, "lines.d/.conf", 0644, "nonsense");
	files_put(&self->files, "lines.d/a.conf~", 0644, "nonsense");
	files_put(&self->files, "lines.d/README", 0644, "nonsense");
	ASSERT_OK(include_parse(self, "include = @/lines.d"))
	{
		TH_LOG("%s", self->error.text);
	}
	ASSERT_EQ(6, self->config->line_count);
	EXPECT_STREQ("a", self->config->lines[2].name);
	EXPECT_STREQ("z", self->config->lines[3].name);
	EXPECT_STREQ("b", self->config->lines[4].name);
	EXPECT_STREQ("last", self->config->lines[5].name);
}

TEST_F(include, empty_folder)
{
	ASSERT_OK(include_parse(self, "include = @/lines.d"));
	EXPECT_EQ(2, self->config->line_count);
}

/* the settings are the main file's, and so is the telephony identity */
TEST_F(include, settings_are_in_force)
{
	files_put(&self->files, "a.conf", 0644,
		  "line a { function = sip-line remote = 10.1.0.0/16 direction = both }");
	ASSERT_OK(include_parse(self, "telephony-endpoints = low\n"
				      "pbx p { unit = \"a.service\" }\n"
				      "telephony-identity { certificate = \"@/identity.pem\" key = "
				      "\"@/identity.key\" }\n"
				      "include = \"@/a.conf\""))
	{
		TH_LOG("%s", self->error.text);
	}
	ASSERT_EQ(4, self->config->line_count);
	EXPECT_EQ(LEVEL_LOW, self->config->lines[3].rule.level);
	EXPECT_EQ(&self->config->telephony, self->config->lines[3].identity);
}

/* a configuration may have all of its lines elsewhere */
TEST_F(include, all_lines)
{
	_cleanup_free_ char *text = NULL;
	static const char without[] = "identity { certificate = \"@/identity.pem\" key = "
				      "\"@/identity.key\" }\nuser = nobody group = daemon\n"
				      "include = { \"@/lines.d\" }\n";

	files_put(&self->files, "lines.d/a.conf", 0644, LINE("a", "10.1.0.0/16"));
	text = files_text(&self->files, without);
	ASSERT_OK(config_parse("pbx.conf", text, strlen(text), FILES_NOW, 1, &self->config,
			       &self->error));
	EXPECT_EQ(1, self->config->line_count);
}

TEST_F(include, mistake_in_the_file)
{
	files_put(&self->files, "a.conf", 0644, "\n" LINE("a", "10.1.0.1/16"));
	include_expect(self, "include = @/a.conf",
		       "@/a.conf:4: line 'a': remote '10.1.0.1/16' has bits set after its length; "
		       "write 10.1.0.0/16 for the range or 10.1.0.1/32 for the one address");
}

TEST_F(include, grammar_in_the_file)
{
	files_put(&self->files, "a.conf", 0644, "\nline a {\n");
	include_expect(self, "include = @/a.conf",
		       "@/a.conf:2: what '{' opens here is not closed; end it with '}'");
}

TEST_F(include, key_without_name_in_the_file)
{
	files_put(&self->files, "a.conf", 0644, "\n\n\"\" = 1\n");
	include_expect(self, "include = @/a.conf",
		       "@/a.conf:3: a key is empty; name the setting before '='");
}

TEST_F(include, same_claim_in_two_files)
{
	files_put(&self->files, "a.conf", 0644, "\n" LINE("a", "192.0.2.0/24"));
	include_expect(self, "include = @/a.conf",
		       "@/a.conf:4: line 'a': port 5061 of remote '192.0.2.0/24' belongs to line "
		       "'trunk-a' (pbx.conf:11) already; remove it from one of them");
}

TEST_F(include, same_name_in_two_files)
{
	files_put(&self->files, "a.conf", 0644, LINE("phones", "10.1.0.0/16"));
	include_expect(self, "include = @/a.conf",
		       "@/a.conf:5: line 'phones' is in pbx.conf:19 already; each needs its own "
		       "name");
}

TEST_F(include, same_file_twice)
{
	files_put(&self->files, "a.conf", 0644, LINE("a", "10.1.0.0/16"));
	include_expect(self, "include = { @/a.conf, @/a.conf }",
		       "@/a.conf:5: line 'a' is in @/a.conf:5 already; each needs its own name");
}

TEST_F(include, setting_in_the_file)
{
	files_put(&self->files, "a.conf", 0644, "# settings\ncrl = off\n");
	include_expect(self, "include = @/a.conf",
		       "@/a.conf:2: 'crl' has no place in an included file; move it to pbx.conf");
}

TEST_F(include, section_in_the_file)
{
	files_put(&self->files, "a.conf", 0644, "identity { }\n");
	include_expect(self, "include = @/a.conf",
		       "@/a.conf:1: 'identity' has no place in an included file; move it to "
		       "pbx.conf");
}

TEST_F(include, within_an_included_file)
{
	files_put(&self->files, "a.conf", 0644, "include = /b.conf\n");
	include_expect(self, "include = @/a.conf",
		       "@/a.conf:1: 'include' has no place in an included file; move it to "
		       "pbx.conf");
}

TEST_F(include, unknown_key_in_the_file)
{
	files_put(&self->files, "a.conf", 0644, "lines = 1\n");
	include_expect(self, "include = @/a.conf",
		       "@/a.conf:1: unknown key 'lines'; there are line");
}

/* a key that the file itself has, but no line */
TEST_F(include, setting_in_a_line_of_the_file)
{
	files_put(&self->files, "a.conf", 0644, "line a {\n	crl = off\n}\n");
	include_expect(self, "include = @/a.conf",
		       "@/a.conf:2: line 'a': unknown key 'crl'; there are function, port, remote, "
		       "level, host-names, sip-domains, direction, remote-port, exceptions, mode, "
		       "delivery, resumption, on-expiry, namespace, service-security, plain-port");
}

TEST_F(include, missing)
{
	include_expect(self, "include = {\n	\"@/gone.conf\" }",
		       "pbx.conf:21: include: @/gone.conf: No such file or directory");
}

TEST_F(include, fifo)
{
	include_expect(self, "include = @/fifo",
		       "pbx.conf:20: include: @/fifo: it is not a regular file");
}

TEST_F(include, folder_in_the_folder)
{
	_cleanup_free_ char *path = files_path_of(&self->files, "lines.d/sub.conf");

	ASSERT_OK(mkdir(path, 0755));
	include_expect(self, "include = @/lines.d",
		       "pbx.conf:20: include: @/lines.d/sub.conf: Is a directory");
}

TEST_F(include, relative)
{
	include_expect(self, "include = a.conf",
		       "pbx.conf:20: include 'a.conf' does not start with '/'; write the whole "
		       "path");
}

/* one line for the operator, whatever a file is called */
TEST_F(include, name_with_a_newline)
{
	files_put(&self->files, "lines.d/a\nb.conf", 0644, "crl = off\n");
	include_expect(self, "include = @/lines.d",
		       "@/lines.d/a?b.conf:1: 'crl' has no place in an included file; move it to "
		       "pbx.conf");
}
