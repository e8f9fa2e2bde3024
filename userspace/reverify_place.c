// SPDX-License-Identifier: Apache-2.0
/* Sessions whose address is no line's any more, or another one's. */
#include <stdlib.h>
#include <string.h>

#include "userspace/log.h"
#include "userspace/reverify_internal.h"
#include "userspace/session_end.h"

/* Sessions that no line's judgement can save. */
struct place_lost {
	struct reverify *reverify;
	uint64_t *cookies[3];
	size_t counts[3];
};

enum { LOST_NO_LINE, LOST_OTHER_LINE, LOST_UNFINISHED };

static const char *const place_lost_why[] = {
	[LOST_NO_LINE] = "no line of the configuration claims its address any more",
	[LOST_OTHER_LINE] = "its address is another line's now",
	[LOST_UNFINISHED] = "it was to be ended before",
};

static void place_lose(struct place_lost *lost, int why, uint64_t cookie)
{
	uint64_t *more = reallocarray(lost->cookies[why], lost->counts[why] + 1, sizeof(*more));

	if (!more) {
		log_line(LOG_ERR, "a session cannot be ended: out of memory");
		return;
	}
	lost->cookies[why] = more;
	more[lost->counts[why]++] = cookie;
}

static void place_find_line(uint64_t cookie, const struct session *session, void *arg)
{
	struct place_lost *lost = arg;
	const struct agent *agent = lost->reverify->agent;
	const struct config_line *line = NULL;
	uint32_t netns;

	if (session->worker == LW_WORKER_NONE) {
		place_lose(lost, LOST_UNFINISHED, cookie);
		return;
	}
	if (dataplane_netns(agent->dataplane, agent->config, session->netns, &netns) == 0)
		line = config_line_of(agent->config,
				      dataplane_claims(agent->dataplane, netns, session));
	if (!line)
		place_lose(lost, LOST_NO_LINE, cookie);
	else if (strcmp(line->name, session->line) != 0)
		place_lose(lost, LOST_OTHER_LINE, cookie);
}

static void place_end_lost(struct place_lost *lost)
{
	int i;

	for (i = 0; i < 3; i++) {
		session_end_many(lost->reverify->agent, lost->cookies[i], lost->counts[i],
				 place_lost_why[i]);
		free(lost->cookies[i]);
	}
}

void reverify_place(struct reverify *reverify)
{
	struct place_lost lost = { .reverify = reverify };

	dataplane_sessions(reverify->agent->dataplane, place_find_line, &lost);
	place_end_lost(&lost);
}

/* Those alone: after a reload they come one by one, while all the others live. */
void reverify_place_late(struct reverify *reverify)
{
	struct place_lost lost = { .reverify = reverify };
	struct session session;
	size_t i;

	for (i = 0; i < reverify->late_count; i++)
		if (dataplane_session(reverify->agent->dataplane, reverify->late[i], &session) == 0)
			place_find_line(reverify->late[i], &session, &lost);
	free(reverify->late);
	reverify->late = NULL;
	reverify->late_count = 0;
	place_end_lost(&lost);
}
