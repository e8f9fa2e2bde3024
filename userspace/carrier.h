/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A carrier: an unprivileged process of the keeper's that relays sessions which the kernel
 * encrypts, and does nothing else. It outlives the daemon, whose main process gives it sessions
 * and hears of their ends (handover.h).
 */
#ifndef USERSPACE_CARRIER_H
#define USERSPACE_CARRIER_H

#include <sys/types.h>

#include "userspace/beat.h"

struct carrier_setup {
	int keeper; /* the other end is closed when the keeper ends */
	struct beat *beat; /* shared with the keeper */
	uid_t uid;
	gid_t gid;
};

/*
 * Runs until the keeper has ended and the last session has, too: 0. -errno: it could not start,
 * -EPERM: nor be without privileges.
 */
int carrier_run(const struct carrier_setup *setup);

#endif
