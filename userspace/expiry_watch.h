/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells once a day of the certificates whose end is near: in the log, and as a record of the
 * event "expiry" in the audit log. The first time is at once.
 */
#ifndef USERSPACE_EXPIRY_WATCH_H
#define USERSPACE_EXPIRY_WATCH_H

#include "userspace/agent.h"

struct expiry_watch {
	const struct agent *agent;
	struct loop_timeouts daily;
	struct loop_timeout next;
};

/* Begins; the watch lives as long as the agent's loop. */
void expiry_watch_start(struct expiry_watch *watch, const struct agent *agent);

/* Tells now, and a day later again. */
void expiry_watch_tell(struct expiry_watch *watch);

#endif
