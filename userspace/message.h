/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the main process and its workers: one SOCK_SEQPACKET packet a message, with
 * descriptors beside it. The receiver trusts neither a size nor a count.
 */
#ifndef USERSPACE_MESSAGE_H
#define USERSPACE_MESSAGE_H

#include <errno.h>
#include <stdint.h>
#include <sys/types.h>

#include "userspace/carry.h"
#include "bpf/abi.h"
#include "userspace/packet.h"
#include "userspace/record.h"

enum message_type {
	/* worker to main */
	MESSAGE_RECORD, /* an audit record; no answer */
	/* the peer's socket, or outbound the app's, whose line is of another configuration; answered */
	MESSAGE_RETAG,
	MESSAGE_DEPART, /* outbound: a socket, to be connected, and the app's; answered */
	/* accepted: the peer's and the app's socket, and what was presented; the answer opens the gate */
	MESSAGE_SESSION,
	/* in either of the two there is no app's socket where it was ordered */
	MESSAGE_RELAY, /* both, with another socket to the app, bound, not connected; answered */
	MESSAGE_CARRY, /* both: a carrier is to go on with them; answered */
	MESSAGE_FORGET, /* the app's socket, which will not be connected; no answer */
	MESSAGE_END, /* of a session, with the app's socket where there is one; no answer */
	/* of a socket that is the app's: this worker has it no more; no answer */
	MESSAGE_LET_GO,
	MESSAGE_UNDONE, /* an order came to nothing, after its record; no answer */
	MESSAGE_RETIRED, /* the answer to RETIRE: it accepts nothing more */
	MESSAGE_JUDGED, /* the verdict of MESSAGE_JUDGE, or why there is none; no answer */
	/* main to worker */
	MESSAGE_ANSWER,
	MESSAGE_LISTEN, /* from now on it accepts */
	MESSAGE_RETIRE, /* it accepts no more, and ends with its last connection */
	MESSAGE_ORDER, /* a wrapped app's connect(): make this connection, for the app to have */
	MESSAGE_CANCEL, /* nobody waits for what was ordered any more */
	MESSAGE_JUDGE, /* what a peer presented, to be judged anew; MESSAGE_JUDGED answers */
	MESSAGE_DENIED, /* the operator's deny list: from here on this one */
	MESSAGE_TYPE_COUNT,
};

/*
 * The app is given the peer's socket itself, when the worker has let go of it: an app that closes it
 * is told of its events by epoll as long as anybody has it (epoll(7)).
 */
#define MESSAGE_ADOPTED 1

enum { MESSAGE_WHY_LEN = 128 };

struct message_end {
	uint64_t bytes_in, bytes_out; /* of the client's side */
	char why[MESSAGE_WHY_LEN];
};

struct message_order {
	struct destination to; /* of a line; its source is what the app has bound, or zero */
	uint32_t scope; /* of to, where it is link-local */
	int32_t family; /* AF_INET or AF_INET6, of the app's socket */
};

struct message_judge {
	int64_t now; /* seconds since the epoch: the time that it is judged by */
	enum direction direction;
	char line[LW_NAME_LEN];
};

/* beside a descriptor with so many SHA-256 fingerprints, in order */
struct message_denied {
	uint32_t count;
};

/* UNDONE: the server speaks TLS 1.3 alone */
#define MESSAGE_TLS13 (-EPROTONOSUPPORT)

struct message {
	enum message_type type;
	/*
	 * ANSWER: 0, -errno, or to SESSION also MESSAGE_ADOPTED. UNDONE: what the app's connect() is to
	 * say, or MESSAGE_TLS13; 0: nothing, it is to go by relay
	 */
	int32_t error;
	uint64_t cookie; /* of the peer's socket; JUDGE and JUDGED: the number of the question */
	uint32_t policy; /* SESSION and JUDGED: which one decided; DENIED: which one this makes */
	/* ORDER, CANCEL, UNDONE; DEPART, SESSION and LET_GO: what it was made for, or 0 */
	uint64_t order;
	union { /* sent as far as the type needs it */
		struct record record; /* RECORD, SESSION and JUDGED */
		struct message_end end; /* END */
		struct carry carry; /* CARRY; whoever has had it cleanses it */
		struct message_order what; /* ORDER */
		struct message_judge judge; /* JUDGE */
		struct message_denied denied; /* DENIED */
	};
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
int message_receive(int socket, struct message *message, int fds[PACKET_FDS_MAX]);

#endif
