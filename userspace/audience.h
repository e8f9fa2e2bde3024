/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Those who hear audit records as they are written: clients of the control socket. None is waited
 * for: what one that does not read has no room for, it misses, and it is told how many.
 */
#ifndef USERSPACE_AUDIENCE_H
#define USERSPACE_AUDIENCE_H

#include "userspace/audit.h"
#include "userspace/loop.h"

struct audience;

/* Hears the log from then on. NULL: out of memory. */
struct audience *audience_new(struct loop *loop, struct audit *audit);

/*
 * Takes a connected socket in, which is the audience's then. Each record is a line of JSON; the
 * first line is {"event":"watching"}. -EBUSY: there are enough; -ENOMEM; -errno of epoll_ctl().
 */
int audience_admit(struct audience *audience, int fd);

/* Ends with all of them. NULL is fine. */
void audience_free(struct audience *audience);

#endif
