/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker: the unprivileged process that meets the peers. It accepts, handshakes, asks
 * the policy, puts the keys into the kernel and relays. What takes a privilege it asks
 * of the main process (message.h).
 */
#ifndef USERSPACE_WORKER_H
#define USERSPACE_WORKER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "policy/denied.h"
#include "userspace/buffer.h"
#include "userspace/config.h"
#include "userspace/ktls_keys.h"
#include "userspace/ktls_probe.h"
#include "userspace/listener.h"
#include "userspace/loop.h"

struct cache;
struct connection;
struct session_store;
struct tls_contexts;
struct tls_resume;
struct worker_listener;

/* what the main process hands to a worker by fork() */
struct worker_setup {
	uint32_t id;
	const struct config *config;
	const struct listeners *listeners;
	const struct ktls_crypto *crypto;
	const struct ktls_features *features;
	struct session_store *sessions;
	struct beat *beat; /* shared with the main process */ /* that peers may resume */
	bool kernel_tls; /* false: user space encrypts (ktls = prefer) */
	int tags_fd, targets_fd; /* read-only */
	struct denied denied; /* the deny list as it is at the start */
	uint32_t policy; /* which one that list makes: see MESSAGE_DENIED */
	uint32_t generation; /* of the configuration's lines */
	uint32_t netns; /* the namespace that it is in: it has the listeners of that one */
	int main_fd; /* the worker's end of the socket pair */
};

struct worker {
	struct worker_setup setup;
	struct loop *loop;
	struct tls_contexts *tls;
	struct tls_resume *resume;
	struct cache *cache; /* of certificates that peers presented before */
	struct denied denied; /* the operator's deny list */
	void *denied_map; /* that it is in; NULL: in what was there at the start */
	uint32_t policy; /* which one that makes */
	struct loop_io main_io;
	struct worker_listener *listeners;
	struct buffer_pool buffers;
	struct loop_timeouts handshakes; /* half-open ones */
	struct loop_timeouts connects; /* to the app */
	struct loop_timeouts retries; /* of an app that does not listen */
	struct loop_timeouts carries; /* of sessions that no carrier has */
	struct loop_timeouts lingers; /* refused ones, until the peer has read why */
	struct loop_timeouts beats; /* the one below */
	struct loop_timeout beat; /* tells the main process that this one works */
	unsigned int half_open;
	LIST_HEAD(, connection) connections; /* all of them */
	int spare_fd; /* given up when there are no others */
	uint64_t turned_away; /* connections, for want of descriptors */
	bool stopping; /* the main process does not listen any more */
	bool retired; /* another one accepts in its place */
	STAILQ_HEAD(, connection) asked; /* await the main process's answer, in order */
};

/* A connection has ended: a worker that is retired ends with the last one. */
void worker_rest(struct worker *worker);

/* Runs a worker in this process until the main process goes. Its exit status. */
int worker_run(const struct worker_setup *setup);

#endif
