// SPDX-License-Identifier: Apache-2.0
/* TLS records that are not data, as a peer sends them after its handshake. */
#include "tests/fuzz/ktls.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <string.h>

#include "tests/fuzz/target.h"
#include "userspace/ktls_control.h"

enum { KTLS_TICKET_LONGEST = 4 + 4 + 1 + 255 + 2 + 65535 + 2 + 65534 };

/* RFC 8446 section 4 once more: one byte after the other, to count the tickets */
struct walk {
	uint8_t header[4];
	size_t header_len, left;
	unsigned int tickets;
};

static void walk_byte(struct walk *walk, uint8_t byte)
{
	if (walk->header_len == sizeof(walk->header)) {
		walk->left--;
	} else {
		walk->header[walk->header_len++] = byte;
		if (walk->header_len < sizeof(walk->header))
			return;
		walk->left = (size_t)walk->header[1] << 16 | walk->header[2] << 8 | walk->header[3];
	}
	if (walk->left)
		return;
	walk->tickets += walk->header[0] == KTLS_HANDSHAKE_NEW_SESSION_TICKET;
	walk->header_len = 0;
}

static void ktls_require_read(const struct ktls_head *head, const struct ktls_handshake *hs,
			      const uint8_t *record, size_t len,
			      const struct ktls_handshake_news *news)
{
	REQUIRE(hs->header_len <= sizeof(hs->header) && hs->body_left <= KTLS_TICKET_LONGEST);
	REQUIRE(!news->tickets || (head->tls13 & head->client & 1));
	REQUIRE(!news->update_requested || news->key_update);
	/* the kernel changes its key only for a record that is just this */
	if (news->key_update)
		REQUIRE(head->tls13 & 1 && len == 5 && record[0] == KTLS_HANDSHAKE_KEY_UPDATE &&
			news->update_requested == record[4] && !hs->header_len);
}

/* true: the session goes on */
static bool ktls_read(const struct ktls_head *head, struct ktls_handshake *hs, struct walk *walk,
		      const uint8_t *record, size_t len)
{
	struct ktls_handshake_news news;
	unsigned int before = walk->tickets;
	int err = ktls_handshake_read(hs, record, len, &news);

	REQUIRE(err == 0 || err == -EPROTO);
	if (err)
		return false;
	ktls_require_read(head, hs, record, len, &news);
	for (size_t i = 0; i < len; i++)
		walk_byte(walk, record[i]);
	REQUIRE(news.tickets == walk->tickets - before);
	REQUIRE(hs->header_len == walk->header_len);
	REQUIRE(walk->header_len < sizeof(walk->header) || hs->body_left == walk->left);
	return true;
}

/* a message that came whole means the same in pieces */
static void ktls_require_pieces(const struct ktls_head *head, uint16_t version,
				const uint8_t *record, size_t len, unsigned int tickets)
{
	struct ktls_handshake hs;
	struct walk walk = { 0 };

	ktls_handshake_init(&hs, version, head->client & 1);
	for (size_t i = 0; i < len; i++)
		REQUIRE(ktls_read(head, &hs, &walk, record + i, 1));
	REQUIRE(walk.tickets == tickets);
}

static void ktls_require_alert(const uint8_t *record, size_t len, uint16_t version)
{
	struct ktls_alert alert = { 0 };
	int err = ktls_alert_read(record, len, version, &alert);

	REQUIRE(err == (len == 2 ? 0 : -EPROTO));
	if (err)
		return;
	REQUIRE(alert.level == record[0] && alert.description == record[1]);
	REQUIRE(alert.close == (record[1] == SSL3_AD_CLOSE_NOTIFY));
	/* a fatal alert is never overlooked, nor is the end */
	REQUIRE(!alert.ignore || !alert.close);
	REQUIRE(!alert.ignore || record[0] == SSL3_AL_WARNING ||
		(version == TLS1_3_VERSION && record[1] == TLS1_AD_USER_CANCELLED));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct ktls_handshake hs;
	struct walk walk = { 0 };
	struct ktls_head head;
	bool goes_on = true;

	target_take(&data, &len, &head, sizeof(head));

	uint16_t version = head.tls13 & 1 ? TLS1_3_VERSION : TLS1_2_VERSION;

	ktls_handshake_init(&hs, version, head.client & 1);
	for (bool first = true; goes_on && len >= 2; first = false) {
		size_t record = (size_t)data[0] << 8 | data[1];

		data += 2;
		len -= 2;
		record = record < len ? record : len;
		ktls_require_alert(data, record, version);
		goes_on = ktls_read(&head, &hs, &walk, data, record);
		if (first && goes_on && record && data[0] == KTLS_HANDSHAKE_NEW_SESSION_TICKET)
			ktls_require_pieces(&head, version, data, record, walk.tickets);
		data += record;
		len -= record;
	}
	return 0;
}
