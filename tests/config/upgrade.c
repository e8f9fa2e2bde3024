// SPDX-License-Identifier: Apache-2.0
/* What Medium and High mean on a host that was upgraded, from one load to the next. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/config/files.h"
#include "tests/harness.h"
#include "userspace/file.h"
#include "userspace/upgrade.h"

FIXTURE(upgrade)
{
	struct files files;
	char why[512];
};

FIXTURE_SETUP(upgrade)
{
	files_make(&self->files);
}

FIXTURE_TEARDOWN(upgrade)
{
	files_remove(&self->files);
}

/* provider and phones have the telephony setting, web the management one, branch its own */
struct upgrade_levels {
	const char *management, *telephony, *branch;
	const char *more; /* lines */
};

#define LEVELS(management_level, telephony_level, branch_level)                                    \
	(&(struct upgrade_levels){ .management = management_level,                                 \
				   .telephony = telephony_level,                                   \
				   .branch = branch_level })

static const struct upgrade_levels upgrade_first = { "high", "medium", "high", "" };

static struct config *upgrade_load(FIXTURE_DATA(upgrade) *self, const struct upgrade_levels *levels)
{
	_cleanup_free_ char *text = NULL;
	struct config *config = NULL;
	struct config_error error;

	ASSERT_LE(0, asprintf(&text,
			      "identity { certificate = \"@/identity.pem\" key = "
			      "\"@/identity.key\" }\n"
			      "trust-store = \"@/trusted\" user = nobody group = daemon\n"
			      "upgraded-host = yes state-path = \"@/state\"\n"
			      "%s%s telephony-endpoints = %s\n"
			      "line provider { function = sip-line remote = 192.0.2.0/24 }\n"
			      "line web { function = admin %s }\n"
			      "line branch { function = ip-office-line remote = 198.51.100.7 "
			      "level = %s }\n%s",
			      levels->management ? "management-interfaces = " : "",
			      levels->management ? levels->management : "", levels->telephony,
			      levels->management ? "" : "level = high", levels->branch,
			      levels->more ? levels->more : ""));
	ASSERT_OK(files_parse(&self->files, text, FILES_NOW, &config, &error))
	{
		TH_LOG("%s", error.text);
	}
	return config;
}

/* Which lines have the old meaning, in their order: "o" old, "n" new. */
static void upgrade_meanings(const struct config *config, char *out)
{
	size_t i;

	for (i = 0; i < config->line_count; i++)
		out[i] = config->lines[i].rule.options & RULE_BEFORE_R11_1_3 ? 'o' : 'n';
	out[i] = '\0';
}

static void upgrade_expect(FIXTURE_DATA(upgrade) *self, const struct upgrade_levels *levels,
			   bool may_write, const char *expected)
{
	struct config *config = upgrade_load(self, levels);
	char seen[16];

	ASSERT_OK(upgrade_apply(config, may_write, self->why, sizeof(self->why)))
	{
		TH_LOG("%s", self->why);
	}
	upgrade_meanings(config, seen);
	EXPECT_STREQ(expected, seen);
	config_free(config);
}

static void upgrade_refuse(FIXTURE_DATA(upgrade) *self, int err, const char *message)
{
	struct config *config = upgrade_load(self, &upgrade_first);
	_cleanup_free_ char *expected = files_text(&self->files, message);
	char seen[16];

	EXPECT_EQ(err, upgrade_apply(config, true, self->why, sizeof(self->why)));
	EXPECT_STREQ(expected, self->why);
	/* never silently the weaker meaning */
	upgrade_meanings(config, seen);
	EXPECT_STREQ("nnn", seen);
	config_free(config);
}

TEST_F(upgrade, first_load_enters_all)
{
	_cleanup_free_ char *path = files_path_of(&self->files, "state/upgrade.json");
	_cleanup_free_ char *folder = files_path_of(&self->files, "state");
	struct stat st;

	upgrade_expect(self, &upgrade_first, true, "ooo");
	ASSERT_OK(stat(path, &st));
	EXPECT_EQ(0600, st.st_mode & 07777);
	ASSERT_OK(stat(folder, &st));
	EXPECT_EQ(0700, st.st_mode & 07777);
	upgrade_expect(self, &upgrade_first, true, "ooo");
}

TEST_F(upgrade, changed_and_changed_back)
{
	upgrade_expect(self, &upgrade_first, true, "ooo");
	upgrade_expect(self, LEVELS("high", "high", "high"), true, "noo");
	upgrade_expect(self, &upgrade_first, true, "noo");
	upgrade_expect(self, LEVELS("high", "medium", "low"), true, "non");
	upgrade_expect(self, &upgrade_first, true, "non");
	upgrade_expect(self, LEVELS("none", "medium", "high"), true, "nnn");
	upgrade_expect(self, &upgrade_first, true, "nnn");
}

/* what verify-config does: the same answer, and nothing is written */
TEST_F(upgrade, without_writing)
{
	_cleanup_free_ char *folder = files_path_of(&self->files, "state");

	upgrade_expect(self, &upgrade_first, false, "ooo");
	EXPECT_EQ(-1, access(folder, F_OK));
	upgrade_expect(self, &upgrade_first, true, "ooo");
	upgrade_expect(self, LEVELS("high", "high", "high"), false, "noo");
	upgrade_expect(self, &upgrade_first, true, "ooo");
}

TEST_F(upgrade, lines_that_come_later)
{
	static const struct upgrade_levels more = {
		"high", "medium", "high",
		"line own { function = sip-line level = medium remote = 10.1.0.0/16 }\n"
		"line inherits { function = sip-line remote = 10.2.0.0/16 }\n"
	};

	upgrade_expect(self, &upgrade_first, true, "ooo");
	/* the setting is as it was, and means what it did */
	upgrade_expect(self, &more, true, "ooono");
	upgrade_expect(self, &more, true, "ooono");
}

/* a line's own level in place of the setting is a change, and so is the way back */
TEST_F(upgrade, setting_that_is_gone)
{
	upgrade_expect(self, &upgrade_first, true, "ooo");
	upgrade_expect(self, LEVELS(NULL, "medium", "high"), true, "ono");
	upgrade_expect(self, &upgrade_first, true, "ono");
}

/* the same level, and yet it is the setting's now: what the line itself had is gone */
TEST_F(upgrade, own_level_that_is_gone)
{
	static const struct upgrade_levels own = {
		"high", "medium", "high",
		"line own { function = sip-line level = medium remote = 10.1.0.0/16 }\n"
	};
	static const struct upgrade_levels inherits = {
		"high", "medium", "high", "line own { function = sip-line remote = 10.1.0.0/16 }\n"
	};

	upgrade_expect(self, &own, true, "oooo");
	upgrade_expect(self, &inherits, true, "oooo");
	upgrade_expect(self, &own, true, "ooon");
}

TEST_F(upgrade, levels_that_mean_the_same)
{
	upgrade_expect(self, LEVELS("low", "none", "low"), true, "nnn");
	upgrade_expect(self, LEVELS("low", "none", "medium"), true, "nnn");
}

TEST_F(upgrade, every_level_that_has_an_old_meaning)
{
	static const char text[] =
		"line a { function = sm-line remote = 10.1.0.0/16 level = medium+remote\n"
		"	sip-domains = example.com }\n"
		"line b { function = sm-line remote = 10.2.0.0/16 level = high+remote\n"
		"	sip-domains = example.com }\n"
		"line c { function = sm-line remote = 10.3.0.0/16 level = low }\n";

	upgrade_expect(self, &(struct upgrade_levels){ "high", "medium", "high", text }, true,
		       "ooooon");
}

TEST_F(upgrade, fresh_installation)
{
	_cleanup_free_ char *folder = files_path_of(&self->files, "state");
	struct config *config = upgrade_load(self, &upgrade_first);
	char seen[16];

	config->upgraded_host = false;
	ASSERT_OK(upgrade_apply(config, true, self->why, sizeof(self->why)));
	upgrade_meanings(config, seen);
	EXPECT_STREQ("nnn", seen);
	EXPECT_EQ(-1, access(folder, F_OK));
	config_free(config);
}

#define DAMAGED                                                                                    \
	"@/state/upgrade.json: it is damaged; restore it from a backup, or write upgraded-host = "   \
	"no: then every level has the meaning of R11.1.3"

TEST_F(upgrade, damaged)
{
	static const char *const texts[] = {
		"",
		"{",
		"[]",
		"{}",
		"{\"version\": 2, \"settings\": {}, \"lines\": {}}",
		"{\"version\": 1, \"settings\": {}}",
		"{\"version\": 1, \"settings\": {}, \"lines\": []}",
		"{\"version\": 1, \"settings\": {}, \"lines\": {\"a\": 1}}",
		"{\"version\": 1, \"settings\": {}, \"lines\": {\"a\": {\"level\": \"medium\"}}}",
		"{\"version\": 1, \"settings\": {}, \"lines\": {\"a\": {\"level\": \"m\", "
		"\"changed\": false}}}",
		"{\"version\": 1, \"settings\": {}, \"lines\": {\"a\": {\"level\": \"medium\", "
		"\"changed\": 0}}}",
		"{\"version\": 1, \"settings\": {}, \"lines\": {}, \"lines\": {}}",
	};

	upgrade_expect(self, &upgrade_first, true, "ooo");
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		files_put(&self->files, "state/upgrade.json", 0600, texts[i]);
		upgrade_refuse(self, -EINVAL, DAMAGED);
	}
}

TEST_F(upgrade, others_can_write_it)
{
	_cleanup_free_ char *path = files_path_of(&self->files, "state/upgrade.json");

	upgrade_expect(self, &upgrade_first, true, "ooo");
	ASSERT_OK(chmod(path, 0620));
	upgrade_refuse(self, -EINVAL,
		       "@/state/upgrade.json: others than root can write it; restore it from a "
		       "backup, or write upgraded-host = no: then every level has the meaning of "
		       "R11.1.3");
}

TEST_F(upgrade, cannot_be_written)
{
	files_put(&self->files, "state", 0600, "a file");
	upgrade_refuse(self, -ENOTDIR, "@/state/upgrade.json: Not a directory");
}

/* the state of a crash half way is the old one, and what was begun is no hindrance */
TEST_F(upgrade, left_over)
{
	upgrade_expect(self, &upgrade_first, true, "ooo");
	files_put(&self->files, "state/upgrade.json.abcdef", 0600, "{");
	upgrade_expect(self, LEVELS("high", "high", "high"), true, "noo");
}

/* a disk that is full leaves nothing behind that could fill it further */
TEST_F(upgrade, no_room)
{
	_cleanup_free_ char *state = files_path_of(&self->files, "state");
	_cleanup_free_ char *message = files_text(
		&self->files, "@/state/upgrade.json: it cannot be written: File too large");
	struct config *config = upgrade_load(self, &upgrade_first);
	struct rlimit before, none;
	char seen[16];

	signal(SIGXFSZ, SIG_IGN);
	ASSERT_OK(getrlimit(RLIMIT_FSIZE, &before));
	none = before;
	none.rlim_cur = 0;
	ASSERT_OK(setrlimit(RLIMIT_FSIZE, &none));
	EXPECT_EQ(-EFBIG, upgrade_apply(config, true, self->why, sizeof(self->why)));
	ASSERT_OK(setrlimit(RLIMIT_FSIZE, &before));
	EXPECT_STREQ(message, self->why);
	upgrade_meanings(config, seen);
	EXPECT_STREQ("nnn", seen);
	EXPECT_OK(rmdir(state));
	config_free(config);
}

TEST_F(upgrade, nothing_is_left_over)
{
	_cleanup_free_ char *state = files_path_of(&self->files, "state");
	_cleanup_free_ char *elsewhere = files_path_of(&self->files, "elsewhere");
	_cleanup_free_ char *path = files_path_of(&self->files, "state/upgrade.json");

	upgrade_expect(self, &upgrade_first, true, "ooo");
	ASSERT_OK(rename(path, elsewhere));
	/* the one file was all that was in it */
	EXPECT_OK(rmdir(state));
}
