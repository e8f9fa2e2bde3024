// SPDX-License-Identifier: Apache-2.0
#include "userspace/judge.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "policy/cleanup.h"
#include "userspace/deny_list.h"
#include "userspace/presented.h"
#include "userspace/worker.h"

#define JUDGE_FLOOD 256 /* half-open connections of a worker */

bool judge_lets_pass(const struct config_line *line, const struct verdict *verdict)
{
	return verdict->accepted || (line->mode == CONFIG_OBSERVE && !verdict_is_denied(verdict));
}

static int judge_ask(const struct worker *worker, const struct config_line *line, X509 *leaf,
		     STACK_OF(X509) *chain, struct staple staple, int64_t now, bool hurry,
		     struct record *record)
{
	const struct config *config = worker->setup.config;
	const X509 *const own[] = { config->identity.certificate, config->telephony.certificate };
	const struct evidence evidence = {
		.store = config->trust,
		.leaf = leaf,
		.untrusted = chain,
		.staple = staple,
		.own = own,
		.own_count = sizeof(own) / sizeof(own[0]),
		.denied = &worker->denied,
		.cache = worker->cache,
		.hurry = hurry,
	};
	struct facts facts;
	int err;

	err = policy_check_chain(&evidence, &line->rule, now, &record->verdict, &facts);
	if (!err)
		record_set_certificate(record, &facts);
	facts_release(&facts);
	return err;
}

int judge_chain(const struct worker *worker, const struct config_line *line, X509 *leaf,
		STACK_OF(X509) *chain, struct staple staple, int64_t now, struct record *record)
{
	/*
	 * Many at once: what is refused for a cheap reason is refused cheaply. Where a refusal is not
	 * the end, what else there is to say has to be known.
	 */
	const bool hurry = worker->half_open > JUDGE_FLOOD && line->mode != CONFIG_OBSERVE;

	return judge_ask(worker, line, leaf, chain, staple, now, hurry, record);
}

/* Nothing but dates stands against it, and all was looked at. */
static bool judge_has_run_out(const struct verdict *verdict)
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

bool judge_spares(const struct config_line *line, const struct verdict *verdict)
{
	return judge_lets_pass(line, verdict) ||
	       (line->on_expiry == CONFIG_EXPIRY_RECORD && judge_has_run_out(verdict));
}

static void judge_fail(struct record *record, const char *what, int err)
{
	record->event = RECORD_FAILED;
	snprintf(record->reason, sizeof(record->reason), "%s: %s", what, strerror(-err));
}

void judge_presented(const struct worker *worker, const struct message_judge *question, int fd,
		     struct record *record)
{
	const struct config_line *line =
		config_line_named(worker->setup.config, question->line, question->direction);
	_cleanup_(presented_free) struct presented presented = { 0 };
	_cleanup_(presented_chain_release) struct presented_chain chain = { 0 };
	int err = line ? 0 : -ENOENT;

	if (err) {
		judge_fail(record, "its line is not in the configuration", err);
		return;
	}
	record_set_line(record, line);
	err = presented_read(fd, &presented);
	if (!err)
		err = presented_unpack(&presented, &chain);
	if (err) {
		judge_fail(record, "what the peer presented cannot be read any more", err);
		return;
	}
	/* that a certificate has run out may be no reason to end, and another one be one */
	err = judge_ask(worker, line, sk_X509_value(chain.certificates, 0), chain.certificates,
			chain.staple, question->now, false, record);
	if (err) {
		judge_fail(record, "it cannot be judged", err);
		return;
	}
	record->event = record->verdict.accepted ? RECORD_ACCEPTED : RECORD_REFUSED;
	snprintf(record->reason, sizeof(record->reason), "%s", record->verdict.reason);
}

int judge_answer(struct worker *worker, const struct message *question, int fd)
{
	struct message *answer _cleanup_free_ = calloc(1, sizeof(*answer));

	if (!answer)
		return -ENOMEM;
	answer->type = MESSAGE_JUDGED;
	answer->cookie = question->cookie;
	answer->policy = worker->policy;
	judge_presented(worker, &question->judge, fd, &answer->record);
	return message_send(worker->setup.main_fd, answer, NULL, 0);
}

int judge_take_denied(struct worker *worker, const struct message *message, int fd)
{
	const size_t count = message->denied.count, len = count * DENIED_SHA256;
	void *at = NULL;

	if (count > DENY_LIST_MAX)
		return -EBADMSG;
	if (count) {
		at = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, 0);
		if (at == MAP_FAILED)
			return -errno;
	}
	if (worker->denied_map)
		munmap(worker->denied_map, worker->denied.count * DENIED_SHA256);
	worker->denied_map = at;
	worker->denied = (struct denied){ at, count };
	worker->policy = message->policy;
	return 0;
}
