// SPDX-License-Identifier: Apache-2.0
#include "userspace/reverify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "policy/cleanup.h"
#include "policy/text.h"
#include "userspace/chain_store.h"
#include "userspace/deny_list.h"
#include "userspace/fd.h"
#include "userspace/judge.h"
#include "userspace/log.h"
#include "userspace/session_end.h"
#include "userspace/session_table.h"

#define REVERIFY_QUESTIONS 64 /* that are under way */
#define REVERIFY_OF_WORKER 8 /* the same of one: it has peers to serve as well */
#define REVERIFY_TRIES 3 /* by workers that died of it */
#define REVERIFY_RETRY (LOOP_SECOND / 10) /* where no worker takes a question */

struct reverify_question {
	bool asked;
	struct cohort *cohort; /* NULL: its sessions have ended meanwhile */
	uint32_t worker, policy;
	uint64_t number;
	int64_t now; /* the time that it is judged by */
};

struct reverify {
	struct agent *agent;
	struct session_table *table;
	int chains; /* the folder */
	struct loop_io timer;
	struct loop_timeouts retries;
	struct loop_timeout retry;
	struct loop_turn turn; /* asks, and looks for the lines of sessions, after what is under way */
	uint64_t *late; /* sessions that came by a policy that is not today's */
	size_t late_count;
	TAILQ_HEAD(, cohort) queue;
	struct reverify_question questions[REVERIFY_QUESTIONS];
	uint64_t asked; /* questions so far */
};

static void reverify_pump(struct reverify *reverify);

static int64_t reverify_now(void)
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

static void reverify_set_due(struct reverify *reverify, struct cohort *cohort, int64_t until)
{
	if (session_table_set_due(reverify->table, cohort, until) < 0)
		log_line(LOG_ERR, "line %s: no memory to wait for the end of a certificate",
			 cohort->line);
	reverify_set_timer(reverify);
}

/* first: before those that wait */
static void reverify_queue(struct reverify *reverify, struct cohort *cohort, bool first)
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

/* The cohort is gone after this. */
static void reverify_end(struct reverify *reverify, struct cohort *cohort, const char *why)
{
	uint64_t *cookies _cleanup_free_ = calloc(cohort->member_count, sizeof(*cookies));
	const struct cohort_member *member;
	size_t count = 0, left = cohort->member_count, i;
	uint64_t cookie;

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
	session_end_many(reverify->agent, cookies, count, why);
	/* also of what the kernel has no entry any more */
	for (i = 0; i < count; i++)
		reverify_forget(reverify, cookies[i]);
}

static void reverify_spare(struct reverify *reverify, struct cohort *cohort, const char *why)
{
	struct agent *agent = reverify->agent;
	const struct cohort_member *member;
	struct session session;

	reverify_set_due(reverify, cohort, 0);
	if (cohort->spared)
		return;
	cohort->spared = true;
	LIST_FOREACH(member, &cohort->members, entry) {
		if (dataplane_session(agent->dataplane, member->cookie, &session) < 0)
			continue;
		monitor_spared(agent, member->cookie, &session, why);
		session.valid_until = 0;
		dataplane_session_update(agent->dataplane, member->cookie, &session);
	}
}

static void reverify_accept(struct reverify *reverify, struct cohort *cohort,
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
		dataplane_session_update(agent->dataplane, member->cookie, &session);
	}
}

/* Nothing but dates stands against it, and all was looked at. */
static bool reverify_has_run_out(const struct verdict *verdict)
{
	size_t i;

	if (verdict->refusal != REFUSAL_EXPIRED)
		return false;
	for (i = 0; i < verdict->result_count; i++)
		if (verdict->results[i].outcome == OUTCOME_NOT_EVALUATED ||
		    (verdict->results[i].outcome == OUTCOME_FAILED &&
		     verdict->results[i].refusal != REFUSAL_EXPIRED))
			return false;
	return true;
}

static void reverify_say(const struct record *record, char why[RECORD_TEXT_LEN])
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

static void reverify_decide(struct reverify *reverify, struct cohort *cohort,
			    const struct record *record)
{
	const struct config_line *line =
		config_line_named(reverify->agent->config, cohort->line, cohort->direction);
	char why[RECORD_TEXT_LEN];

	/* a time that is over already would be asked about for ever */
	if (record->event == RECORD_ACCEPTED && record->verdict.holds_until >= reverify_now()) {
		reverify_accept(reverify, cohort, record);
		return;
	}
	if (record->event == RECORD_ACCEPTED)
		snprintf(why, sizeof(why), "its verdict holds no longer");
	else
		reverify_say(record, why);
	if (line && record->event == RECORD_REFUSED &&
	    (judge_lets_pass(line, &record->verdict) ||
	     (line->on_expiry == CONFIG_EXPIRY_RECORD && reverify_has_run_out(&record->verdict))))
		reverify_spare(reverify, cohort, why);
	else
		reverify_end(reverify, cohort, why);
}

/* It held when it was asked for, and its last second has gone by meanwhile. */
static bool reverify_is_late(const struct reverify_question *question, const struct record *record)
{
	return record->event == RECORD_ACCEPTED &&
	       record->verdict.holds_until >= question->now &&
	       record->verdict.holds_until < reverify_now();
}

int reverify_judged(struct reverify *reverify, uint32_t worker, const struct message *message)
{
	struct reverify_question *question = NULL;
	const struct record *record = &message->record;
	struct cohort *cohort;
	size_t i;

	for (i = 0; i < REVERIFY_QUESTIONS && !question; i++)
		if (reverify->questions[i].asked && reverify->questions[i].worker == worker &&
		    reverify->questions[i].number == message->cookie)
			question = &reverify->questions[i];
	/* the worker had the deny list before the question, and a newer one comes after it */
	if (!question || question->policy != message->policy ||
	    (record->event != RECORD_ACCEPTED && record->event != RECORD_REFUSED &&
	     record->event != RECORD_FAILED))
		return -EPROTO;
	question->asked = false;
	cohort = TAKE_PTR(question->cohort);
	if (cohort) {
		cohort->state = COHORT_JUDGED;
		cohort->tries = 0;
		/* a refusal may be lifted by what has changed, and an acceptance be of yesterday */
		if (cohort->again || message->policy != reverify->agent->policy ||
		    reverify_is_late(question, record))
			reverify_queue(reverify, cohort, true);
		else
			reverify_decide(reverify, cohort, record);
	}
	reverify_pump(reverify);
	return 0;
}

static unsigned int reverify_asked_of(const struct reverify *reverify, uint32_t worker)
{
	unsigned int count = 0;
	size_t i;

	for (i = 0; i < REVERIFY_QUESTIONS; i++)
		count += reverify->questions[i].asked && reverify->questions[i].worker == worker;
	return count;
}

/*
 * Of those that have the configuration in force, the one that has least to judge; NULL: all have
 * enough.
 */
static struct supervised *reverify_worker(const struct reverify *reverify)
{
	struct agent *agent = reverify->agent;
	unsigned int least = REVERIFY_OF_WORKER, count, i;
	struct supervised *best = NULL, *worker;
	struct shift *shift;

	LIST_FOREACH(shift, &agent->shifts, entry) {
		for (i = 0; shift->config == agent->config && i < shift->worker_count; i++) {
			worker = &shift->workers[i];
			if (worker->pid <= 0 || worker->io.fd < 0)
				continue;
			count = reverify_asked_of(reverify, worker->id);
			if (count < least) {
				least = count;
				best = worker;
			}
		}
	}
	return best;
}

/* 0; -EAGAIN: the worker has no room for it; else the evidence is not there. */
static int reverify_ask(struct reverify *reverify, struct cohort *cohort,
			struct reverify_question *question, const struct supervised *worker)
{
	_cleanup_fd_ int presented = chain_store_get(reverify->chains, cohort->chain);
	const int64_t now = reverify_now();
	struct message message = {
		.type = MESSAGE_JUDGE,
		.cookie = ++reverify->asked,
		.judge = { .now = now, .direction = cohort->direction },
	};
	int err;

	if (presented < 0)
		return presented;
	memcpy(message.judge.line, cohort->line, sizeof(message.judge.line));
	err = message_send(worker->io.fd, &message, &presented, 1);
	if (err)
		return -EAGAIN;
	TAILQ_REMOVE(&reverify->queue, cohort, queue);
	cohort->state = COHORT_ASKED;
	cohort->again = false;
	*question = (struct reverify_question){
		.asked = true,
		.cohort = cohort,
		.worker = worker->id,
		.policy = reverify->agent->policy,
		.number = message.cookie,
		.now = now,
	};
	return 0;
}

static struct reverify_question *reverify_room(struct reverify *reverify)
{
	size_t i;

	for (i = 0; i < REVERIFY_QUESTIONS; i++)
		if (!reverify->questions[i].asked)
			return &reverify->questions[i];
	return NULL;
}

/* Asks as much as there is room for. */
static void reverify_pump(struct reverify *reverify)
{
	struct reverify_question *room;
	struct supervised *worker;
	struct cohort *cohort;
	char why[RECORD_TEXT_LEN];
	int err;

	while ((cohort = TAILQ_FIRST(&reverify->queue)) && (room = reverify_room(reverify)) &&
	       (worker = reverify_worker(reverify))) {
		err = reverify_ask(reverify, cohort, room, worker);
		/* it has ended perhaps, and so may all of them have: that is heard of first */
		if (err == -EAGAIN)
			break;
		if (!err)
			continue;
		/* what is not known to hold is not let go on */
		snprintf(why, sizeof(why), "what the peer presented cannot be read any more: %s",
			 strerror(-err));
		reverify_end(reverify, cohort, why);
	}
	if (!TAILQ_EMPTY(&reverify->queue))
		loop_timeout_start(reverify->agent->loop, &reverify->retries, &reverify->retry);
}

static void reverify_retry(struct loop_timeout *timeout)
{
	reverify_pump(CONTAINER_OF(timeout, struct reverify, retry));
}

/* The one that a worker is at: it answers in the order in which it was asked. */
static uint64_t reverify_oldest_of(const struct reverify *reverify, uint32_t worker)
{
	uint64_t oldest = UINT64_MAX;
	size_t i;

	for (i = 0; i < REVERIFY_QUESTIONS; i++)
		if (reverify->questions[i].asked && reverify->questions[i].worker == worker &&
		    reverify->questions[i].number < oldest)
			oldest = reverify->questions[i].number;
	return oldest;
}

void reverify_worker_gone(struct reverify *reverify, uint32_t worker)
{
	const uint64_t oldest = reverify ? reverify_oldest_of(reverify, worker) : 0;
	struct cohort *cohort;
	size_t i;

	for (i = 0; reverify && i < REVERIFY_QUESTIONS; i++) {
		if (!reverify->questions[i].asked || reverify->questions[i].worker != worker)
			continue;
		reverify->questions[i].asked = false;
		cohort = TAKE_PTR(reverify->questions[i].cohort);
		if (!cohort)
			continue;
		cohort->state = COHORT_JUDGED;
		/* the others of its questions it has not looked at */
		cohort->tries += reverify->questions[i].number == oldest;
		if (cohort->tries < REVERIFY_TRIES)
			reverify_queue(reverify, cohort, false);
		else
			reverify_end(reverify, cohort, "every worker died that judged it again");
	}
	if (reverify)
		reverify_pump(reverify);
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
	while ((cohort = session_table_first_due(reverify->table)) && now > cohort->valid_until) {
		session_table_set_due(reverify->table, cohort, 0);
		reverify_queue(reverify, cohort, true);
	}
	reverify_set_timer(reverify);
	reverify_pump(reverify);
}

int reverify_keep(struct reverify *reverify, int presented, uint8_t chain[LW_CHAIN_LEN])
{
	_cleanup_(presented_free) struct presented bytes = { 0 };
	int err = presented_take(presented, &bytes);

	if (err)
		return err == -EBADMSG ? -EPERM : err;
	chain_store_hash(&bytes, chain);
	return chain_store_keep(reverify->chains, &bytes, chain);
}

int reverify_add(struct reverify *reverify, uint64_t cookie, const struct session *session,
		 bool current)
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

/* Sessions that no line's judgement can save. */
struct reverify_lost {
	struct reverify *reverify;
	uint64_t *cookies[3];
	size_t counts[3];
};

enum { LOST_NO_LINE, LOST_OTHER_LINE, LOST_UNFINISHED };

static const char *const reverify_lost_why[] = {
	[LOST_NO_LINE] = "no line of the configuration claims its address any more",
	[LOST_OTHER_LINE] = "its address is another line's now",
	[LOST_UNFINISHED] = "it was being ended when the daemon ended",
};

static void reverify_lose(struct reverify_lost *lost, int why, uint64_t cookie)
{
	uint64_t *more = reallocarray(lost->cookies[why], lost->counts[why] + 1, sizeof(*more));

	if (!more) {
		log_line(LOG_ERR, "a session cannot be ended: out of memory");
		return;
	}
	lost->cookies[why] = more;
	more[lost->counts[why]++] = cookie;
}

static void reverify_find_line(uint64_t cookie, const struct session *session, void *arg)
{
	struct reverify_lost *lost = arg;
	const struct agent *agent = lost->reverify->agent;
	const struct config_line *line = NULL;
	uint32_t netns;

	if (session->worker == LW_WORKER_NONE) {
		reverify_lose(lost, LOST_UNFINISHED, cookie);
		return;
	}
	if (dataplane_netns(agent->dataplane, agent->config, session->netns, &netns) == 0)
		line = config_line_of(agent->config,
				      dataplane_claims(agent->dataplane, netns, session));
	if (!line)
		reverify_lose(lost, LOST_NO_LINE, cookie);
	else if (strcmp(line->name, session->line) != 0)
		reverify_lose(lost, LOST_OTHER_LINE, cookie);
}

static void reverify_queue_one(struct cohort *cohort, void *arg)
{
	struct reverify *reverify = arg;
	uint8_t sha256[DENIED_SHA256];
	bool first = deny_list_fingerprint(cohort->fingerprint, sha256) == 0 &&
		     denied_has(&reverify->agent->denied, sha256);

	reverify_queue(reverify, cohort, first);
}

static void reverify_end_lost(struct reverify_lost *lost)
{
	int i;

	for (i = 0; i < 3; i++) {
		session_end_many(lost->reverify->agent, lost->cookies[i], lost->counts[i],
				 reverify_lost_why[i]);
		free(lost->cookies[i]);
	}
}

static void reverify_place(struct reverify *reverify)
{
	struct reverify_lost lost = { .reverify = reverify };

	dataplane_sessions(reverify->agent->dataplane, reverify_find_line, &lost);
	reverify_end_lost(&lost);
}

/* Those alone: after a reload they come one by one, while all the others live. */
static void reverify_place_late(struct reverify *reverify)
{
	struct reverify_lost lost = { .reverify = reverify };
	struct session session;
	size_t i;

	for (i = 0; i < reverify->late_count; i++)
		if (dataplane_session(reverify->agent->dataplane, reverify->late[i], &session) == 0)
			reverify_find_line(reverify->late[i], &session, &lost);
	free(reverify->late);
	reverify->late = NULL;
	reverify->late_count = 0;
	reverify_end_lost(&lost);
}

static void reverify_take_turn(struct loop_turn *turn)
{
	struct reverify *reverify = CONTAINER_OF(turn, struct reverify, turn);

	reverify_place_late(reverify);
	reverify_pump(reverify);
}

static void reverify_everything(struct reverify *reverify)
{
	reverify_place(reverify);
	session_table_visit(reverify->table, reverify_queue_one, reverify);
	reverify_pump(reverify);
}

void reverify_all(struct agent *agent, const char *why)
{
	log_line(LOG_NOTICE, "%s: the sessions that live are judged again", why);
	reverify_everything(agent->reverify);
}

static void reverify_recall(uint64_t cookie, const struct session *session, void *arg)
{
	struct reverify *reverify = arg;

	if (!session_table_add(reverify->table, cookie, session))
		log_line(LOG_ERR, "a session of line %s cannot be watched: out of memory",
			 session->line);
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
		.retries = { .duration = REVERIFY_RETRY, .expired = reverify_retry },
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
	reverify_everything(reverify);
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
