/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's listening sockets for governed ports, kept by the keeper while no daemon runs: who
 * connects then waits in them for the next one. Outlets are not kept: an app's connect() fails at
 * once without a daemon.
 */
#ifndef USERSPACE_LISTENER_KEEP_H
#define USERSPACE_LISTENER_KEEP_H

#include <stdbool.h>
#include <stdint.h>

struct agent;
struct listener_keep;
struct listeners;

/* NULL: out of memory. */
struct listener_keep *listener_keep_new(struct agent *agent);

/* Fetches what a keeper has; without one there is nothing. Before listeners_open(). */
void listener_keep_fetch(struct listener_keep *keep);

/*
 * One that was fetched, for a port of a namespace (by its cookie); the caller's then. -ENOENT.
 */
int listener_keep_take(struct listener_keep *keep, uint64_t netns, uint16_t port, bool ipv6);

/* Gives the keeper those of the agent, now and whenever there is another keeper. After
 * dataplane_switch(). */
void listener_keep_start(struct listener_keep *keep);

/* They end with this process, which ends in order. NULL is fine. */
/* Others are in force: gives the keeper those that it has not got with the ones before. */
void listener_keep_change(struct listener_keep *keep, const struct listeners *before);

void listener_keep_stop(struct listener_keep *keep);

#endif
