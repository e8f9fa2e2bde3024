// SPDX-License-Identifier: Apache-2.0
/* What is done with bytes from a hostile peer, and the rate limit. */
#include <errno.h>
#include <string.h>

#include <openssl/ssl.h>

#include "tests/harness.h"
#include "userspace/bucket.h"
#include "userspace/ktls_control.h"
#include "userspace/ktls_wire.h"

#define TICKET_BODY 20

static struct ktls_handshake client13(void)
{
	struct ktls_handshake hs;

	ktls_handshake_init(&hs, TLS1_3_VERSION, true);
	return hs;
}

static struct ktls_handshake_news news;

#define READ(hs, ...)                                                                              \
	ktls_handshake_read(hs, (const uint8_t[]){ __VA_ARGS__ },                                  \
			    sizeof((const uint8_t[]){ __VA_ARGS__ }), &news)

TEST(key_update)
{
	struct ktls_handshake hs = client13();

	EXPECT_OK(READ(&hs, 24, 0, 0, 1, 0));
	EXPECT_TRUE(news.key_update);
	EXPECT_FALSE(news.update_requested);
	EXPECT_OK(READ(&hs, 24, 0, 0, 1, 1));
	EXPECT_TRUE(news.key_update);
	EXPECT_TRUE(news.update_requested);
	EXPECT_EQ(0, news.tickets);
}

TEST(key_update_malformed)
{
	static const struct {
		const char *what;
		uint8_t bytes[12];
		size_t len;
	} cases[] = {
		{ "request 2", { 24, 0, 0, 1, 2 }, 5 },
		{ "no body", { 24, 0, 0, 0 }, 4 },
		{ "long body", { 24, 0, 0, 2, 0, 0 }, 6 },
		{ "huge body", { 24, 1, 0, 1, 0 }, 5 },
		{ "two in a record", { 24, 0, 0, 1, 0, 24, 0, 0, 1, 0 }, 10 },
		{ "followed by half a header", { 24, 0, 0, 1, 0, 4 }, 6 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ktls_handshake hs = client13();

		EXPECT_EQ(-EPROTO,
			  ktls_handshake_read(&hs, cases[i].bytes, cases[i].len, &news)) {
			TH_LOG("%s", cases[i].what);
		}
	}
}

TEST(key_update_over_two_records)
{
	struct ktls_handshake hs = client13();

	EXPECT_OK(READ(&hs, 24, 0, 0, 1));
	EXPECT_FALSE(news.key_update);
	EXPECT_EQ(-EPROTO, READ(&hs, 0));

	hs = client13();
	EXPECT_OK(READ(&hs, 24));
	EXPECT_EQ(-EPROTO, READ(&hs, 0, 0, 1, 0, 24));
}

TEST(key_update_behind_a_ticket)
{
	struct ktls_handshake hs = client13();

	EXPECT_EQ(-EPROTO,
		  READ(&hs, 4, 0, 0, 14, [17] = 0, 24, 0, 0, 1, 0));
}

TEST(not_allowed)
{
	static const struct {
		const char *what;
		uint16_t version;
		bool is_client;
		uint8_t bytes[24];
		size_t len;
	} cases[] = {
		{ "ticket from a client", TLS1_3_VERSION, false, { 4, 0, 0, TICKET_BODY }, 24 },
		{ "ClientHello", TLS1_3_VERSION, false, { 1, 0, 0, 4 }, 8 },
		{ "CertificateRequest", TLS1_3_VERSION, true, { 13, 0, 0, 4 }, 8 },
		{ "TLS 1.2 ticket", TLS1_2_VERSION, true, { 4, 0, 0, TICKET_BODY }, 24 },
		{ "TLS 1.2 KeyUpdate", TLS1_2_VERSION, true, { 24, 0, 0, 1, 0 }, 5 },
		{ "HelloRequest", TLS1_2_VERSION, true, { 0, 0, 0, 0 }, 4 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ktls_handshake hs;

		ktls_handshake_init(&hs, cases[i].version, cases[i].is_client);
		EXPECT_EQ(-EPROTO,
			  ktls_handshake_read(&hs, cases[i].bytes, cases[i].len, &news)) {
			TH_LOG("%s", cases[i].what);
		}
	}
}

TEST(tickets)
{
	uint8_t record[2 * (4 + TICKET_BODY)] = { 4, 0, 0, TICKET_BODY };
	struct ktls_handshake hs = client13();

	memcpy(record + 4 + TICKET_BODY, record, 4);
	EXPECT_OK(ktls_handshake_read(&hs, record, sizeof(record), &news));
	EXPECT_EQ(2, news.tickets);

	/* in records of every other size */
	for (size_t step = 1; step < sizeof(record); step++) {
		unsigned int tickets = 0;

		for (size_t at = 0; at < sizeof(record); at += step) {
			size_t left = sizeof(record) - at;

			ASSERT_OK(ktls_handshake_read(&hs, record + at, left < step ? left : step,
						      &news));
			tickets += news.tickets;
		}
		EXPECT_EQ(2, tickets);
	}
	EXPECT_OK(READ(&hs, 24, 0, 0, 1, 0));
	EXPECT_TRUE(news.key_update);
}

TEST(ticket_size)
{
	struct ktls_handshake hs = client13();

	EXPECT_EQ(-EPROTO, READ(&hs, 4, 255, 255, 255));
	hs = client13();
	EXPECT_EQ(-EPROTO, READ(&hs, 4, 0, 0, 0));
	hs = client13();
	EXPECT_OK(READ(&hs, 4, 2, 1, 9)); /* 131337 bytes: nothing longer is a ticket */
	hs = client13();
	EXPECT_EQ(-EPROTO, READ(&hs, 4, 2, 1, 10));
}

TEST(alert)
{
	struct ktls_alert alert;

	EXPECT_OK(ktls_alert_read((const uint8_t[]){ 1, 0 }, 2, TLS1_3_VERSION, &alert));
	EXPECT_TRUE(alert.close);
	EXPECT_FALSE(alert.ignore);
	EXPECT_OK(ktls_alert_read((const uint8_t[]){ 2, 40 }, 2, TLS1_2_VERSION, &alert));
	EXPECT_FALSE(alert.close || alert.ignore);
	EXPECT_EQ(2, alert.level);
	EXPECT_EQ(40, alert.description);
	/* user_canceled is the one warning of TLS 1.3 */
	EXPECT_OK(ktls_alert_read((const uint8_t[]){ 1, 90 }, 2, TLS1_3_VERSION, &alert));
	EXPECT_TRUE(alert.ignore);
	EXPECT_OK(ktls_alert_read((const uint8_t[]){ 1, 46 }, 2, TLS1_3_VERSION, &alert));
	EXPECT_FALSE(alert.ignore);
	EXPECT_OK(ktls_alert_read((const uint8_t[]){ 1, 100 }, 2, TLS1_2_VERSION, &alert));
	EXPECT_TRUE(alert.ignore);
	EXPECT_EQ(-EPROTO, ktls_alert_read((const uint8_t[]){ 1 }, 1, TLS1_2_VERSION, &alert));
	EXPECT_EQ(-EPROTO,
		  ktls_alert_read((const uint8_t[]){ 1, 0, 1, 0 }, 4, TLS1_2_VERSION, &alert));
}

TEST(bucket)
{
	struct bucket bucket = { 0 };
	const uint64_t start = 1000;

	for (int i = 0; i < 3; i++)
		EXPECT_TRUE(bucket_take(&bucket, start, 100, 3));
	EXPECT_FALSE(bucket_take(&bucket, start, 100, 3));
	EXPECT_FALSE(bucket_take(&bucket, start + 99, 100, 3));
	EXPECT_TRUE(bucket_take(&bucket, start + 100, 100, 3));
	EXPECT_FALSE(bucket_take(&bucket, start + 199, 100, 3));
	EXPECT_TRUE(bucket_take(&bucket, start + 200, 100, 3));

	/* After a long rest no more than the burst. */
	for (int i = 0; i < 3; i++)
		EXPECT_TRUE(bucket_take(&bucket, start + 1000000, 100, 3));
	EXPECT_FALSE(bucket_take(&bucket, start + 1000000, 100, 3));
}

static struct ktls_wire pass_in_steps(const uint8_t *bytes, size_t len, size_t step)
{
	struct ktls_wire wire = { 0 };

	for (size_t at = 0; at < len; at += step)
		ktls_wire_pass(&wire, bytes + at, len - at < step ? len - at : step);
	return wire;
}

TEST(wire)
{
	static const uint8_t bytes[] = {
		20, 3, 3, 0, 1, 1,					   /* ChangeCipherSpec */
		22, 3, 3, 0, 0,						   /* an empty one */
		22, 3, 3, 0, 10, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9,		   /* begins with a nonce */
	};
	uint64_t nonce;

	for (size_t step = 1; step <= sizeof(bytes); step++) {
		struct ktls_wire wire = pass_in_steps(bytes, sizeof(bytes), step);

		EXPECT_EQ(3, wire.records);
		EXPECT_FALSE(ktls_wire_in_record(&wire));
		EXPECT_OK(ktls_wire_nonce(&wire, &nonce));
		EXPECT_EQ(0x0001020304050607, nonce);
	}
	for (size_t len = 1; len < sizeof(bytes); len++) {
		struct ktls_wire wire = pass_in_steps(bytes, len, len);

		EXPECT_EQ(len >= 11 ? 2 : len >= 6 ? 1 : 0, wire.records);
		EXPECT_EQ(len != 6 && len != 11, ktls_wire_in_record(&wire));
	}
}

TEST(wire_without_nonce)
{
	static const uint8_t bytes[] = { 22, 3, 3, 0, 7, 1, 2, 3, 4, 5, 6, 7 };
	struct ktls_wire wire = { 0 };
	uint64_t nonce;

	EXPECT_EQ(-EPROTO, ktls_wire_nonce(&wire, &nonce));
	ktls_wire_pass(&wire, bytes, sizeof(bytes));
	EXPECT_EQ(-EPROTO, ktls_wire_nonce(&wire, &nonce));
}

HARNESS_MAIN
