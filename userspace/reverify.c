// SPDX-License-Identifier: Apache-2.0
/* What has sessions judged again, and when. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "policy/cleanup.h"
#include "userspace/chain_store.h"
#include "userspace/deny_list.h"
#include "userspace/fd.h"
#include "userspace/log.h"
#include "userspace/reverify_internal.h"

#define REVERIFY_RETRY (LOOP_SECOND / 10) /* where no worker takes a question */

int64_t reverify_now(void)
{
	struct timespec now;

	/* not time(), which may be a tick behind: the last second would seem to go on */
	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec;
}

/* A second of the wall clock: it is told of when somebody sets that, too. */
static void reverify_set_timer(struct reverify *reverify)
{
	const struct cohort *first = session_table_first_due(reverify->table);
	/* a time before the epoch is over as well, and 0 would be none */
	struct itimerspec at = {
		.it_value.tv_sec = !first ? 0 : first->valid_until > 0 ? first->valid_until + 1 : 1,
	};

	/* ECANCELED: the clock was set before, and the timer goes by the new one (fs/timerfd.c) */
	if (timerfd_settime(reverify->timer.fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &at,
			    NULL) < 0 &&
	    errno != ECANCELED)
		log_line(LOG_ERR, "the ends of certificates cannot be waited for: %s",
			 strerror(errno));
}

void reverify_set_due(struct reverify *reverify, struct cohort *cohort, int64_t until)
{
	if (session_table_set_due(reverify->table, cohort, until) < 0)
		log_line(LOG_ERR, "line %s: no memory to wait for the end of a certificate",
			 cohort->line);
	reverify_set_timer(reverify);
}

/* first: before those that wait */
void reverify_queue(struct reverify *reverify, struct cohort *cohort, bool first)
{
	switch (cohort->state) {
	case COHORT_ASKED:
		cohort->again = true;
		return;
	case COHORT_QUEUED:
		TAILQ_REMOVE(&reverify->queue, cohort, queue);
		break;
	case COHORT_JUDGED:
		break;
	}
	cohort->state = COHORT_QUEUED;
	if (first)
		TAILQ_INSERT_HEAD(&reverify->queue, cohort, queue);
	else
		TAILQ_INSERT_TAIL(&reverify->queue, cohort, queue);
}

void reverify_drop(struct reverify *reverify, const uint8_t chain[LW_CHAIN_LEN])
{
	if (!session_table_has_chain(reverify->table, chain))
		chain_store_drop(reverify->chains, chain);
}

/* Takes it out of whatever it waits in; its sessions are no more. */
static void reverify_free_cohort(struct reverify *reverify, struct cohort *cohort)
{
	size_t i;

	if (cohort->state == COHORT_QUEUED)
		TAILQ_REMOVE(&reverify->queue, cohort, queue);
	for (i = 0; i < REVERIFY_QUESTIONS; i++)
		if (reverify->questions[i].cohort == cohort)
			reverify->questions[i].cohort = NULL;
	reverify_drop(reverify, cohort->chain);
	free(cohort);
}

void reverify_forget(struct reverify *reverify, uint64_t cookie)
{
	struct cohort *emptied;

	if (!reverify || !session_table_remove(reverify->table, cookie, &emptied))
		return;
	reverify_free_cohort(reverify, emptied);
	reverify_set_timer(reverify);
}

static void reverify_expired(struct loop_io *io, uint32_t events)
{
	struct reverify *reverify = CONTAINER_OF(io, struct reverify, timer);
	const int64_t now = reverify_now();
	struct cohort *cohort;
	uint64_t times;

	(void)events;
	/* ECANCELED: the clock was set */
	if (read(io->fd, &times, sizeof(times)) < 0 && errno == EAGAIN)
		return;
	reverify->since = loop_clock();
	while ((cohort = session_table_first_due(reverify->table)) && now > cohort->valid_until) {
		session_table_set_due(reverify->table, cohort, 0);
		reverify_queue(reverify, cohort, true);
	}
	reverify_set_timer(reverify);
	reverify_pump(reverify);
}

int reverify_keep(struct reverify *reverify, int presented, uint8_t chain[LW_CHAIN_LEN],
		  struct presented_marks *marks)
{
	_cleanup_(presented_free) struct presented bytes = { 0 };
	int err = presented_take(presented, &bytes);

	if (err)
		return err == -EBADMSG ? -EPERM : err;
	presented_read_marks(&bytes, marks);
	err = chain_store_hash(&bytes, chain);
	return err ? err : chain_store_keep(reverify->chains, &bytes, chain);
}

static void reverify_mark(struct reverify *reverify, struct cohort *cohort,
			  const struct presented_marks *marks)
{
	if (marks->known)
		session_table_mark(reverify->table, cohort, marks->marks, marks->count);
}

int reverify_add(struct reverify *reverify, uint64_t cookie, const struct session *session,
		 const struct presented_marks *marks, bool current)
{
	struct cohort *cohort;
	uint64_t *late;

	if (!current) {
		late = reallocarray(reverify->late, reverify->late_count + 1, sizeof(*late));
		if (!late)
			return -ENOMEM;
		reverify->late = late;
	}
	cohort = session_table_add(reverify->table, cookie, session);
	if (!cohort)
		return -ENOMEM;
	if (!marks)
		session_table_unmark(reverify->table, cohort);
	else if (cohort->member_count == 1)
		reverify_mark(reverify, cohort, marks);
	/* also where it is due before the others of its cohort */
	if (session_table_first_due(reverify->table) == cohort)
		reverify_set_timer(reverify);
	if (!current) {
		/* it is not open yet */
		reverify->late[reverify->late_count++] = cookie;
		reverify_queue(reverify, cohort, true);
		loop_turn_add(reverify->agent->loop, &reverify->turn);
	}
	return 0;
}

struct reverify_concerned {
	struct reverify *reverify;
	size_t count;
};

static void reverify_queue_one(struct cohort *cohort, void *arg)
{
	struct reverify_concerned *concerned = arg;
	struct reverify *reverify = concerned->reverify;
	uint8_t sha256[DENIED_SHA256];
	bool first = deny_list_fingerprint(cohort->fingerprint, sha256) == 0 &&
		     denied_has(&reverify->agent->denied, sha256);

	concerned->count++;
	reverify_queue(reverify, cohort, first);
}

static void reverify_take_turn(struct loop_turn *turn)
{
	struct reverify *reverify = CONTAINER_OF(turn, struct reverify, turn);

	reverify_place_late(reverify);
	reverify_pump(reverify);
}

void reverify_changed(struct agent *agent, const struct mark_set *concerned, const char *why)
{
	struct reverify *reverify = agent->reverify;
	struct reverify_concerned found = { .reverify = reverify };
	size_t count;

	reverify->since = loop_clock();
	reverify_place(reverify);
	count = session_table_count(reverify->table);
	if (concerned)
		session_table_visit_concerned(reverify->table, concerned, reverify_queue_one,
					      &found);
	else
		session_table_visit(reverify->table, reverify_queue_one, &found);
	if (count)
		log_line(LOG_NOTICE, "%s: %zu of %zu chains of live sessions are judged again",
			 why, found.count, count);
	reverify_pump(reverify);
}

json_t *reverify_to_json(const struct reverify *reverify)
{
	const struct cohort *cohort;
	json_int_t waiting = 0;

	TAILQ_FOREACH(cohort, &reverify->queue, queue)
		waiting++;
	return json_pack("{s:I, s:I, s:I}", "live", (json_int_t)session_table_count(reverify->table),
			 "waiting", waiting, "judged", (json_int_t)reverify->judged);
}

/* Of what a daemon before this one has kept. */
static void reverify_recall_marks(struct reverify *reverify, struct cohort *cohort)
{
	_cleanup_(presented_free) struct presented presented = { 0 };
	_cleanup_fd_ int fd = chain_store_get(reverify->chains, cohort->chain);
	struct presented_marks marks;

	if (fd < 0 || presented_read(fd, &presented) < 0)
		return;
	presented_read_marks(&presented, &marks);
	reverify_mark(reverify, cohort, &marks);
}

static void reverify_recall(uint64_t cookie, const struct session *session, void *arg)
{
	struct reverify *reverify = arg;
	struct cohort *cohort = session_table_add(reverify->table, cookie, session);

	if (!cohort)
		log_line(LOG_ERR, "a session of line %s cannot be watched: out of memory",
			 session->line);
	else if (!cohort->marks)
		reverify_recall_marks(reverify, cohort);
}

static bool reverify_wants(const uint8_t chain[LW_CHAIN_LEN], void *arg)
{
	const struct reverify *reverify = arg;

	return session_table_has_chain(reverify->table, chain);
}

int reverify_start(struct agent *agent, struct reverify **out)
{
	struct reverify *reverify = calloc(1, sizeof(*reverify));
	_cleanup_fd_ int timer = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	int err = 0;

	if (!reverify)
		return -ENOMEM;
	*out = reverify;
	*reverify = (struct reverify){
		.agent = agent,
		.table = session_table_new(),
		.chains = chain_store_open(agent->config->run_path),
		.timer = { -1, reverify_expired },
		.turn.run = reverify_take_turn,
		.retries = { .duration = REVERIFY_RETRY, .expired = reverify_pump_later },
	};
	TAILQ_INIT(&reverify->queue);
	if (!reverify->table)
		return -ENOMEM;
	if (reverify->chains < 0)
		return reverify->chains;
	err = timer < 0 ? -errno : loop_add(agent->loop, &reverify->timer, timer, EPOLLIN);
	if (err)
		return err;
	TAKE_FD(timer);
	loop_timeouts_add(agent->loop, &reverify->retries);
	dataplane_sessions(agent->dataplane, reverify_recall, reverify);
	chain_store_sweep(reverify->chains, reverify_wants, reverify);
	reverify_set_timer(reverify);
	/* another configuration, another trust store, or the same: nobody knows */
	reverify_changed(agent, NULL, "the daemon has started");
	return 0;
}

void reverify_stop(struct reverify *reverify)
{
	int fd;

	if (!reverify)
		return;
	fd = reverify->timer.fd;
	loop_turn_remove(reverify->agent->loop, &reverify->turn);
	loop_remove(reverify->agent->loop, &reverify->timer);
	if (fd >= 0)
		close(fd);
	if (reverify->chains >= 0)
		close(reverify->chains);
	session_table_free(reverify->table);
	free(reverify->late);
	free(reverify);
}
