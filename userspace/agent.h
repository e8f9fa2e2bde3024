/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The main process: root, and the only one that writes BPF maps, the audit log and the
 * control socket. It meets no peer; what a worker says is checked against the kernel.
 */
#ifndef USERSPACE_AGENT_H
#define USERSPACE_AGENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "userspace/audit.h"
#include "userspace/beat.h"
#include "userspace/bucket.h"
#include "userspace/config.h"
#include "userspace/dataplane.h"
#include "userspace/ktls_probe.h"
#include "userspace/listener.h"
#include "userspace/loop.h"

struct agent;

/* a worker as the main process sees it */
struct supervised {
	struct agent *agent;
	struct loop_io io; /* the main process's end of the socket pair */
	struct loop_timeout restart; /* waiting: it died and starts again then */
	pid_t pid; /* 0: not running */
	uint32_t id;
	uint32_t netns; /* the network namespace that it serves */
	unsigned int restarts;
};

struct agent {
	struct config *config;
	struct dataplane *dataplane;
	struct listeners listeners;
	struct audit *audit;
	struct ktls_crypto *crypto;
	struct ktls_features features;
	struct listener_keep *listener_keep;
	struct adoption *adoption;
	struct ending_watch *endings;
	struct session_store *sessions; /* shared with the workers */
	bool kernel_tls;
	struct loop *loop;
	struct supervised *workers;
	unsigned int worker_count; /* of all namespaces together */
	struct loop_timeouts restarts;
	struct beat *beats; /* of the workers, shared with them */
	struct loop_timeouts rounds; /* the one below */
	struct loop_timeout round; /* looks after the workers, and tells the service manager */
	uint64_t started; /* seconds since the epoch */
	struct bucket failures; /* of records of connections that reached no verdict */
	uint64_t audit_suppressed; /* of these, beyond the rate */
	uint64_t audit_lost; /* records that could not be written */
};

/* Starts every worker. -errno. */
int supervisor_start(struct agent *agent);

/* Takes note of children that ended; each starts again after a second. */
void supervisor_reap(struct agent *agent);

/* Closes the workers' sockets, which ends them, and waits. */
void supervisor_stop(struct agent *agent);

/* Records the end of every session of a worker that is gone, and forgets them; their number. */
unsigned int monitor_end_sessions(struct agent *agent, uint32_t worker, const char *why);

/* Records the end of the session of an app's own socket, which the kernel told of. */
void monitor_ended(struct agent *agent, const struct ending *ending);

/* Records why a session ends, and forgets it: whoever has its socket says nothing more of it. */
void monitor_end_cookie(struct agent *agent, uint64_t cookie, const char *why);

/* Answers one message of a worker. -errno: the worker cannot be trusted and is to die. */
int monitor_handle(struct supervised *worker);

/* Ends the session whose cookie argument is, and says which it was or, as "error", why not. */
json_t *kill_session(struct agent *agent, const char *argument);

/* The status and the live sessions as JSON; a new reference, NULL when out of memory. */
json_t *status_to_json(const struct agent *agent);
json_t *sessions_to_json(const struct agent *agent);

#endif
