/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what a peer presented and its line to a verdict: in a handshake, and again as long as the
 * session lives. In a worker.
 */
#ifndef USERSPACE_JUDGE_H
#define USERSPACE_JUDGE_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

#include "policy/staple.h"
#include "userspace/config.h"
#include "userspace/message.h"
#include "userspace/record.h"

struct worker;

/*
 * Whether a connection goes on with a verdict: with one that accepts, and on a line that observes
 * with any but that a certificate is denied. In the main process, too.
 */
bool judge_lets_pass(const struct config_line *line, const struct verdict *verdict);

/*
 * Asks the policy, and writes verdict and certificate into the record. leaf NULL: none came.
 * now: seconds since the epoch. -ENOMEM; -EINVAL: then nothing is decided.
 */
int judge_chain(const struct worker *worker, const struct config_line *line, X509 *leaf,
		STACK_OF(X509) *chain, struct staple staple, int64_t now, struct record *record);

/*
 * The same of what a session's peer presented, in a file; the record has the event, too. One that is
 * not accepted and has no verdict says why there is none.
 */
void judge_presented(const struct worker *worker, const struct message_judge *question, int fd,
		     struct record *record);

/* Whether a session of a line goes on though its verdict is a refusal now (mode, on-expiry). */
bool judge_spares(const struct config_line *line, const struct verdict *verdict);

/*
 * Answers MESSAGE_JUDGE, whose descriptor has what was presented. A record that is not accepted
 * and has no verdict says why there is none. -errno of sendmsg().
 */
int judge_answer(struct worker *worker, const struct message *question, int fd);

/* Takes the deny list of MESSAGE_DENIED, in place of the one before. -EBADMSG; -errno. */
int judge_take_denied(struct worker *worker, const struct message *message, int fd);

#endif
