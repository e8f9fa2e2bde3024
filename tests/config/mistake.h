/* SPDX-License-Identifier: Apache-2.0 */
/* One mistake each in a configuration that is good but for it, and what the operator reads. */
#ifndef TESTS_CONFIG_MISTAKE_H
#define TESTS_CONFIG_MISTAKE_H

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/config/files.h"
#include "tests/harness.h"

FIXTURE(mistake)
{
	struct files files;
};

FIXTURE_VARIANT(mistake)
{
	const char *base; /* NULL: files_good */
	const char *from, *to; /* files_edit() of it */
	time_t later; /* than FILES_NOW */
	const char *message; /* '@' is the folder */
};

FIXTURE_SETUP(mistake)
{
	files_make(&self->files);
}

FIXTURE_TEARDOWN(mistake)
{
	files_remove(&self->files);
}

TEST_F(mistake, is_named)
{
	const char *base = variant->base ? variant->base : files_good;
	_cleanup_free_ char *text = files_edit(base, variant->from, variant->to);
	_cleanup_free_ char *message = files_text(&self->files, variant->message);
	struct config *config = NULL;
	struct config_error error;

	EXPECT_EQ(-EINVAL, files_parse(&self->files, text, FILES_NOW + variant->later, &config,
				       &error));
	EXPECT_STREQ(message, error.text);
	EXPECT_NULL(config);
	/* the scanner is global: what failed must not show in what comes after */
	EXPECT_OK(files_parse(&self->files, files_good, FILES_NOW, &config, &error))
	{
		TH_LOG("%s", error.text);
	}
	config_free(config);
}

#define MISTAKE(name, from_text, to_text, message_text)                                            \
	FIXTURE_VARIANT_ADD(mistake, name)                                                         \
	{                                                                                          \
		.from = from_text, .to = to_text, .message = message_text,                         \
	}
/* the same in files_wide */
#define WIDE(name, from_text, to_text, message_text)                                               \
	FIXTURE_VARIANT_ADD(mistake, name)                                                         \
	{                                                                                          \
		.base = files_wide, .from = from_text, .to = to_text, .message = message_text,     \
	}

#endif
