/* SPDX-License-Identifier: Apache-2.0 */
/* The ends of sessions whose sockets apps have, as the kernel tells them. */
#ifndef USERSPACE_ENDING_WATCH_H
#define USERSPACE_ENDING_WATCH_H

struct agent;
struct ending_watch;

/* Records them from now on, and those that nobody was there to hear of. -errno. */
int ending_watch_start(struct agent *agent, struct ending_watch **out);

/* NULL is fine. */
void ending_watch_stop(struct ending_watch *watch);

#endif
