// SPDX-License-Identifier: Apache-2.0
/* Which certificates are near their end, to the second. */
#include <string.h>

#include "tests/config/files.h"
#include "tests/harness.h"
#include "userspace/expiry.h"

FIXTURE(expiry)
{
	struct files files;
	struct config *config;
	struct expiry found;
};

FIXTURE_SETUP(expiry)
{
	_cleanup_free_ char *text = files_edit(files_good, NULL, "expiry-warning = 10\n");
	struct config_error error;

	files_make(&self->files);
	ASSERT_OK(files_parse(&self->files, text, FILES_NOW, &self->config, &error));
}

FIXTURE_TEARDOWN(expiry)
{
	config_free(self->config);
	files_remove(&self->files);
}

/* all of files_good end a day after FILES_NOW: the identity, its chain, two of the store */
TEST_F(expiry, all_of_them)
{
	char text[TEXT_NAME_MAX];

	expiry_find(self->config, FILES_NOW, &self->found);
	ASSERT_EQ(4, self->found.total);
	ASSERT_EQ(4, self->found.count);
	expiry_describe(&self->found.items[0], text, sizeof(text));
	EXPECT_STREQ("identity certificate: ends in 1 day, on 2026-01-02: CN=pbx", text);
	expiry_describe(&self->found.items[1], text, sizeof(text));
	EXPECT_STREQ("identity chain: ends in 1 day, on 2026-01-02: CN=middle", text);
	expiry_describe(&self->found.items[2], text, sizeof(text));
	EXPECT_STREQ("trust store: ca.pem: ends in 1 day, on 2026-01-02: CN=ca", text);
}

TEST_F(expiry, first_second_of_the_warning)
{
	expiry_find(self->config, FILES_NOW - 9 * FILES_DAY, &self->found);
	ASSERT_EQ(4, self->found.total);
	EXPECT_EQ(10, self->found.items[0].days);
}

TEST_F(expiry, a_second_before_the_warning)
{
	expiry_find(self->config, FILES_NOW - 9 * FILES_DAY - 1, &self->found);
	EXPECT_EQ(0, self->found.total);
}

TEST_F(expiry, last_second)
{
	expiry_find(self->config, FILES_NOW + FILES_DAY, &self->found);
	EXPECT_EQ(0, self->found.items[0].days);
}

TEST_F(expiry, over)
{
	char text[TEXT_NAME_MAX];

	expiry_find(self->config, FILES_NOW + FILES_DAY + 1, &self->found);
	EXPECT_EQ(-1, self->found.items[0].days);
	expiry_describe(&self->found.items[0], text, sizeof(text));
	EXPECT_STREQ("identity certificate: expired on 2026-01-02: CN=pbx", text);
}
