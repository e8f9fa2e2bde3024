/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A verdict is not for ever. Every live session is judged again when the time of its certificates
 * is over and when what its verdict goes by changes, and is ended when it does not pass any more. In
 * the main process, which parses nothing of a peer: workers judge.
 */
#ifndef USERSPACE_REVERIFY_H
#define USERSPACE_REVERIFY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "policy/mark.h"
#include "userspace/agent.h"
#include "userspace/message.h"
#include "userspace/presented.h"

/*
 * Takes in the sessions of a daemon before this one, has them judged, and ends those that no line
 * of this configuration claims. After dataplane_switch(). -errno.
 */
int reverify_start(struct agent *agent, struct reverify **out);

/* NULL is fine, here and below. */
void reverify_stop(struct reverify *reverify);

/*
 * Keeps what a peer presented, of a worker's descriptor, and reads its marks. -EPERM: it is not
 * sealed; -errno.
 */
int reverify_keep(struct reverify *reverify, int presented, uint8_t chain[LW_CHAIN_LEN],
		  struct presented_marks *marks);

/* Of what was kept for a session that is not taken in, unless others have the same. */
void reverify_drop(struct reverify *reverify, const uint8_t chain[LW_CHAIN_LEN]);

/*
 * Takes a session in that has its entry. marks: of what was presented; NULL where it goes on though
 * it is refused. current: by the policy of now. -ENOMEM.
 */
int reverify_add(struct reverify *reverify, uint64_t cookie, const struct session *session,
		 const struct presented_marks *marks, bool current);

/* A session has ended. */
void reverify_forget(struct reverify *reverify, uint64_t cookie);

/* A worker's answer. -EPROTO: to nothing that it was asked. */
int reverify_judged(struct reverify *reverify, uint32_t worker, const struct message *message);

/*
 * Whether a worker has left a question unanswered for ten rounds: to be called once a round, which
 * is a second. A process that was stopped itself has missed rounds, and not its workers' time.
 */
bool reverify_is_unanswered(struct reverify *reverify, uint32_t worker);

/* A worker has ended: what it was asked is asked of another one. */
void reverify_worker_gone(struct reverify *reverify, uint32_t worker);

/*
 * What verdicts go by has changed: configuration, trust store, or deny list. Called when the
 * change is in force in agent->config and in the kernel, and workers have it. Sessions that no
 * line, or another one, claims now are ended; of the others those are judged again that are
 * concerned (concern.h); concerned NULL: that cannot be told, and so it is all of them.
 */
void reverify_changed(struct agent *agent, const struct mark_set *concerned, const char *why);

/* How many chains there are, wait to be judged, and were judged so far. */
json_t *reverify_to_json(const struct reverify *reverify);

#endif
