/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is said about one connection: the audit record, as a worker sends it to the
 * main process. Plain data without pointers; whoever takes it from another process
 * calls record_check() first.
 */
#ifndef USERSPACE_RECORD_H
#define USERSPACE_RECORD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "bpf/abi.h"
#include "policy/verdict.h"
#include "userspace/config.h"

enum record_event {
	RECORD_REFUSED, /* the policy's verdict; zero, so that nothing is accepted by omission */
	RECORD_ACCEPTED,
	RECORD_OBSERVED, /* the verdict refuses, and the line's mode lets the connection go on */
	RECORD_FAILED, /* no verdict was reached: no TLS, time-out, no line, no keys */
	RECORD_ENDED, /* of a session that was accepted */
	/* a live session that would be refused now, and goes on: on-expiry = record, mode = observe */
	RECORD_SPARED,
	RECORD_EVENT_COUNT,
};

enum { RECORD_TEXT_LEN = 256, RECORD_ALERT_LEN = 32 };

struct record {
	uint64_t time_ms; /* since the epoch */
	uint64_t cookie; /* of the socket: the same in accepted and ended, and in bpftool's view */
	enum record_event event;
	enum function function;
	enum level level;
	enum direction direction;
	char line[LW_NAME_LEN]; /* empty: no line claims the peer */
	char peer[LW_ENDPOINT_LEN];
	char local[LW_ENDPOINT_LEN];
	char reason[RECORD_TEXT_LEN];
	char alert[RECORD_ALERT_LEN]; /* that was sent to the peer; empty: none */
	char tls[LW_TLS_LEN];
	char cipher[40];
	char resumed[4]; /* "yes": the certificate is that of the TLS session's first handshake */
	char ktls[4]; /* "yes", "no", or empty before it was decided */
	char delivery[8]; /* "relay" or "adopt"; empty where there is no session, and of a worker */
	char subject[RECORD_TEXT_LEN];
	char issuer[RECORD_TEXT_LEN];
	char fingerprint[LW_FINGERPRINT_LEN]; /* empty: no certificate was received */
	int64_t not_after; /* seconds since the epoch */
	uint64_t bytes_in, bytes_out; /* RECORD_ENDED: of the client's side */
	struct verdict verdict; /* RECORD_REFUSED, RECORD_ACCEPTED and RECORD_OBSERVED */
};

/* CLOCK_REALTIME in ms, for time_ms. */
uint64_t record_clock_ms(void);

/* A time as records have it: "2026-11-24T15:00:00.123Z". */
void record_put_time(json_t *json, const char *key, uint64_t ms);

/* Fills in what a line says of its connections. */
void record_set_line(struct record *record, const struct config_line *line);

/* Fills in what is known of a live session; its certificate's names are not. */
void record_set_session(struct record *record, const struct session *session);

/* Fills the strings of the certificate in; facts NULL, or of no certificate: takes them back. */
void record_set_certificate(struct record *record, const struct facts *facts);

/* Whether enumerations are in range and every string is printable ASCII: -EBADMSG if not. */
int record_check(const struct record *record);

/* The audit record as it is written; NULL when out of memory. A new reference. */
json_t *record_to_json(const struct record *record);

/* The counters' key: "accepted", "observed", the check that refused, or "no-verdict". */
const char *record_reason_key(const struct record *record);

/* Whether the record is of a connection that goes on to the app. */
static inline bool record_opens(const struct record *record)
{
	return record->event == RECORD_ACCEPTED || record->event == RECORD_OBSERVED;
}

/* "inbound", "outbound"; NULL for anything else. */
const char *direction_name(enum direction direction);

/* "refused", "accepted", "observed", "failed", "ended", "spared"; NULL outside the enumeration. */
const char *record_event_name(enum record_event event);

#endif
