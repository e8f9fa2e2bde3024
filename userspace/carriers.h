/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The main process's side of carriers (carrier.h): which there are, who gets the next session, and
 * how the end of one that a carrier has is told once, with its reason.
 */
#ifndef USERSPACE_CARRIERS_H
#define USERSPACE_CARRIERS_H

#include <jansson.h>
#include <stdint.h>

#include "bpf/abi.h"
#include "userspace/carry.h"

struct agent;
struct carriers;

/* Listens for carriers at run-path/carry. -errno. */
int carriers_start(struct agent *agent, struct carriers **out);

/* Lets go of them: what they have is theirs. NULL is fine. */
void carriers_stop(struct carriers *carriers);

/*
 * Gives a session, whose entry is as it was last read, to the carrier that has the fewest. Its
 * sockets stay the caller's, too. -ENOTCONN: there is none that takes one; -ENOENT: the session has
 * ended; -errno of sendmsg().
 */
int carriers_give(struct carriers *carriers, uint64_t cookie, const struct session *session,
		  int client, int app, const struct carry *carry);

/* The kernel tells of the end of a carried session, which its carrier may know more of. */
void carriers_ending(struct carriers *carriers, const struct ending *ending);

/* A new reference, NULL when out of memory. */
json_t *carriers_to_json(const struct carriers *carriers);

#endif
