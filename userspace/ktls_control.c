// SPDX-License-Identifier: Apache-2.0
#include "userspace/ktls_control.h"

#include <errno.h>
#include <string.h>

#include <openssl/ssl.h>

/*
 * RFC 8446 section 4.6.1: lifetime and age_add, nonce<0..255>, ticket<1..2^16-1>,
 * extensions<0..2^16-2>, the vectors each with their length in front
 */
#define TICKET_MAX (4 + 4 + 1 + 255 + 2 + 65535 + 2 + 65534)
#define TICKET_MIN (4 + 4 + 1 + 2 + 1 + 2)

#define KEY_UPDATE_LEN 1

enum { UPDATE_NOT_REQUESTED, UPDATE_REQUESTED };

void ktls_handshake_init(struct ktls_handshake *hs, uint16_t version, bool is_client)
{
	*hs = (struct ktls_handshake){
		.tickets = version == TLS1_3_VERSION && is_client,
		.key_updates = version == TLS1_3_VERSION,
	};
}

/* Whether a message of this type and length may come at all; called once for each. */
static int check_header(const struct ktls_handshake *hs)
{
	uint32_t len = hs->body_left;

	switch (hs->header[0]) {
	case KTLS_HANDSHAKE_NEW_SESSION_TICKET:
		return hs->tickets && len >= TICKET_MIN && len <= TICKET_MAX ? 0 : -EPROTO;
	case KTLS_HANDSHAKE_KEY_UPDATE:
		return hs->key_updates && len == KEY_UPDATE_LEN ? 0 : -EPROTO;
	default:
		return -EPROTO;
	}
}

/* Takes one byte of a header, and looks at it once it is whole. */
static int read_header(struct ktls_handshake *hs, uint8_t byte)
{
	hs->header[hs->header_len++] = byte;
	if (hs->header_len < sizeof(hs->header))
		return 0;
	hs->body_left = (uint32_t)(hs->header[1] << 16 | hs->header[2] << 8 | hs->header[3]);
	return check_header(hs);
}

/*
 * The kernel knows a KeyUpdate by the first byte of its record, and only then waits for the next
 * key: one that is elsewhere in a record, or spread over two, cannot be followed.
 */
static int read_key_update(struct ktls_handshake *hs, const uint8_t *record, size_t len,
			   size_t at, struct ktls_handshake_news *news)
{
	uint8_t request = record[at];

	if (at != sizeof(hs->header) || len != sizeof(hs->header) + KEY_UPDATE_LEN ||
	    request > UPDATE_REQUESTED)
		return -EPROTO;
	news->key_update = true;
	news->update_requested = request == UPDATE_REQUESTED;
	hs->header_len = 0;
	hs->body_left = 0;
	return 0;
}

/* A ticket is of no use here: the agent keeps no sessions of its own as a client. */
static size_t skip_ticket(struct ktls_handshake *hs, size_t len, struct ktls_handshake_news *news)
{
	size_t n = len < hs->body_left ? len : hs->body_left;

	hs->body_left -= (uint32_t)n;
	if (!hs->body_left) {
		hs->header_len = 0;
		news->tickets++;
	}
	return n;
}

int ktls_handshake_read(struct ktls_handshake *hs, const uint8_t *record, size_t len,
			struct ktls_handshake_news *news)
{
	*news = (struct ktls_handshake_news){ 0 };
	for (size_t at = 0; at < len;) {
		int r = 0;

		if (hs->header_len < sizeof(hs->header))
			r = read_header(hs, record[at++]);
		else if (hs->header[0] == KTLS_HANDSHAKE_KEY_UPDATE)
			r = read_key_update(hs, record, len, at++, news);
		else
			at += skip_ticket(hs, len - at, news);
		if (r)
			return r;
	}
	return 0;
}

int ktls_alert_read(const uint8_t *record, size_t len, uint16_t version,
		    struct ktls_alert *alert)
{
	if (len != 2)
		return -EPROTO;

	uint8_t level = record[0], description = record[1];

	/*
	 * TLS 1.3 has but two that are no errors, whatever their level; in TLS 1.2
	 * the level decides.
	 */
	*alert = (struct ktls_alert){
		.level = level,
		.description = description,
		.close = description == SSL3_AD_CLOSE_NOTIFY,
		.ignore = version == TLS1_3_VERSION ?
				  description == TLS1_AD_USER_CANCELLED :
				  level == SSL3_AL_WARNING && description != SSL3_AD_CLOSE_NOTIFY,
	};
	return 0;
}
