// SPDX-License-Identifier: Apache-2.0
/* What workers are asked, and what they answer. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "userspace/chain_store.h"
#include "userspace/fd.h"
#include "userspace/reverify_internal.h"

#define REVERIFY_OF_WORKER 8 /* questions to one: it has peers to serve as well */
#define REVERIFY_TRIES 3 /* by workers that died of it */
#define REVERIFY_ROUNDS 10 /* that an answer may take */

/* It held when it was asked for, and its last second has gone by meanwhile. */
static bool question_is_late(const struct reverify_question *question, const struct record *record)
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
	reverify->judged++;
	cohort = TAKE_PTR(question->cohort);
	if (cohort) {
		cohort->state = COHORT_JUDGED;
		cohort->tries = 0;
		/* a refusal may be lifted by what has changed, and an acceptance be of yesterday */
		if (cohort->again || message->policy != reverify->agent->policy ||
		    question_is_late(question, record))
			reverify_queue(reverify, cohort, true);
		else
			reverify_decide(reverify, cohort, record);
	}
	reverify_pump(reverify);
	return 0;
}

static unsigned int question_count_of(const struct reverify *reverify, uint32_t worker)
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
static struct supervised *question_worker(const struct reverify *reverify)
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
			count = question_count_of(reverify, worker->id);
			if (count < least) {
				least = count;
				best = worker;
			}
		}
	}
	return best;
}

/* 0; -EAGAIN: the worker has no room for it; else the evidence is not there. */
static int question_ask(struct reverify *reverify, struct cohort *cohort,
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

static struct reverify_question *question_room(struct reverify *reverify)
{
	size_t i;

	for (i = 0; i < REVERIFY_QUESTIONS; i++)
		if (!reverify->questions[i].asked)
			return &reverify->questions[i];
	return NULL;
}

/* Asks as much as there is room for. */
void reverify_pump(struct reverify *reverify)
{
	struct reverify_question *room;
	struct supervised *worker;
	struct cohort *cohort;
	char why[RECORD_TEXT_LEN];
	int err;

	while ((cohort = TAILQ_FIRST(&reverify->queue)) && (room = question_room(reverify)) &&
	       (worker = question_worker(reverify))) {
		err = question_ask(reverify, cohort, room, worker);
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

void reverify_pump_later(struct loop_timeout *timeout)
{
	reverify_pump(CONTAINER_OF(timeout, struct reverify, retry));
}

/* The one that a worker is at: it answers in the order in which it was asked. */
static uint64_t question_oldest_of(const struct reverify *reverify, uint32_t worker)
{
	uint64_t oldest = UINT64_MAX;
	size_t i;

	for (i = 0; i < REVERIFY_QUESTIONS; i++)
		if (reverify->questions[i].asked && reverify->questions[i].worker == worker &&
		    reverify->questions[i].number < oldest)
			oldest = reverify->questions[i].number;
	return oldest;
}

bool reverify_is_unanswered(struct reverify *reverify, uint32_t worker)
{
	bool unanswered = false;
	size_t i;

	for (i = 0; i < REVERIFY_QUESTIONS; i++)
		if (reverify->questions[i].asked && reverify->questions[i].worker == worker)
			unanswered |= ++reverify->questions[i].rounds > REVERIFY_ROUNDS;
	return unanswered;
}

void reverify_worker_gone(struct reverify *reverify, uint32_t worker)
{
	const uint64_t oldest = reverify ? question_oldest_of(reverify, worker) : 0;
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
