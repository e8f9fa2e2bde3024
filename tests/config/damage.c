// SPDX-License-Identifier: Apache-2.0
/* Damaged configurations: anything may be refused, and nothing may crash or leak. */
#include <errno.h>
#include <string.h>

#include "tests/config/files.h"
#include "tests/harness.h"

#define DAMAGE_ROUNDS 3000

FIXTURE(damage)
{
	struct files files;
	char *text;
};

FIXTURE_SETUP(damage)
{
	files_make(&self->files);
	self->text = files_text(&self->files, files_good);
}

FIXTURE_TEARDOWN(damage)
{
	free(self->text);
	files_remove(&self->files);
}

/* Whatever comes of it, it is all or nothing, and one line says why. */
static void damage_parse(const char *buf, size_t len)
{
	struct config *config = NULL;
	struct config_error error;
	/* its own allocation, so that a sanitizer sees a read past the end */
	_cleanup_free_ char *copy = malloc(len ? len : 1);

	ASSERT_NOT_NULL(copy);
	memcpy(copy, buf, len);
	if (config_parse("pbx.conf", copy, len, FILES_NOW, 1, &config, &error) == 0) {
		EXPECT_NOT_NULL(config);
		EXPECT_STREQ("", error.text);
		EXPECT_LT(0, config->line_count);
	} else {
		EXPECT_NULL(config);
		EXPECT_EQ(0, strncmp(error.text, "pbx.conf:", 9));
		EXPECT_NULL(strchr(error.text, '\n'));
	}
	config_free(config);
}

TEST_F(damage, cut_anywhere)
{
	for (size_t len = 0; len <= strlen(self->text); len++)
		damage_parse(self->text, len);
}

/* The same numbers in every run: a failure can be looked at. */
static unsigned int damage_random(unsigned int *seed, size_t below)
{
	*seed = *seed * 1103515245 + 12345;
	return (*seed >> 8) % (unsigned int)below;
}

/* One byte changed, or a piece moved over another one. */
static void damage_once(char *text, size_t len, unsigned int *seed)
{
	size_t at = damage_random(seed, len), from = damage_random(seed, len);
	size_t room = len - (at > from ? at : from);
	static const char tokens[] = "{}=,\"#\n +|$\\'/*();\0\r";

	switch (damage_random(seed, 3)) {
	case 0:
		text[at] = (char)damage_random(seed, 256);
		break;
	case 1:
		text[at] = tokens[damage_random(seed, sizeof(tokens))];
		break;
	default:
		memmove(text + at, text + from, damage_random(seed, room));
	}
}

TEST_F_TIMEOUT(damage, changed_anywhere, 120)
{
	size_t len = strlen(self->text);
	_cleanup_free_ char *changed = malloc(len);
	unsigned int seed = 1;

	ASSERT_NOT_NULL(changed);
	for (unsigned int i = 0; i < DAMAGE_ROUNDS; i++) {
		memcpy(changed, self->text, len);
		for (unsigned int n = damage_random(&seed, 4); n < 4; n++)
			damage_once(changed, len, &seed);
		damage_parse(changed, len);
	}
}

TEST_F(damage, deep_and_long)
{
	static char text[1 << 20];

	memset(text, '{', sizeof(text));
	damage_parse(text, sizeof(text));
	memset(text, '"', sizeof(text));
	damage_parse(text, sizeof(text));
	memset(text, '#', sizeof(text));
	damage_parse(text, sizeof(text));
	memset(text, 'a', sizeof(text));
	damage_parse(text, sizeof(text));
	memset(text, '\0', sizeof(text));
	damage_parse(text, sizeof(text));
	memset(text, '=', sizeof(text));
	damage_parse(text, sizeof(text));
}
