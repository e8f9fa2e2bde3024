/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the main process and its workers: one SOCK_SEQPACKET packet a message, with
 * descriptors beside it. The receiver trusts neither a size nor a count.
 */
#ifndef USERSPACE_MESSAGE_H
#define USERSPACE_MESSAGE_H

#include <stdint.h>
#include <sys/types.h>

#include "userspace/record.h"

enum message_type {
	/* worker to main */
	MESSAGE_RECORD, /* an audit record; no answer */
	MESSAGE_SESSION, /* accepted: the client's socket; the answer opens the gate */
	MESSAGE_RELAY, /* the app's socket, bound but not connected; answered */
	MESSAGE_END, /* of a session, with its record; no answer */
	/* main to worker */
	MESSAGE_ANSWER,
	MESSAGE_TYPE_COUNT,
};

enum { MESSAGE_FDS_MAX = 2 };

struct message {
	enum message_type type;
	int32_t error; /* MESSAGE_ANSWER: 0 or -errno */
	uint64_t cookie; /* of the client's socket */
	struct record record; /* RECORD, SESSION and END; else not sent */
};

/*
 * Sends one message with descriptors, which stay the caller's. Blocks only where the
 * socket does. -errno of sendmsg().
 */
int message_send(int socket, const struct message *message, const int *fds, size_t fd_count);

/*
 * Receives one; fds are the caller's then and the unused ones -1. -EAGAIN;
 * -EPIPE: the other side is gone; -EBADMSG: not a message, or with descriptors that its type
 * does not have (they are closed).
 */
int message_receive(int socket, struct message *message, int fds[MESSAGE_FDS_MAX]);

#endif
