/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One peer's connection in a worker, from accept to close. Inbound:
 *
 *   handshake ─► asked ─► connecting ─► asked ─► relaying ─► closed
 *       │          │          │           └─► closed (a carrier has it)
 *       │          │          └─► waiting (until the app listens) ─► asked
 *       │          ├──► closed (adopted: the socket is the app's)
 *       └──────────┴──► lingering (refused) ─► closed
 *
 * and outbound, from an app's connect() that was intercepted:
 *
 *   asked ─► dialling ─► handshake ─► asked ─► relaying ─► closed
 *                                       └──► closed (ordered: the socket is the app's)
 *
 * connection.c   accept, phases, end
 * retag.c        its line, where the configuration was changed meanwhile
 * departure.c    outbound, up to the TCP connection to the peer
 * order.c        outbound without an app's side: main orders it for a wrapped app's connect()
 * handshake.c    handshake ─► asked: TLS, the policy, the keys
 * delivery.c     asked ─► relaying: the main process's answer, the app
 * carriage.c     relaying ─► closed: to a carrier, which goes on with it
 */
#ifndef USERSPACE_CONNECTION_H
#define USERSPACE_CONNECTION_H

#include "userspace/endpoint.h"
#include "userspace/message.h"
#include "userspace/presented.h"
#include "userspace/record.h"
#include "userspace/relayed.h"
#include "userspace/worker.h"

enum phase {
	PHASE_HANDSHAKE,
	PHASE_ASKED,
	PHASE_DIALLING, /* the peer */
	PHASE_CONNECTING, /* to the app */
	PHASE_WAITING, /* for the app, which does not listen */
	PHASE_RELAYING,
	PHASE_LINGERING,
	PHASE_CLOSED,
};

struct order;

struct connection {
	struct worker *worker;
	enum phase phase;
	int fd; /* the peer's socket: TLS is spoken there; -1 where there is none yet */
	int app_fd;
	struct loop_io client; /* the peer's; both until it is relayed */
	struct loop_io app;
	struct loop_timeout timeout; /* in the queue of the phase */
	struct loop_garbage garbage;
	STAILQ_ENTRY(connection) asked;
	LIST_ENTRY(connection) entry;

	uint64_t cookie;
	const struct config_line *line;
	struct endpoint peer, local;
	bool answer_due; /* a question to the main process is under way */
	bool departing; /* and it is that of an outbound connection's beginning */
	bool retagging; /* or that of its line in the configuration of this worker */
	bool retagged; /* which was asked for once */
	bool carrying; /* or whether a carrier goes on with it */
	unsigned int carry_rounds; /* in the worker's queue of those that wait for a carrier */
	struct loop_timeout carry;
	struct order *order; /* NULL: it was not ordered, or main knows already what became of it */
	uint64_t app_refused; /* loop_now() of the first time; 0: never */
	bool app_is_loopback; /* the address that was dialled refused: the app's loopback is tried */

	SSL *tls; /* until the handshake is over */
	uint8_t alert; /* that OpenSSL sent; 0: none */
	bool decided; /* the policy was asked */
	uint32_t policy; /* which one: worker.policy as it was then */
	struct presented presented; /* by a peer that was let pass; until main has it */
	bool resuming; /* about the certificate of a session, which may be resumed */
	STACK_OF(X509) *session_chain; /* that the session came with */
	struct record *record; /* what will be said of it; NULL once it was said */
	bool is_session; /* the main process knows it as one, and is told of its end */
	bool handed_over; /* it is the app's or a carrier's, and no session of this worker any more */

	uint64_t lingered; /* bytes that a refused peer sent since */
	struct relayed relayed;
};

/* Takes a freshly accepted socket of a peer over; it is closed where that fails. */
void connection_accept(struct worker *worker, int fd, const struct endpoint *peer);

/* The same of an app's connect() that was intercepted: a socket from the outlet. */
void connection_depart(struct worker *worker, int fd, const struct endpoint *app);

/* What follows when its socket is there: it is told by its tag, and its handshake begins. */
void connection_enter(struct connection *connection);

/* The same of an outbound one, of the app's socket alone. */
void connection_leave(struct connection *connection);

/* Ends one that no line claims. */
void connection_turn_away(struct connection *connection, const char *why);

/*
 * Asks the main process for the line of a connection that came under another configuration.
 * false: it has been asked before, or cannot be.
 */
bool connection_retag(struct connection *connection);

/* The main process's answer to that. */
void connection_retagged(struct connection *connection, int error);

/* A zeroed connection with a record, of a worker. NULL: out of memory, and app_fd and fd closed. */
struct connection *connection_new(struct worker *worker, int fd, int app_fd);

/* Prepares a connected socket of the peer for TLS and begins the handshake. -errno. */
int connection_begin(struct connection *connection);

/* The handshake goes on, as far as it can without blocking. */
void connection_handshake(struct connection *connection);

/* Makes the TLS object. -ENOMEM, -EIO. */
int connection_handshake_start(struct connection *connection);

/* The socket to the peer became connected, or failed. */
void connection_dialled(struct connection *connection);

/* Lets go of the socket to the peer, of which nothing was heard, and dials once more. */
void connection_redial(struct connection *connection);

/* The main process's answer to MESSAGE_DEPART. */
void connection_departed(struct connection *connection, int error);

/* Makes a connection that main orders, and lets go of one; see order.h. */
void connection_order(struct worker *worker, const struct message *message);
void connection_cancel(struct worker *worker, uint64_t order);

/* Binds a socket for a connection to the peer, and asks the main process for its tag. -errno. */
int connection_prepare_departure(struct connection *connection,
				 const struct destination *destination);

/* Before there was a verdict: a record with the reason, and an error for whoever waits for it. */
void connection_fail_departure(struct connection *connection, const char *what, int err);

/*
 * Sends a question with the peer's and the app's socket, as far as they are there, and with another
 * descriptor where that is not -1; the phase is PHASE_ASKED then. -errno.
 */
int connection_ask(struct connection *connection, const struct message *message, int another);

/* Asks the main process to open the gate for an accepted client. */
void connection_deliver(struct connection *connection);

/* The socket to the app will not be connected: its entry in the kernel goes, then it. */
void connection_forget_app(struct connection *connection);

/* The main process's answer to the oldest question. */
void connection_answered(struct connection *connection, int error);

/* The two sockets are connected: it is relayed, by a carrier where that can be. */
void connection_relay(struct connection *connection);

/* The main process's answer to MESSAGE_CARRY. */
void connection_carried(struct connection *connection, int error);

/* Asks for a carrier once more. */
void connection_retry_carrier(struct loop_timeout *timeout);

/* Dials the app once more, after it did not listen. */
void connection_retry_app(struct connection *connection);

/* The socket to the app became writable, or failed. */
void connection_app_connected(struct connection *connection);

/*
 * Ends one that never was a session: the record goes out with the reason, then the socket
 * lingers so that the peer can read the alert before a reset would destroy it.
 */
void connection_refuse(struct connection *connection, enum record_event event,
		       const char *reason);

/* Ends one at once; reset: with a RST to both sides. A session's end is reported. */
void connection_close(struct connection *connection, bool reset, const char *why);

/* Lets go of one whose sockets somebody else has: nothing is said to the peer, nothing reported. */
void connection_hand_over(struct connection *connection);

/* Ends all connections of a worker that stops, the sessions with a close_notify. */
void connection_close_all(struct worker *worker);

/*
 * Ends a session whose client may still be sending: closes the app's side and ours, and lets
 * the client read that before its unread bytes turn the close into a reset.
 */
void connection_cut(struct connection *connection, const char *why);

static inline bool connection_is_outbound(const struct connection *connection)
{
	return connection->line && connection->line->direction == DIRECTION_OUTBOUND;
}

#endif
