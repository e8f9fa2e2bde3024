// SPDX-License-Identifier: Apache-2.0
/* What becomes of sessions with the verdict of now. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/cleanup.h"
#include "policy/text.h"
#include "userspace/judge.h"
#include "userspace/log.h"
#include "userspace/reverify_internal.h"
#include "userspace/session_end.h"

/* How long they went on after it was known that they may have to end. */
static void decide_tell(const struct reverify *reverify, const char *line, size_t count,
			uint64_t closed_at)
{
	if (closed_at > reverify->since)
		log_line(LOG_NOTICE, "line %s: %zu sessions end; the last gate was closed after %.1f ms",
			 line, count, (double)(closed_at - reverify->since) / 1e6);
}

/* The cohort is gone after this. */
void reverify_end(struct reverify *reverify, struct cohort *cohort, const char *why)
{
	uint64_t *cookies _cleanup_free_ = calloc(cohort->member_count, sizeof(*cookies));
	const struct cohort_member *member;
	size_t count = 0, left = cohort->member_count, i;
	char line[sizeof(cohort->line)];
	uint64_t cookie, closed_at;

	/* without memory for all, one after the other: the last one takes the cohort along */
	while (!cookies && left--) {
		cookie = LIST_FIRST(&cohort->members)->cookie;
		session_end_many(reverify->agent, &cookie, 1, why);
		reverify_forget(reverify, cookie);
	}
	if (!cookies)
		return;
	LIST_FOREACH(member, &cohort->members, entry)
		cookies[count++] = member->cookie;
	memcpy(line, cohort->line, sizeof(line));
	closed_at = session_end_many(reverify->agent, cookies, count, why);
	decide_tell(reverify, line, count, closed_at);
	/* also of what the kernel has no entry any more */
	for (i = 0; i < count; i++)
		reverify_forget(reverify, cookies[i]);
}

static void decide_spare(struct reverify *reverify, struct cohort *cohort,
			 const struct record *record, const char *why)
{
	struct agent *agent = reverify->agent;
	const struct cohort_member *member;
	struct session session;

	reverify_set_due(reverify, cohort, 0);
	/* no date is waited for any more: whatever happens is an occasion to look at it */
	session_table_unmark(reverify->table, cohort);
	if (cohort->spared)
		return;
	cohort->spared = true;
	LIST_FOREACH(member, &cohort->members, entry) {
		if (dataplane_session(agent->dataplane, member->cookie, &session) < 0)
			continue;
		monitor_spared(agent, member->cookie, &session, why);
		session.valid_until = 0;
		snprintf(session.reason, sizeof(session.reason), "%s",
			 check_name(record->verdict.failed));
		dataplane_session_update(agent->dataplane, member->cookie, &session);
	}
}

static void decide_accept(struct reverify *reverify, struct cohort *cohort,
			  const struct record *record)
{
	struct agent *agent = reverify->agent;
	const int64_t until = record->verdict.holds_until;
	const struct cohort_member *member;
	struct session session;

	cohort->spared = false;
	reverify_set_due(reverify, cohort, until == INT64_MAX ? 0 : until);
	LIST_FOREACH(member, &cohort->members, entry) {
		if (dataplane_session(agent->dataplane, member->cookie, &session) < 0)
			continue;
		session.valid_until = (uint64_t)cohort->valid_until;
		session.level = (enum lw_level)record->level;
		snprintf(session.reason, sizeof(session.reason), "accepted");
		dataplane_session_update(agent->dataplane, member->cookie, &session);
	}
}

static void decide_say(const struct record *record, char why[RECORD_TEXT_LEN])
{
	char end[TEXT_TIME_MAX];

	if (record->event == RECORD_FAILED) {
		snprintf(why, RECORD_TEXT_LEN, "%s", record->reason);
	} else if (record->verdict.failed == CHECK_IN_DATE && record->not_after < reverify_now()) {
		text_time(record->not_after, end, sizeof(end));
		snprintf(why, RECORD_TEXT_LEN, "the certificate expired at %s", end);
	} else {
		snprintf(why, RECORD_TEXT_LEN, "refused by the policy now: %.220s", record->reason);
	}
}

void reverify_decide(struct reverify *reverify, struct cohort *cohort, const struct record *record)
{
	const struct config_line *line =
		config_line_named(reverify->agent->config, cohort->line, cohort->direction);
	char why[RECORD_TEXT_LEN];

	/* a time that is over already would be asked about for ever */
	if (record->event == RECORD_ACCEPTED && record->verdict.holds_until >= reverify_now()) {
		decide_accept(reverify, cohort, record);
		return;
	}
	if (record->event == RECORD_ACCEPTED)
		snprintf(why, sizeof(why), "its verdict holds no longer");
	else
		decide_say(record, why);
	if (line && record->event == RECORD_REFUSED && judge_spares(line, &record->verdict))
		decide_spare(reverify, cohort, record, why);
	else
		reverify_end(reverify, cohort, why);
}
