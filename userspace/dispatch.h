/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The main process's side of a wrapped app's connect(): which line claims the address, which worker
 * makes the connection, and who is told what became of it.
 */
#ifndef USERSPACE_DISPATCH_H
#define USERSPACE_DISPATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/abi.h"
#include "userspace/handover.h"

struct agent;
struct dispatch;
struct dispatched;
struct supervised;
struct wrapped;

/* NULL: out of memory. */
struct dispatch *dispatch_new(struct agent *agent);

/* Forgets all, after those who wait were let go; NULL is fine. */
void dispatch_free(struct dispatch *dispatch);

/* For HANDOVER_MAPS: how long a call is held; 0: no line of that namespace is for this. */
uint32_t dispatch_connect_ms(const struct agent *agent, uint32_t netns);

/*
 * A connect() of an app in that namespace (its number in the configuration), as HANDOVER_CONNECT
 * has it. adoption_answer() follows, at once or later. -EPROTO: such a call there cannot be.
 */
int dispatch_connect(struct dispatch *dispatch, struct wrapped *app, uint32_t netns,
		     const struct handover *message);

/* Nobody waits for it any more; for any call of that app. */
void dispatch_cancel(struct dispatch *dispatch, const struct wrapped *app, uint64_t call);
void dispatch_cancel_all(struct dispatch *dispatch, const struct wrapped *app);

/* A worker's order, while somebody waits for it; NULL: nobody does, or it is another's. */
struct dispatched *dispatch_find(const struct dispatch *dispatch, uint32_t worker, uint64_t order);
const struct destination *dispatch_destination(const struct dispatched *dispatched);

/*
 * Takes hold of the socket that was made, which stays the caller's, too: before its gate is opened.
 * -EPERM: there is one; -errno of dup().
 */
int dispatch_hold(struct dispatched *dispatched, int socket);

/*
 * What became of it, which ends it. 0: the app gets the socket that is held, and where none is, goes
 * on by relay; else error as MESSAGE_UNDONE has it.
 */
void dispatch_done(struct dispatched *dispatched, int error);

/* The worker has ended: what it had made is the app's, and what it was at goes by relay. */
void dispatch_worker_ended(struct dispatch *dispatch, uint32_t worker);

#endif
