/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The listening sockets of the daemon, held by the keeper: while one of a port is open the kernel
 * takes connections to it, which wait for the next main process. Not for long: a main process that
 * does not come back within ten seconds leaves the ports closed.
 */
#ifndef USERSPACE_HOLDER_H
#define USERSPACE_HOLDER_H

#include "userspace/loop.h"

struct holder;

/* NULL: out of memory. */
struct holder *holder_new(struct loop *loop);

/* What it holds is closed. NULL is fine. */
void holder_free(struct holder *holder);

/*
 * A main process has come, and asked with HANDOVER_FETCH: it gets what is held, and its own are held
 * from then on. The socket is the holder's. -EPERM: it is not root's.
 */
int holder_meet(struct holder *holder, int socket);

#endif
