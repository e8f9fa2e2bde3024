// SPDX-License-Identifier: Apache-2.0
/* What fits the conditions of `linewarden sessions` and `watch`, and what is no condition. */
#include "tests/harness.h"
#include "tools/filter.h"

HARNESS_PREPARE
{
}

static const char session_text[] =
	"{\"line\": \"trunk\", \"function\": \"sip-line\", \"direction\": \"inbound\","
	" \"peer\": \"192.0.2.77:40000\", \"sha256\": \"ab12cd34\", \"delivery\": \"adopt\", \"reason\": \"accepted\"}";
static const char record_text[] =
	"{\"event\": \"refused\", \"line\": \"office\", \"function\": \"ip-office-line\","
	" \"direction\": \"outbound\", \"peer\": \"[2001:db8:3::7]:443\","
	" \"reason\": \"RSA 1024 bits, 2048 needed\","
	" \"checks\": [{\"check\": \"in-date\", \"outcome\": \"passed\"},"
	" {\"check\": \"key-2048\", \"outcome\": \"failed\"}],"
	" \"certificate\": {\"sha256\": \"ffee00\"}}";
static const char bare_text[] = "{\"event\": \"expiry\"}";

static bool fits(const char *text, enum filter_key key, const char *value)
{
	struct filter filter = { 0 };
	char why[FILTER_WHY_LEN] = "";
	json_t *json = json_loads(text, 0, NULL);
	bool answer;

	ASSERT_NOT_NULL(json);
	ASSERT_OK(filter_set(&filter, key, value, why));
	answer = filter_fits(&filter, json);
	json_decref(json);
	return answer;
}

FIXTURE(condition) {
	char unused;
};

FIXTURE_VARIANT(condition) {
	enum filter_key key;
	const char *session, *record; /* that fit the one and not the other */
	const char *neither;
};

FIXTURE_VARIANT_ADD(condition, line) {
	.key = FILTER_LINE, .session = "trunk", .record = "office", .neither = "trun",
};

FIXTURE_VARIANT_ADD(condition, function) {
	.key = FILTER_FUNCTION, .session = "sip-line", .record = "ip-office-line",
	.neither = "sm-line",
};

FIXTURE_VARIANT_ADD(condition, address) {
	.key = FILTER_PEER, .session = "192.0.2.77", .record = "2001:db8:3::7",
	.neither = "192.0.2.7",
};

FIXTURE_VARIANT_ADD(condition, range) {
	.key = FILTER_PEER, .session = "192.0.2.64/26", .record = "2001:db8:3::/48",
	.neither = "192.0.2.0/26",
};

FIXTURE_VARIANT_ADD(condition, range_within_a_byte) {
	.key = FILTER_PEER, .session = "192.0.2.76/31", .record = "2001:db8:2::/47",
	.neither = "2001:db8:4::/47",
};

FIXTURE_VARIANT_ADD(condition, range_of_all) {
	.key = FILTER_PEER, .session = "0.0.0.0/0", .record = "::/0", .neither = "127.0.0.0/8",
};

FIXTURE_VARIANT_ADD(condition, fingerprint) {
	.key = FILTER_FINGERPRINT, .session = "ab12cd34", .record = "FF:EE:00", .neither = "b12c",
};

FIXTURE_VARIANT_ADD(condition, beginning) {
	.key = FILTER_FINGERPRINT, .session = "AB1", .record = "f", .neither = "ab12cd345",
};

FIXTURE_VARIANT_ADD(condition, delivery) {
	.key = FILTER_DELIVERY, .session = "adopt", .record = NULL, .neither = "relay",
};

FIXTURE_VARIANT_ADD(condition, direction) {
	.key = FILTER_DIRECTION, .session = "inbound", .record = "outbound", .neither = NULL,
};

FIXTURE_VARIANT_ADD(condition, reason) {
	.key = FILTER_REASON, .session = "accepted", .record = "1024 bits", .neither = "2048 bits",
};

FIXTURE_VARIANT_ADD(condition, check_that_failed) {
	.key = FILTER_REASON, .session = "accept", .record = "key-2048", .neither = "in-date",
};

FIXTURE_SETUP(condition)
{
}

FIXTURE_TEARDOWN(condition)
{
}

TEST_F(condition, fits_what_it_names)
{
	EXPECT_EQ(1, fits(session_text, variant->key, variant->session));
	EXPECT_EQ(0, fits(record_text, variant->key, variant->session));
	EXPECT_EQ(0, fits(bare_text, variant->key, variant->session));
	if (variant->record) {
		EXPECT_EQ(1, fits(record_text, variant->key, variant->record));
		EXPECT_EQ(0, fits(session_text, variant->key, variant->record));
	}
	if (variant->neither) {
		EXPECT_EQ(0, fits(session_text, variant->key, variant->neither));
		EXPECT_EQ(0, fits(record_text, variant->key, variant->neither));
	}
}

TEST(all_conditions_have_to_fit)
{
	struct filter filter = { 0 };
	char why[FILTER_WHY_LEN];
	json_t *session = json_loads(session_text, 0, NULL);
	json_t *bare = json_loads(bare_text, 0, NULL);

	EXPECT_EQ(1, filter_fits(&filter, session));
	EXPECT_EQ(1, filter_fits(&filter, bare));
	ASSERT_OK(filter_set(&filter, FILTER_LINE, "trunk", why));
	ASSERT_OK(filter_set(&filter, FILTER_PEER, "192.0.2.0/24", why));
	EXPECT_EQ(1, filter_fits(&filter, session));
	ASSERT_OK(filter_set(&filter, FILTER_DIRECTION, "outbound", why));
	EXPECT_EQ(0, filter_fits(&filter, session));
	/* the last one of a key counts */
	ASSERT_OK(filter_set(&filter, FILTER_DIRECTION, "inbound", why));
	EXPECT_EQ(1, filter_fits(&filter, session));
	EXPECT_EQ(0, filter_fits(&filter, bare));
	json_decref(session);
	json_decref(bare);
}

TEST(a_bad_value_is_named)
{
	static const struct {
		enum filter_key key;
		const char *value;
	} bad[] = {
		{ FILTER_LINE, "" },
		{ FILTER_LINE, "a-name-that-is-longer-than-a-name-of-a-line" },
		{ FILTER_FUNCTION, "sip" },
		{ FILTER_FUNCTION, "SIP-LINE" },
		{ FILTER_PEER, "192.0.2.1/24" },
		{ FILTER_PEER, "192.0.2.0/33" },
		{ FILTER_PEER, "192.0.2.1:5061" },
		{ FILTER_PEER, "localhost" },
		{ FILTER_FINGERPRINT, "" },
		{ FILTER_FINGERPRINT, ":" },
		{ FILTER_FINGERPRINT, "xyz" },
		{ FILTER_FINGERPRINT, "0123456789012345678901234567890123456789012345678901234567890"
				      "1234" },
		{ FILTER_DELIVERY, "auto" },
		{ FILTER_DIRECTION, "both" },
		{ FILTER_KEY_COUNT, "anything" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct filter filter = { 0 }, untouched = { 0 };
		char why[FILTER_WHY_LEN] = "", quoted[80];

		EXPECT_EQ(-22, filter_set(&filter, bad[i].key, bad[i].value, why)) {
			TH_LOG("%s", bad[i].value);
		}
		snprintf(quoted, sizeof(quoted), "'%.64s'", bad[i].value);
		if (bad[i].key < FILTER_KEY_COUNT)
			EXPECT_NOT_NULL(strstr(why, quoted));
		EXPECT_EQ(0, memcmp(filter.words, untouched.words, sizeof(filter.words)));
		EXPECT_STREQ("", filter.fingerprint);
	}
}

HARNESS_MAIN
