/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is said about wrapped apps and carried sessions, one packet a message, by SOCK_SEQPACKET:
 *
 *   run-path/keeper    `linewarden exec`, adopters, the main process, and the keeper
 *   run-path/adopt     the adopters and the daemon's main process
 *   run-path/carry     the carriers and the daemon's main process; the keeper connects them
 *
 * and between the keeper and each of its carriers.
 *
 * The types of a message, its size, its descriptors, and who may say it are a table.
 */
#ifndef USERSPACE_HANDOVER_H
#define USERSPACE_HANDOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/carry.h"
#include "userspace/endpoint.h"
#include "userspace/packet.h"

enum handover_type {
	/* exec to keeper, and its answer */
	HANDOVER_WRAP, /* the descriptor of the filter's notifications */
	HANDOVER_WRAPPED,
	/* adopter to a keeper that is not the one that it came from */
	HANDOVER_KEEP, /* see enum handover_kept */
	/* adopter to keeper */
	HANDOVER_KEEP_MAPS, /* what MAPS brought, for an adopter that follows without a main process */
	/* main to keeper: asks for the listening sockets of a main process before it, ... */
	HANDOVER_FETCH,
	HANDOVER_FETCHED, /* ... of which each comes with this ... */
	HANDOVER_FETCHED_ALL, /* ... until this comes */
	HANDOVER_LISTENER, /* gives it one to keep, */
	HANDOVER_RELEASE, /* which is to be kept no longer than main lives */
	/* adopter to main */
	HANDOVER_HELLO, /* first of all */
	HANDOVER_LISTENS, /* the app listens there */
	HANDOVER_CLOSED, /* and does not any more */
	HANDOVER_TAKEN, /* a client is the app's now */
	HANDOVER_RETURNED, /* a client that the app did not take: error says why */
	HANDOVER_CONNECT, /* the app's connect(): where to, and what its socket is bound to */
	HANDOVER_CANCEL, /* it does not wait for that any more */
	/* main to adopter */
	HANDOVER_MAPS, /* the answer to HELLO: see enum handover_map */
	HANDOVER_CLIENT, /* a verified client's socket */
	HANDOVER_CONNECTED, /* a verified peer's, for a connect() */
	HANDOVER_UNCONNECTED, /* it fails with error; 0: it is to go on as it would without us */
	/* carrier to keeper */
	HANDOVER_SEEK, /* it has no main process */
	/* keeper to carrier */
	HANDOVER_FOUND, /* here is one, which has heard ... */
	/* keeper to main, for the carrier */
	HANDOVER_CARRIER, /* ... first of all which carrier this is */
	/* carrier to main */
	HANDOVER_CARRIES, /* what it has, and how many more it takes: before, it is given nothing */
	HANDOVER_ENDED, /* a session has ended */
	/* main to carrier */
	HANDOVER_CARRY, /* a session to relay: the peer's socket and the app's */
	HANDOVER_TYPE_COUNT,
};

/* the descriptors of HANDOVER_MAPS and HANDOVER_KEEP_MAPS */
enum handover_map {
	HANDOVER_MAP_NAMESPACES,
	HANDOVER_MAP_PORTS,
	HANDOVER_MAP_RELAYS,
	HANDOVER_MAP_ORIGINS,
	HANDOVER_MAP_COUNT,
};
_Static_assert((int)HANDOVER_MAP_COUNT <= (int)PACKET_FDS_MAX, "they go in one packet");

/* the descriptors of HANDOVER_KEEP: all that a keeper has of an app */
enum handover_kept {
	HANDOVER_KEPT_CALLS, /* of the filter's notifications */
	HANDOVER_KEPT_NETNS,
	HANDOVER_KEPT_LEDGER,
	HANDOVER_KEPT_COUNT,
};
_Static_assert((int)HANDOVER_KEPT_COUNT <= (int)PACKET_FDS_MAX, "they go in one packet");

enum { HANDOVER_NAME_LEN = 64, HANDOVER_WHY_LEN = 128 };

struct handover_load {
	uint32_t sessions, room;
	uint32_t retires; /* 0 or 1: it is to be given no more */
};

struct handover_end {
	uint64_t bytes_in, bytes_out; /* of the peer's side */
	char why[HANDOVER_WHY_LEN];
};

struct handover {
	enum handover_type type;
	int32_t error; /* WRAPPED, RETURNED, UNCONNECTED: 0 or -errno */
	uint64_t id; /* HELLO, KEEP: of this wrapped app, whatever becomes of its adopter */
	uint64_t cookie; /* CLIENT, TAKEN, RETURNED, CARRY, ENDED: of the peer's socket */
	uint64_t netns; /* HELLO, LISTENER, FETCHED: cookie of the network namespace */
	uint64_t call; /* CONNECT, CANCEL, CONNECTED, UNCONNECTED: whose answer it is */
	int32_t pid; /* HELLO, KEEP: the process that was wrapped; CARRIER: of the carrier */
	int32_t family; /* CONNECT: of the app's socket */
	/* MAPS: how long a connect() that does not block is held; 0: none is to be asked about */
	uint32_t connect_ms;
	/*
	 * LISTENS, CLOSED; :: is any address. LISTENER, FETCHED: the governed port. CONNECT: where to
	 */
	struct endpoint at;
	struct endpoint from; /* CONNECT: what it is bound to */
	bool v6only; /* LISTENS: :: is any address of IPv6. LISTENER, FETCHED: of IPv6 */
	union {
		char name[HANDOVER_NAME_LEN]; /* WRAP, HELLO, KEEP: of the app, printable */
		struct handover_load load; /* CARRIES */
		struct handover_end end; /* ENDED, printable */
		struct carry carry; /* CARRY; whoever has had it cleanses it */
	};
};

/* Whose end of a socket this is: each takes the messages that are meant for it alone. */
enum handover_side {
	HANDOVER_AT_KEEPER,
	HANDOVER_AT_EXEC,
	HANDOVER_AT_MAIN, /* of what adopters say */
	HANDOVER_AT_KEEPERS_MAIN, /* of what the keeper says */
	HANDOVER_AT_ADOPTER,
	HANDOVER_AT_KEEPERS_CARRIERS, /* at the keeper, of what one of its carriers says */
	HANDOVER_AT_CARRIER, /* of what main says */
	HANDOVER_AT_CARRIER_OF_KEEPER, /* of what the keeper says */
	HANDOVER_AT_CARRIERS_MAIN,
};

/* The same errors as packet_send(). */
int handover_send(int socket, const struct handover *message, const int *fds, size_t fd_count);

/*
 * Receives one that is meant for this side; fds are the caller's then and the unused ones -1.
 * -EAGAIN; -EPIPE: the other side is gone; -EBADMSG: no such message (its descriptors are closed).
 */
int handover_receive(int socket, enum handover_side side, struct handover *message,
		     int fds[PACKET_FDS_MAX]);

/*
 * A connected socket to, or a listening one at, run_path/name; neither blocks, and
 * mode is of the listening one, for root and the group gid. -ENAMETOOLONG; -EAGAIN: whoever
 * listens does not keep up; -errno of connect(), bind().
 */
int handover_connect(const char *run_path, const char *name);
int handover_listen(const char *run_path, const char *name, unsigned int mode, unsigned int gid);

#define HANDOVER_KEEPER "keeper"
#define HANDOVER_ADOPT "adopt"
#define HANDOVER_CARRY_SOCKET "carry"

#endif
