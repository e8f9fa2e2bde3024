/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps true what getsockname() shows of outbound connections: which address they come from is
 * looked up again when routes or addresses have changed, as they do after the daemon has
 * started with the host.
 */
#ifndef USERSPACE_ROUTE_WATCH_H
#define USERSPACE_ROUTE_WATCH_H

#include "userspace/agent.h"

struct route_watch {
	struct agent *agent;
	struct route_watch_io *ios; /* a netlink socket for each namespace with outbound lines */
	size_t io_count;
	struct loop_timeouts waits; /* changes come in crowds */
	struct loop_timeout wait;
	bool waiting;
};

/* -errno. Without outbound lines it does nothing. */
int route_watch_start(struct route_watch *watch, struct agent *agent);

void route_watch_stop(struct route_watch *watch);

#endif
