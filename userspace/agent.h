/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The main process: root, and the only one that writes BPF maps, the audit log and the
 * control socket. It meets no peer; what a worker says is checked against the kernel.
 */
#ifndef USERSPACE_AGENT_H
#define USERSPACE_AGENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "policy/denied.h"
#include "userspace/audit.h"
#include "userspace/beat.h"
#include "userspace/bucket.h"
#include "userspace/config.h"
#include "userspace/dataplane.h"
#include "userspace/ktls_probe.h"
#include "userspace/listener.h"
#include "userspace/loop.h"

struct agent;
/* what is said of a session's end */
struct monitor_end {
	uint64_t bytes_in, bytes_out; /* of the peer's side */
	const char *why;
};

/* a worker as the main process sees it */
struct supervised {
	struct agent *agent;
	struct shift *shift;
	struct loop_io io; /* the main process's end of the socket pair */
	struct loop_timeout restart; /* waiting: it died and starts again then */
	pid_t pid; /* 0: not running */
	bool accepts; /* it was told to, and has not said that it stopped */
	uint32_t id; /* nobody else's, of any shift */
	uint32_t netns; /* the network namespace that it serves */
	unsigned int restarts;
};

/* The workers of one configuration. A reload brings others; these end with their connections. */
struct shift {
	LIST_ENTRY(shift) entry;
	struct loop_garbage garbage; /* events may be queued for its workers */
	struct agent *agent;
	struct config *config; /* the workers'; freed with the last of them */
	struct listeners *listeners; /* the same */
	struct supervised *workers;
	unsigned int worker_count; /* of all namespaces together */
	bool retired;
};

#define SUPERVISOR_WORKERS_MAX 1024 /* of all shifts together */

struct agent {
	struct config *config; /* in force: that of the current shift */
	struct dataplane *dataplane;
	struct listeners *listeners; /* in force */
	struct audit *audit;
	struct ktls_crypto *crypto;
	struct ktls_features features;
	struct listener_keep *listener_keep;
	struct adoption *adoption;
	struct carriers *carriers;
	struct dispatch *dispatch; /* as long as there is an adoption */
	struct ending_watch *endings;
	struct reverify *reverify;
	struct denied denied; /* the operator's deny list */
	uint32_t policy; /* counts the changes of what verdicts go by: see MESSAGE_DENIED */
	struct session_store *sessions; /* shared with the workers */
	bool kernel_tls;
	struct loop *loop;
	LIST_HEAD(, shift) shifts; /* the current one is the first */
	struct reload *reload;
	struct pbx_watch *pbx;
	struct expiry_watch *expiry;
	struct loop_timeouts restarts;
	struct beat *beats; /* of the workers, shared with them */
	struct loop_timeouts rounds; /* the one below */
	struct loop_timeout round; /* looks after the workers, and tells the service manager */
	uint64_t started; /* seconds since the epoch */
	struct bucket failures; /* of records of connections that reached no verdict */
	uint64_t audit_suppressed; /* of these, beyond the rate */
	uint64_t audit_lost; /* records that could not be written */
};

/* Makes what all workers share. -errno. */
int supervisor_start(struct agent *agent);

/*
 * Starts workers with a configuration and listeners, which are theirs from then on; while they are
 * the agent's, they are freed with that. They accept nothing yet. -errno, and none of them runs;
 * both stay the caller's.
 */
int supervisor_staff(struct agent *agent, struct config *config, struct listeners *listeners,
		     struct shift **out);

/* They accept from now on. The shift is the current one. */
void supervisor_listen(struct shift *shift);

/* They are to accept nothing more, and end with their connections. */
void supervisor_retire(struct shift *shift);

/* Whether one of a retired shift still may accept. */
bool supervisor_accepts(const struct shift *shift);

/* Ends a shift that never accepted anything. */
void supervisor_dismiss(struct shift *shift);

/* Takes note of children that ended; each starts again after a second. */
void supervisor_reap(struct agent *agent);

/* Closes the workers' sockets, which ends them, and waits. */
void supervisor_stop(struct agent *agent);

/* Writes an audit record; one that cannot be written is counted as lost. */
void monitor_audit(struct agent *agent, const struct record *record);

/* Records the end of every session of a worker that is gone, and forgets them; their number. */
unsigned int monitor_end_sessions(struct agent *agent, uint32_t worker, const char *why);

/* Forgets a session and records its end. False: it has ended, and somebody else tells of it. */
bool monitor_end_session(struct agent *agent, uint64_t cookie, const struct session *session,
			 const struct monitor_end *end);

/* Records the end of one that is forgotten already. */
void monitor_record_end(struct agent *agent, uint64_t cookie, const struct session *session,
			const struct monitor_end *end);

/* Records the end of the session of an app's or a carrier's socket, which the kernel told of. */
void monitor_ended(struct agent *agent, const struct ending *ending);

/* Records why a session ends, and forgets it: whoever has its socket says nothing more of it. */
void monitor_end_cookie(struct agent *agent, uint64_t cookie, const char *why);

/* Records that a session would be refused now, and goes on. */
void monitor_spared(struct agent *agent, uint64_t cookie, const struct session *session,
		    const char *why);

/* Answers one message of a worker. -errno: the worker cannot be trusted and is to die. */
int monitor_handle(struct supervised *worker);

/* Ends the session whose cookie argument is, and says which it was or, as "error", why not. */
json_t *kill_session(struct agent *agent, const char *argument);

/* The status and the live sessions as JSON; a new reference, NULL when out of memory. */
json_t *status_to_json(const struct agent *agent);
json_t *sessions_to_json(const struct agent *agent);

#endif
