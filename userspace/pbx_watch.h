/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps unmatched = block in force: a service manager removes a PBX's cgroup when the PBX
 * stops, and with it what was attached there, and makes it anew when the PBX starts.
 */
#ifndef USERSPACE_PBX_WATCH_H
#define USERSPACE_PBX_WATCH_H

#include "userspace/agent.h"

struct pbx_watch {
	struct agent *agent;
	struct loop_io io; /* an inotify(7) descriptor on the folders that the cgroups are in */
};

/*
 * Attaches to the cgroups that are there and watches for the others; says in the log which PBX
 * does not run. -errno. Without a PBX that blocks it does nothing.
 */
int pbx_watch_start(struct pbx_watch *watch, struct agent *agent);

/* Another configuration is in force. */
void pbx_watch_change(struct pbx_watch *watch);

void pbx_watch_stop(struct pbx_watch *watch);

#endif
