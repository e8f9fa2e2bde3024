// SPDX-License-Identifier: Apache-2.0
/* The tables of names, and of the alerts that a peer sees, written out once more. */
#include <errno.h>
#include <openssl/x509_vfy.h>

#include "policy/check.h"
#include "policy/level.h"
#include "tests/harness.h"

TEST(table_levels)
{
	static const char *const names[] = {
		"none", "low", "medium", "high", "medium+remote", "high+remote",
	};
	enum level level = LEVEL_UNSET;

	for (int i = LEVEL_NONE; i < LEVEL_COUNT; i++) {
		EXPECT_STREQ(names[i - LEVEL_NONE], level_name(i));
		EXPECT_OK(level_parse(names[i - LEVEL_NONE], &level));
		EXPECT_EQ(i, level);
		EXPECT_EQ(i >= LEVEL_MEDIUM_REMOTE, level_is_remote(i));
	}
	EXPECT_NULL(level_name(LEVEL_UNSET));
	EXPECT_NULL(level_name(LEVEL_COUNT));
	EXPECT_FALSE(level_is_remote(LEVEL_UNSET) || level_is_remote(LEVEL_COUNT));
	EXPECT_EQ(-EINVAL, level_parse("Medium", &level));
	EXPECT_EQ(-EINVAL, level_parse("", &level));
	EXPECT_EQ(LEVEL_HIGH_REMOTE, level);
}

/* RFC 8446 6.2; written out here again, since a peer's administrator sees nothing else */
TEST(table_refusals)
{
	static const struct {
		const char *name;
		uint8_t alert;
	} refusals[] = {
		[REFUSAL_UNDECIDED] = { "undecided", 80 },
		[REFUSAL_NO_CERTIFICATE] = { "no-certificate", 116 },
		[REFUSAL_EXPIRED] = { "expired", 45 },
		[REFUSAL_UNKNOWN_CA] = { "unknown-ca", 48 },
		[REFUSAL_BAD_CERTIFICATE] = { "bad-certificate", 42 },
		[REFUSAL_UNSUPPORTED] = { "unsupported-certificate", 43 },
		[REFUSAL_REVOKED] = { "revoked", 44 },
		[REFUSAL_NAME] = { "wrong-name", 42 },
		[REFUSAL_NOT_ALLOWED] = { "not-allowed", 42 },
	};

	ASSERT_EQ(REFUSAL_COUNT, sizeof(refusals) / sizeof(refusals[0]));
	for (int i = 0; i < REFUSAL_COUNT; i++) {
		EXPECT_STREQ(refusals[i].name, refusal_name(i));
		EXPECT_EQ(refusals[i].alert, refusal_alert(i));
		EXPECT_NE(X509_V_OK, refusal_x509_error(i));
	}
	/* what is no refusal is none that a peer could take for an acceptance */
	EXPECT_NULL(refusal_name(REFUSAL_COUNT));
	EXPECT_EQ(80, refusal_alert(REFUSAL_COUNT));
	EXPECT_EQ(X509_V_ERR_UNSPECIFIED, refusal_x509_error(REFUSAL_COUNT));
}

TEST(table_checks)
{
	enum check check = CHECK_COUNT;

	for (int i = 0; i < CHECK_COUNT; i++) {
		EXPECT_NOT_NULL(check_reference(i));
		EXPECT_OK(check_parse(check_name(i), &check));
		EXPECT_EQ(i, check);
	}
	EXPECT_EQ(-EINVAL, check_parse("in date", &check));
	EXPECT_NULL(check_name(CHECK_COUNT));
	EXPECT_NULL(check_reference(CHECK_COUNT));
	EXPECT_NULL(outcome_name(OUTCOME_COUNT));
}
