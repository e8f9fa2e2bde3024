/* SPDX-License-Identifier: Apache-2.0 */
/* Both ends of one TCP connection inside this process, for self-tests. */
#ifndef USERSPACE_LOOPBACK_H
#define USERSPACE_LOOPBACK_H

#include "userspace/fd.h"

/* Non-blocking and close-on-exec, with TCP_NODELAY. */
struct loopback_pair {
	int a, b;
};

#define LOOPBACK_PAIR_CLOSED { -1, -1 }

static inline void cleanup_loopback_pair(struct loopback_pair *pair)
{
	cleanup_fd(&pair->a);
	cleanup_fd(&pair->b);
}
#define _cleanup_pair_ _cleanup_(cleanup_loopback_pair)

/*
 * Connects a to b over 127.0.0.1. The pair must be closed before. -ETIMEDOUT: not established
 * within timeout_ms. -EBUSY: strangers kept connecting to the port. Other: -errno.
 */
int loopback_pair_open(int timeout_ms, struct loopback_pair *pair);

#endif
