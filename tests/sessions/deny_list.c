// SPDX-License-Identifier: Apache-2.0
/* The deny list's file: what is taken, and that nothing of a damaged one is. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/cleanup.h"
#include "tests/harness.h"
#include "userspace/deny_list.h"

#define HEX "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"
#define TIME "2026-11-27T12:00:00Z"

FIXTURE(deny_list)
{
	int none;
};

FIXTURE_VARIANT(deny_list)
{
	const char *text;
	int result;
	size_t count;
};

FIXTURE_VARIANT_ADD(deny_list, empty) { .text = "" };
FIXTURE_VARIANT_ADD(deny_list, one) { .text = HEX " " TIME " stolen, all of it\n", .count = 1 };
FIXTURE_VARIANT_ADD(deny_list, no_reason) { .text = HEX " " TIME " \n", .count = 1 };
FIXTURE_VARIANT_ADD(deny_list, no_newline) { .text = HEX " " TIME " ", .result = -EINVAL };
FIXTURE_VARIANT_ADD(deny_list, no_time) { .text = HEX "\n", .result = -EINVAL };
FIXTURE_VARIANT_ADD(deny_list, short_hex) { .text = "0011 " TIME " x\n", .result = -EINVAL };
FIXTURE_VARIANT_ADD(deny_list, no_hex) {
	.text = "zz112233445566778899aabbccddeeff00112233445566778899aabbccddeeff " TIME " x\n",
	.result = -EINVAL
};
FIXTURE_VARIANT_ADD(deny_list, twice) {
	.text = HEX " " TIME " a\n" HEX " " TIME " b\n", .result = -EINVAL
};
FIXTURE_VARIANT_ADD(deny_list, unprintable) {
	.text = HEX " " TIME " a\x1b[2Jb\n", .result = -EINVAL
};
FIXTURE_VARIANT_ADD(deny_list, empty_line) {
	.text = HEX " " TIME " a\n\n", .result = -EINVAL
};

FIXTURE_SETUP(deny_list)
{
}

FIXTURE_TEARDOWN(deny_list)
{
}

TEST_F(deny_list, parsed)
{
	_cleanup_(deny_list_free) struct deny_list list = { 0 };
	char why[128] = "";

	EXPECT_EQ(variant->result, deny_list_parse(variant->text, strlen(variant->text), &list, why,
						   sizeof(why)));
	EXPECT_EQ(variant->count, list.count);
	EXPECT_EQ(variant->result != 0, *why != '\0');
}

TEST(deny_list_is_written_and_read)
{
	_cleanup_(deny_list_free) struct deny_list list = { 0 }, back = { 0 };
	uint8_t low[DENIED_SHA256] = { 1 }, high[DENIED_SHA256] = { 0xff };
	uint8_t other[DENIED_SHA256] = { 2 };
	char folder[] = "/tmp/deny-list-XXXXXX", path[64], why[256] = "";
	uint8_t (*sorted)[DENIED_SHA256];
	struct denied denied;

	ASSERT_NOT_NULL(mkdtemp(folder));
	deny_list_path(folder, path, sizeof(path));
	ASSERT_OK(deny_list_read(folder, &back, why, sizeof(why)));
	EXPECT_EQ(0, back.count);
	ASSERT_OK(deny_list_add(&list, high, TIME, "lost"));
	ASSERT_OK(deny_list_add(&list, low, TIME, ""));
	EXPECT_EQ(-EEXIST, deny_list_add(&list, low, TIME, ""));
	EXPECT_EQ(-EINVAL, deny_list_add(&list, other, TIME, "two\nlines"));
	ASSERT_OK(deny_list_write(folder, &list));
	ASSERT_OK(deny_list_read(folder, &back, why, sizeof(why)));
	ASSERT_EQ(2, back.count);
	EXPECT_STREQ("lost", back.entries[1].reason);
	sorted = deny_list_fingerprints(&back);
	denied = (struct denied){ (const uint8_t(*)[DENIED_SHA256])sorted, back.count };
	EXPECT_TRUE(denied_has(&denied, low));
	EXPECT_TRUE(denied_has(&denied, high));
	EXPECT_FALSE(denied_has(&denied, other));
	free(sorted);
	EXPECT_OK(deny_list_remove(&back, low));
	EXPECT_EQ(-ENOENT, deny_list_remove(&back, low));

	/* whom others can write is not believed */
	ASSERT_OK(chmod(path, 0622));
	deny_list_free(&back);
	EXPECT_EQ(-EINVAL, deny_list_read(folder, &back, why, sizeof(why)));
	EXPECT_EQ(0, back.count);
	EXPECT_OK(unlink(path));
	EXPECT_OK(rmdir(folder));
}
