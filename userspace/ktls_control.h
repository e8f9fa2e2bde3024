/* SPDX-License-Identifier: Apache-2.0 */
/* The records that are not data, which a session must understand after its handshake. */
#ifndef USERSPACE_KTLS_CONTROL_H
#define USERSPACE_KTLS_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* RFC 8446 section 4: the messages that may follow a handshake */
enum {
	KTLS_HANDSHAKE_NEW_SESSION_TICKET = 4,
	KTLS_HANDSHAKE_KEY_UPDATE = 24,
};

/* Reads the handshake messages of one session; messages may be spread over records. */
struct ktls_handshake {
	bool tickets;	    /* NewSessionTicket is allowed: TLS 1.3 and we are the client */
	bool key_updates;   /* KeyUpdate is allowed: TLS 1.3 */
	uint8_t header[4];  /* of the message that is being read */
	uint8_t header_len; /* bytes of it that were seen */
	uint32_t body_left; /* bytes of its body that are still to come */
};

/* What one record said. */
struct ktls_handshake_news {
	unsigned int tickets; /* that ended in this record */
	bool key_update;      /* the peer's next record comes under its next key */
	bool update_requested; /* and it asks for ours to change as well */
};

void ktls_handshake_init(struct ktls_handshake *hs, uint16_t version, bool is_client);

/*
 * Takes the bytes of one handshake record. -EPROTO: a message that has no place here
 * (TLS 1.2 renegotiation too), of a wrong length, or a KeyUpdate that is not all of its
 * record (RFC 8446 sections 4.6 and 5.1; the kernel overlooks one that comes behind another
 * message). The session is to be ended with unexpected_message then.
 */
int ktls_handshake_read(struct ktls_handshake *hs, const uint8_t *record, size_t len,
			struct ktls_handshake_news *news);

struct ktls_alert {
	uint8_t level, description;
	bool close;  /* close_notify: the peer will send no more */
	bool ignore; /* says nothing about the session's end; everything else ends it */
};

/* RFC 8446 section 6, RFC 5246 section 7.2. -EPROTO: not exactly one alert. */
int ktls_alert_read(const uint8_t *record, size_t len, uint16_t version,
		    struct ktls_alert *alert);

#endif
