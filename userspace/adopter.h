/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An adopter: the process that answers the accept() and connect() calls of one wrapped app, and
 * gives it verified sockets of clients as their results, or of servers in place of its own. It knows nothing of TLS, of the configuration, or of other
 * apps, so that nothing of these can hold the app up.
 *
 * A verified client waits at its *place*, the address that it dialled. While one waits there is a
 * *bell* in the queue of the app's own listener at that address: a connection of ours, which makes
 * the app call accept(). One bell is enough for any number of clients; it is taken out again when
 * the last one was served. A call that must block while nobody waits is *held*.
 *
 * adopter.c           the process, its calls
 * adopter_accept.c    what a call is answered with
 * adopter_agent.c     the daemon's main process
 * adopter_bell.c      bells
 * adopter_connect.c   calls of connect()
 * adopter_held.c      calls that wait
 * adopter_keeper.c    the keeper, or the one that follows it
 * adopter_listener.c  where the app listens
 * adopter_parent.c    the sockets that the app accepts from, and what clients have of them
 * adopter_place.c     clients that wait
 */
#ifndef USERSPACE_ADOPTER_H
#define USERSPACE_ADOPTER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "userspace/app_address.h"
#include "userspace/handover.h"
#include "userspace/ledger.h"
#include "userspace/loop.h"
#include "userspace/task.h"

/* a call of accept() or accept4() on a governed listener */
struct adopter_call {
	union notify *notify; /* in the ledger */
	int listener; /* a descriptor of ours for it */
	uint64_t cookie; /* of that socket */
	struct app_address address;
	int room; /* for the peer's address */
};

struct held;
struct parent;

struct client {
	STAILQ_ENTRY(client) entry;
	int fd;
	uint64_t cookie; /* 0: it was in the app's own queue, and main did not send it */
	struct endpoint peer;
};

struct bell;

struct place {
	LIST_ENTRY(place) entry;
	struct endpoint at;
	STAILQ_HEAD(, client) clients;
	LIST_HEAD(, bell) bells; /* that the app has not taken */
	unsigned int bell_count;
	int spare; /* a socket for the next one; -1, -errno: none */
	uint64_t rung; /* loop_now() of the last one */
	uint64_t refused; /* since when nobody listens there; 0: somebody does */
};

struct adopter {
	struct loop *loop;
	struct loop_io calls; /* the filter's notifications */
	struct ledger *ledger;
	struct tasks *tasks;
	const char *run_path;
	uint64_t id;
	uint64_t netns;
	int32_t pid;
	char name[HANDOVER_NAME_LEN];
	int kept[HANDOVER_KEPT_COUNT];
	int wrapping; /* the socket of `linewarden exec`, while it waits for our answer; -1 */

	uint64_t started; /* loop_now() */
	struct loop_io keeper; /* not in the loop while there is none */
	struct loop_io agent; /* the main process; not in the loop while there is none */
	int maps[HANDOVER_MAP_COUNT]; /* -1 until there was one */
	struct loop_timeouts retries; /* of connections to the two */
	struct loop_timeout agent_retry;

	LIST_HEAD(, place) places;
	LIST_HEAD(, bell) taken; /* bells that the app took, until there is time to close them */
	TAILQ_HEAD(, parent) parents;
	unsigned int parent_count;
	TAILQ_HEAD(, held) held;
	LIST_HEAD(, dial) dials;
	struct inherit_options dialled[2]; /* of the sockets of CONNECTED, for inherit_give() */
	uint32_t connect_ms; /* how long a connect() is held that does not block; 0: none is */
	struct loop_timeouts ticks; /* while clients wait, or calls with a time limit */
	struct loop_timeout tick;
	struct loop_timeouts beats;
	struct loop_timeout beat;
	bool deaf; /* the ledger is full: calls are left with the kernel */
};

struct adopter_setup {
	const char *run_path;
	uint64_t id;
	int32_t pid;
	int kept[HANDOVER_KEPT_COUNT]; /* the network namespace is entered already */
	int maps[HANDOVER_MAP_COUNT]; /* -1: none yet */
	int keeper; /* the other end is closed when the keeper ends */
	int wrapping; /* -1: the app runs already, and another adopter of it ended */
	char name[HANDOVER_NAME_LEN];
};

/* Runs until the app has ended: 0; anything else: -errno, and the app still needs one. */
int adopter_run(const struct adopter_setup *setup);

/* --- adopter.c */
/* Ends a call that is in hand; the ledger forgets it. */
void adopter_continue(struct adopter *adopter, union notify *call);
void adopter_fail(struct adopter *adopter, union notify *call, int err);
void adopter_done(struct adopter *adopter, union notify *call);
/* place_tick() and held_tick() will be called, within 50 ms. */
void adopter_tick_soon(struct adopter *adopter);

/* --- adopter_accept.c */
/* Answers a call of accept() or accept4(), or holds it. */
void adopter_accept(struct adopter *adopter, union notify *call);

/*
 * Answers one with a client that waits, if there is one. True: the call is over. *err: what
 * the listener says where there is none, as accept() would; -EAGAIN: nothing.
 */
bool adopter_serve(struct adopter *adopter, const struct adopter_call *call, int *err);

/* --- adopter_agent.c */
void adopter_agent_start(struct adopter *adopter);
void adopter_agent_stop(struct adopter *adopter);
/* Says something, if there is a main process that listens. */
void adopter_tell(struct adopter *adopter, const struct handover *message);
/* exec may go on, or must not: once. */
void adopter_answer_exec(struct adopter *adopter, int err);

/* --- adopter_connect.c */
/* Asks the main process about a call of connect(), or lets the kernel carry it out at once. */
void adopter_connect(struct adopter *adopter, union notify *call);
/* The main process's answer, CONNECTED or UNCONNECTED; the socket, or -1, is taken over. */
void adopter_connected(struct adopter *adopter, const struct handover *answer, int socket);
/* Lets go of those whose caller does not wait any more, or whose time is over; false: none waits. */
bool connect_tick(struct adopter *adopter);
/* There is no main process any more: all go on as they would without us. */
void connect_drop_all(struct adopter *adopter);
/* One that an adopter before this one had in hand, before ledger_settle(). */
void adopter_inherit_connect(struct adopter *adopter, union notify *call);

/* --- adopter_keeper.c */
int adopter_keeper_start(struct adopter *adopter, int keeper);
/* Looks for another one, if the one there was has ended. */
void adopter_keeper_seek(struct adopter *adopter);
/* Gives it the maps. */
void adopter_keeper_tell_maps(struct adopter *adopter);

/* --- adopter_bell.c */
/* One more bell, which is on its way then. -errno: it could not be rung. */
int bell_ring(struct adopter *adopter, struct place *place);
/*
 * Whether a connection that was in the app's queue is a bell, ours or one of an adopter before
 * this; it is closed then, or soon. *place: whose it was, NULL where that is not known.
 */
bool bell_is_one(struct adopter *adopter, int fd, const struct endpoint *from,
		 struct place **place);
/* Closes those that bell_is_one() met: after the app was answered. */
void bell_close_taken(struct adopter *adopter);
/* Whether one is in the app's queue: somebody listens there. */
bool bell_is_in_queue(const struct place *place);
/* Makes a part of the next one in advance, at a place that needs bells. */
void bell_spare(struct place *place);
/* Takes every bell of a place back, and its spare one. */
void bell_silence(struct place *place);

/* --- adopter_held.c */
/* Keeps a call until a client comes; the descriptor is its own then. */
void held_add(struct adopter *adopter, const struct adopter_call *call);
/* Serves calls that wait at a place, as far as it has clients. */
void held_serve(struct adopter *adopter, struct place *place);
/* Lets go of those whose caller does not wait any more. */
void held_sweep(struct adopter *adopter);
/* The same; false: none of the others has a time limit. */
bool held_tick(struct adopter *adopter);
void held_drop_all(struct adopter *adopter);
/* What is not known of the listeners of calls that wait is asked. */
void held_learn(struct adopter *adopter);

/* --- adopter_listener.c */
/* The address of a governed TCP socket that may listen. False: no such socket. */
bool listener_address(const struct adopter *adopter, int fd, struct app_address *out);
/* The app listens there: known from then on. */
void listener_note(struct adopter *adopter, const struct app_address *address);
/* Whether that listener is the one that the kernel gives connections to that address to. */
bool listener_serves(const struct adopter *adopter, const struct app_address *address,
		     const struct endpoint *at);
/* Nobody listens there. */
void listener_forget(struct adopter *adopter, const struct endpoint *at);
void listener_forget_all(struct adopter *adopter);
void listener_tell_all(struct adopter *adopter);
/* The number of this network namespace in the maps. -ENOENT: it is not governed. */
int listener_netns(const struct adopter *adopter, uint32_t *out);

/* --- adopter_parent.c */
/*
 * Fills in the address of a call's listener, and its cookie: from here on it is known. False: that
 * is no governed TCP socket that listens.
 */
bool parent_meet(struct adopter *adopter, struct adopter_call *call);
/* Gives a client what the kernel would have cloned of that listener. */
void parent_endow(struct adopter *adopter, const struct adopter_call *call, int client);
/* Asks a listener for its options while nobody waits for them; anew: though they are known. */
void parent_learn(struct adopter *adopter, const struct adopter_call *call, bool anew);
/*
 * A client came to wait: it is to have no options from before that. ask: for those of the listener
 * that serves the place, at once; else its next call does.
 */
void parents_come(struct adopter *adopter, const struct place *place, bool ask);
/* All that is known of listeners is asked for once more, when it is needed. */
void parents_doubt(struct adopter *adopter);
void parents_forget_all(struct adopter *adopter);

/* --- adopter_place.c */
/*
 * Takes a client in at the place that it dialled; its descriptor is closed where that fails.
 * peer: what accept() said of it, which stands when it has gone since; NULL: nobody asked.
 */
struct place *place_add(struct adopter *adopter, int fd, uint64_t cookie,
			const struct endpoint *peer);
/* One with clients that this listener serves; NULL: none. */
struct place *place_of(struct adopter *adopter, const struct app_address *listener);
bool place_has(const struct adopter *adopter, uint64_t cookie);
/* Its first client is the app's now. */
void place_served(struct adopter *adopter, struct place *place);
/* Rings if somebody waits and no bell is out. */
void place_call(struct adopter *adopter, struct place *place);
/* A bell could not be rung, or was lost before the app took it: -ECONNREFUSED: nobody listens. */
void place_lost_bell(struct adopter *adopter, struct place *place, int err);
/* Every client goes back to main, with err as the reason. */
void place_return_all(struct adopter *adopter, int err);
/* The same at every place: their bells may have been taken together. */
void place_call_all(struct adopter *adopter);
/* What time does to them; false: nobody waits. */
bool place_tick(struct adopter *adopter);

#endif
