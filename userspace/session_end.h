/* SPDX-License-Identifier: Apache-2.0 */
/* Ends live sessions from the main process, whoever has their sockets. */
#ifndef USERSPACE_SESSION_END_H
#define USERSPACE_SESSION_END_H

#include <stddef.h>
#include <stdint.h>

struct agent;

/*
 * Closes the gate of all of them first, then resets their connections, then records each one's
 * end with the reason, once. Of those that have ended by themselves nothing is said. Returns when
 * the last gate was closed, by loop_clock(); 0: none could be.
 */
uint64_t session_end_many(struct agent *agent, const uint64_t *cookies, size_t count,
			  const char *why);

/*
 * The same of one, which goes on as it was where it cannot be ended. -ENOENT, -ESTALE: its
 * connection is not there; -errno.
 */
int session_end_one(struct agent *agent, uint64_t cookie, const char *why);

#endif
