// SPDX-License-Identifier: Apache-2.0
/* Messages of a worker, and TLS records that are not data. */
#include <openssl/ssl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "policy/verdict.h"
#include "tests/fuzz/fixed.h"
#include "tests/fuzz/ktls.h"
#include "tests/fuzz/message.h"
#include "tests/fuzz/seed.h"
#include "userspace/ktls_control.h"
#include "userspace/message.h"

static struct seed seed;

static void seed_message_one(const struct message *message, size_t len, uint8_t fds,
			     const char *name)
{
	struct message_head head = { .fds = fds };

	seed_begin(&seed, &head, sizeof(head));
	seed_add(&seed, message, len);
	seed_write(&seed, "message", name);
}

/* a record as a worker fills it in, for a peer that is accepted, or refused */
static void seed_fill_record(struct record *record, enum level level, enum record_event event)
{
	struct facts facts _cleanup_(facts_release) = { 0 };
	struct store *store _cleanup_(cleanup_store_free) = fixed_store_new();
	struct rule rule = { .level = level, .peer = PEER_CLIENT };
	const struct evidence evidence = {
		.store = store,
		.leaf = fixed_certificate(FIXED_GOOD),
	};

	policy_check_chain(&evidence, &rule, FIXED_NOW, &record->verdict, &facts);
	record_set_certificate(record, &facts);
	record->time_ms = (uint64_t)FIXED_NOW * 1000;
	record->event = event;
	record->function = FUNCTION_SIP_LINE;
	record->level = level;
	record->cookie = 7;
	strcpy(record->line, "trunk-a");
	strcpy(record->peer, "[2001:db8::1]:5061");
	strcpy(record->reason, record->verdict.reason);
	strcpy(record->ktls, "yes");
}

/* the texts of a record, each of which may come without an end, or with what moves a cursor */
#define SEED_TEXT(field) { offsetof(struct record, field), sizeof(((struct record *)0)->field) }
static const struct {
	size_t offset, size;
} seed_texts[] = {
	SEED_TEXT(resumed),
	SEED_TEXT(line),
	SEED_TEXT(peer),
	SEED_TEXT(local),
	SEED_TEXT(reason),
	SEED_TEXT(alert),
	SEED_TEXT(tls),
	SEED_TEXT(cipher),
	SEED_TEXT(ktls),
	SEED_TEXT(subject),
	SEED_TEXT(issuer),
	SEED_TEXT(fingerprint),
	SEED_TEXT(verdict.reason),
	SEED_TEXT(verdict.results[0].reason),
	SEED_TEXT(verdict.notes[0]),
};

static void seed_bad_texts(const struct message *message)
{
	for (size_t i = 0; i < sizeof(seed_texts) / sizeof(seed_texts[0]); i++) {
		struct message endless = *message, raw;
		char name[16];

		endless.record.verdict.note_count = 1;
		raw = endless;
		memset((char *)&endless.record + seed_texts[i].offset, 'x', seed_texts[i].size);
		snprintf(name, sizeof(name), "endless-%zu", i);
		seed_message_one(&endless, sizeof(endless), 0, name);
		strcpy((char *)&raw.record + seed_texts[i].offset, i % 2 ? "\x1b" "A" : "\xc3");
		snprintf(name, sizeof(name), "raw-%zu", i);
		seed_message_one(&raw, sizeof(raw), 0, name);
	}
}

void seed_message(void)
{
	const size_t body = offsetof(struct message, record);
	struct message message = { .type = MESSAGE_RECORD };

	seed_fill_record(&message.record, LEVEL_MEDIUM, RECORD_REFUSED);
	seed_message_one(&message, sizeof(message), 0, "refused");
	seed_bad_texts(&message);
	message.record.event = RECORD_ENDED;
	seed_message_one(&message, sizeof(message), 0, "ended");
	message = (struct message){ .type = MESSAGE_SESSION, .cookie = 7 };
	seed_fill_record(&message.record, LEVEL_LOW, RECORD_ACCEPTED);
	seed_message_one(&message, sizeof(message), 3, "session");
	seed_message_one(&message, sizeof(message), 2, "session-two");
	message.type = MESSAGE_JUDGED;
	seed_message_one(&message, sizeof(message), 0, "judged");
	message = (struct message){ .type = MESSAGE_JUDGE, .judge = { 1, DIRECTION_INBOUND, "a" } };
	seed_message_one(&message, body + sizeof(message.judge), 1, "judge");
	message = (struct message){ .type = MESSAGE_DENIED, .denied.count = 1 };
	seed_message_one(&message, body + sizeof(message.denied), 1, "denied");
	message = (struct message){ .type = MESSAGE_RELAY, .cookie = 7 };
	seed_message_one(&message, body, 2, "relay");
	message.type = MESSAGE_CARRY;
	message.carry = (struct carry){
		.version = TLS1_3_VERSION,
		.suite = 0x1301,
		.record_size = 16384,
		.can_rekey = 1,
		.records_max = 1 << 24,
	};
	seed_message_one(&message, body + sizeof(message.carry), 2, "carry");
	message.carry.version = TLS1_2_VERSION;
	seed_message_one(&message, body + sizeof(message.carry), 2, "carry-other");
	message = (struct message){ .type = MESSAGE_DEPART, .cookie = 7 };
	seed_message_one(&message, body, 2, "depart");
	message.order = 5;
	seed_message_one(&message, body, 1, "depart-ordered");
	seed_message_one(&message, body, 2, "depart-ordered-two");
	message.type = MESSAGE_UNDONE;
	seed_message_one(&message, body, 0, "undone");
	message.type = MESSAGE_CANCEL;
	seed_message_one(&message, body, 0, "cancel");
	message.type = MESSAGE_ORDER;
	seed_message_one(&message, body + sizeof(message.what), 0, "order");
	message = (struct message){ .type = MESSAGE_FORGET, .cookie = 7 };
	seed_message_one(&message, body, 1, "forget");
	message.type = MESSAGE_ANSWER;
	message.error = -1;
	seed_message_one(&message, body, 0, "answer");
	message = (struct message){ .type = MESSAGE_END, .end = { 1, 2, "closed" } };
	seed_message_one(&message, body + sizeof(message.end), 1, "end");
	seed_message_one(&message, body + sizeof(message.end), 3, "end-three");
}

static void seed_record(const void *bytes, size_t len)
{
	uint8_t head[2] = { (uint8_t)(len >> 8), (uint8_t)len };

	seed_add(&seed, head, sizeof(head));
	seed_add(&seed, bytes, len);
}

/* lifetime, age, a nonce of one byte, a ticket of four, no extensions */
static const uint8_t seed_ticket[] = {
	KTLS_HANDSHAKE_NEW_SESSION_TICKET, 0, 0, 18, 0, 0, 14, 16, 1, 2, 3, 4, 1, 0, 0, 4, 9, 9,
	9, 9, 0, 0,
};
static const uint8_t seed_update[] = { KTLS_HANDSHAKE_KEY_UPDATE, 0, 0, 1, 1 };
static const uint8_t seed_close[] = { SSL3_AL_WARNING, SSL3_AD_CLOSE_NOTIFY };
static const uint8_t seed_cancelled[] = { SSL3_AL_WARNING, TLS1_AD_USER_CANCELLED };
static const uint8_t seed_fatal[] = { SSL3_AL_FATAL, TLS1_AD_UNKNOWN_CA };
static const uint8_t seed_hello[] = { 0, 0, 0, 0 };

void seed_ktls(void)
{
	for (uint8_t i = 0; i < 4; i++) {
		struct ktls_head head = { .tls13 = i & 1, .client = i >> 1 };
		char name[16];

		seed_begin(&seed, &head, sizeof(head));
		seed_record(seed_ticket, sizeof(seed_ticket));
		seed_record(seed_update, sizeof(seed_update));
		seed_record(seed_ticket, 7);
		seed_record(seed_ticket + 7, sizeof(seed_ticket) - 7);
		seed_record(seed_close, sizeof(seed_close));
		snprintf(name, sizeof(name), "tickets-%u", i);
		seed_write(&seed, "ktls", name);

		seed_begin(&seed, &head, sizeof(head));
		seed_record(seed_cancelled, sizeof(seed_cancelled));
		snprintf(name, sizeof(name), "cancelled-%u", i);
		seed_write(&seed, "ktls", name);

		seed_begin(&seed, &head, sizeof(head));
		seed_record(seed_update, sizeof(seed_update));
		seed_record(seed_update, 3);
		seed_record(seed_update + 3, 2);
		seed_record(seed_fatal, sizeof(seed_fatal));
		seed_record(seed_hello, sizeof(seed_hello));
		snprintf(name, sizeof(name), "updates-%u", i);
		seed_write(&seed, "ktls", name);
	}
}
