// SPDX-License-Identifier: Apache-2.0
#include "userspace/record.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "policy/text.h"
#include "userspace/function.h"

static const char *const record_events[] = {
	[RECORD_REFUSED] = "refused",
	[RECORD_ACCEPTED] = "accepted",
	[RECORD_OBSERVED] = "observed",
	[RECORD_FAILED] = "failed",
	[RECORD_ENDED] = "ended",
	[RECORD_SPARED] = "spared",
};
_Static_assert(sizeof(record_events) / sizeof(record_events[0]) == RECORD_EVENT_COUNT,
	       "every event has a name");

const char *direction_name(enum direction direction)
{
	switch (direction) {
	case DIRECTION_INBOUND:
		return "inbound";
	case DIRECTION_OUTBOUND:
		return "outbound";
	default:
		return NULL;
	}
}

const char *record_event_name(enum record_event event)
{
	return event < RECORD_EVENT_COUNT ? record_events[event] : NULL;
}

uint64_t record_clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

void record_set_certificate(struct record *record, const struct facts *facts)
{
	size_t i;

	*record->fingerprint = *record->subject = *record->issuer = '\0';
	record->not_after = 0;
	if (!facts || !facts->present)
		return;
	for (i = 0; i < FACTS_SHA256; i++)
		snprintf(record->fingerprint + 2 * i, 3, "%02x", facts->leaf.sha256[i]);
	snprintf(record->subject, sizeof(record->subject), "%s", facts->leaf.subject);
	snprintf(record->issuer, sizeof(record->issuer), "%s", facts->leaf.issuer);
	record->not_after = facts->leaf.not_after;
}

void record_set_line(struct record *record, const struct config_line *line)
{
	record->function = line->function;
	record->level = line->rule.level;
	record->direction = line->direction;
	snprintf(record->line, sizeof(record->line), "%s", line->name);
}

void record_set_session(struct record *record, const struct session *session)
{
	record->function = session->function;
	record->level = (enum level)session->level;
	record->direction = session->direction;
	record->not_after = (int64_t)session->not_after;
	snprintf(record->line, sizeof(record->line), "%s", session->line);
	snprintf(record->peer, sizeof(record->peer), "%s", session->peer);
	snprintf(record->local, sizeof(record->local), "%s", session->local);
	snprintf(record->fingerprint, sizeof(record->fingerprint), "%s", session->fingerprint);
	snprintf(record->tls, sizeof(record->tls), "%s", session->tls);
	snprintf(record->cipher, sizeof(record->cipher), "%s", session->cipher);
	snprintf(record->ktls, sizeof(record->ktls), "%s", session->ktls);
	snprintf(record->delivery, sizeof(record->delivery), "%s", session->delivery);
}

/* the worker escaped what its peer chose; a worker that was taken over may not have */
#define RECORD_IS_TEXT(field) text_is_printable(field, sizeof(field))

static bool record_verdict_sound(const struct verdict *verdict)
{
	const struct check_result *result;
	size_t i;

	if (verdict->refusal >= REFUSAL_COUNT || verdict->level >= LEVEL_COUNT ||
	    verdict->failed > CHECK_COUNT || verdict->result_count > CHECK_COUNT ||
	    verdict->note_count > VERDICT_NOTES_MAX || !RECORD_IS_TEXT(verdict->reason))
		return false;
	for (i = 0; i < verdict->result_count; i++) {
		result = &verdict->results[i];
		if (result->check >= CHECK_COUNT || result->outcome >= OUTCOME_COUNT ||
		    result->refusal >= REFUSAL_COUNT || !RECORD_IS_TEXT(result->reason))
			return false;
	}
	for (i = 0; i < verdict->note_count; i++)
		if (!RECORD_IS_TEXT(verdict->notes[i]))
			return false;
	return true;
}

int record_check(const struct record *record)
{
	unsigned char accepted;

	_Static_assert(sizeof(accepted) == sizeof(record->verdict.accepted), "a bool is a byte");
	if (*record->delivery || record->event >= RECORD_EVENT_COUNT || record->function >= FUNCTION_COUNT ||
	    record->level >= LEVEL_COUNT || !direction_name(record->direction))
		return -EBADMSG;
	if (!RECORD_IS_TEXT(record->resumed) || !RECORD_IS_TEXT(record->line) ||
	    !RECORD_IS_TEXT(record->peer) || !RECORD_IS_TEXT(record->local) ||
	    !RECORD_IS_TEXT(record->reason) || !RECORD_IS_TEXT(record->alert) ||
	    !RECORD_IS_TEXT(record->tls) || !RECORD_IS_TEXT(record->cipher) ||
	    !RECORD_IS_TEXT(record->ktls) || !RECORD_IS_TEXT(record->subject) ||
	    !RECORD_IS_TEXT(record->issuer) || !RECORD_IS_TEXT(record->fingerprint))
		return -EBADMSG;
	/* as a byte: reading a bool that is neither 0 nor 1 is undefined */
	memcpy(&accepted, &record->verdict.accepted, sizeof(accepted));
	if (accepted > 1 || (record->event == RECORD_ACCEPTED && !accepted) ||
	    (record->event == RECORD_OBSERVED && accepted))
		return -EBADMSG;
	return record_verdict_sound(&record->verdict) ? 0 : -EBADMSG;
}

const char *record_reason_key(const struct record *record)
{
	const char *check;

	switch (record->event) {
	case RECORD_ACCEPTED:
		return "accepted";
	case RECORD_OBSERVED:
		return "observed";
	case RECORD_REFUSED:
		check = check_name(record->verdict.failed);
		return check ? check : "no-verdict";
	case RECORD_FAILED:
	case RECORD_ENDED:
	case RECORD_SPARED:
	default:
		return "no-verdict";
	}
}

void record_put_time(json_t *json, const char *key, uint64_t ms)
{
	time_t seconds = (time_t)(ms / 1000);
	char text[40], day[32];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "%s.%03uZ", day, (unsigned int)(ms % 1000));
	json_object_set_new(json, key, json_string(text));
}

static void record_put_text(json_t *json, const char *key, const char *text)
{
	if (text && *text)
		json_object_set_new(json, key, json_string(text));
}

static json_t *record_certificate(const struct record *record)
{
	json_t *json = json_object();

	record_put_text(json, "subject", record->subject);
	record_put_text(json, "issuer", record->issuer);
	record_put_text(json, "sha256", record->fingerprint);
	record_put_time(json, "not_after", (uint64_t)record->not_after * 1000);
	return json;
}

static void record_put_verdict(json_t *json, const struct verdict *verdict)
{
	const struct check_result *result;
	json_t *list = json_array();
	json_t *notes = json_array();
	size_t i;

	for (i = 0; i < verdict->result_count; i++) {
		result = &verdict->results[i];
		json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "check",
						      check_name(result->check), "outcome",
						      outcome_name(result->outcome), "reason",
						      result->reason));
	}
	for (i = 0; i < verdict->note_count; i++)
		json_array_append_new(notes, json_string(verdict->notes[i]));
	if (!verdict->accepted)
		record_put_text(json, "refusal", refusal_name(verdict->refusal));
	json_object_set_new(json, "checks", list);
	if (json_array_size(notes))
		json_object_set(json, "notes", notes);
	json_decref(notes);
}

json_t *record_to_json(const struct record *record)
{
	json_t *json = json_object();

	if (!json)
		return NULL;
	record_put_time(json, "time", record->time_ms);
	record_put_text(json, "event", record_event_name(record->event));
	record_put_text(json, "line", record->line);
	if (record->function != FUNCTION_NONE)
		record_put_text(json, "function", function_name(record->function));
	record_put_text(json, "level", level_name(record->level));
	if (*record->line)
		record_put_text(json, "direction", direction_name(record->direction));
	record_put_text(json, "peer", record->peer);
	record_put_text(json, "local", record->local);
	record_put_text(json, "reason", record->reason);
	record_put_text(json, "alert", record->alert);
	record_put_text(json, "tls", record->tls);
	record_put_text(json, "cipher", record->cipher);
	if (*record->resumed)
		json_object_set_new(json, "resumed", json_true());
	if (*record->ktls)
		json_object_set_new(json, "ktls", json_boolean(!strcmp(record->ktls, "yes")));
	record_put_text(json, "delivery", record->delivery);
	if (*record->fingerprint)
		json_object_set_new(json, "certificate", record_certificate(record));
	if (record_opens(record) || record->event == RECORD_REFUSED)
		record_put_verdict(json, &record->verdict);
	if (record->event == RECORD_ENDED) {
		json_object_set_new(json, "bytes_in", json_integer((json_int_t)record->bytes_in));
		json_object_set_new(json, "bytes_out", json_integer((json_int_t)record->bytes_out));
	}
	if (record->cookie)
		json_object_set_new(json, "cookie", json_integer((json_int_t)record->cookie));
	return json;
}
