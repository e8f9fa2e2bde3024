/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop of every process of the daemon: epoll, and queues of time-outs.
 *
 * sd-event would do, but it dispatches one source per epoll_wait(); a relay wants all
 * that is ready out of one.
 */
#ifndef USERSPACE_LOOP_H
#define USERSPACE_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct loop;

#define LOOP_SECOND UINT64_C(1000000000) /* ns */

/* from what is embedded back to the object */
#define CONTAINER_OF(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))

/* Embedded in the object that the descriptor belongs to. */
struct loop_io {
	int fd; /* -1: not in the loop; events that are still queued for it are dropped */
	void (*ready)(struct loop_io *io, uint32_t events); /* events: EPOLLIN and so on */
};

/* Embedded; waits in at most one queue. */
struct loop_timeout {
	TAILQ_ENTRY(loop_timeout) entry;
	uint64_t at; /* loop_now() when it expires; 0: not waiting */
};

/* Time-outs of one duration: a queue, since they expire in the order of their start. */
struct loop_timeouts {
	TAILQ_HEAD(, loop_timeout) waiting;
	TAILQ_ENTRY(loop_timeouts) entry;
	uint64_t duration; /* ns */
	void (*expired)(struct loop_timeout *timeout); /* not waiting any more when called */
};

/* Work that is not done with yet: embedded, waits for its next turn. */
struct loop_turn {
	STAILQ_ENTRY(loop_turn) entry;
	void (*run)(struct loop_turn *turn);
	bool waiting;
};

/* Memory that goes after the current round of events, which may still point into it. */
struct loop_garbage {
	SLIST_ENTRY(loop_garbage) entry;
	void (*release)(struct loop_garbage *garbage);
};

/* A loop of this process. -errno of epoll_create1(); -ENOMEM. */
int loop_new(struct loop **out);

/* Releases what is queued as garbage, too. NULL is fine. */
void loop_free(struct loop *loop);

/* Takes a descriptor in; io->ready is set by the caller. -errno of epoll_ctl(). */
int loop_add(struct loop *loop, struct loop_io *io, int fd, uint32_t events);

/*
 * Blocks signals and takes them in as a descriptor, to be read as struct signalfd_siginfo:
 * signalfd(2). SIGPIPE is ignored from then on. -errno.
 */
int loop_add_signals(struct loop *loop, struct loop_io *io, const int *signals, size_t count);

/* Changes the events of one that is in. -errno of epoll_ctl(). */
int loop_change(struct loop *loop, struct loop_io *io, uint32_t events);

/* Takes it out, before the descriptor is closed. One that is not in is fine. */
void loop_remove(struct loop *loop, struct loop_io *io);

/* Makes a queue; it lives as long as the loop. */
void loop_timeouts_add(struct loop *loop, struct loop_timeouts *queue);

/* (Re)starts a time-out at the end of its queue. */
void loop_timeout_start(struct loop *loop, struct loop_timeouts *queue,
			struct loop_timeout *timeout);

/* Takes it out of its queue; one that does not wait is fine. */
void loop_timeout_stop(struct loop_timeouts *queue, struct loop_timeout *timeout);

/* Calls turn->run in the next round, after what is ready by then; once is enough. */
void loop_turn_add(struct loop *loop, struct loop_turn *turn);
void loop_turn_remove(struct loop *loop, struct loop_turn *turn);

/* Hands memory over: released after this round's events. */
void loop_discard(struct loop *loop, struct loop_garbage *garbage);

/* CLOCK_MONOTONIC in ns, read now. */
uint64_t loop_clock(void);

/* CLOCK_MONOTONIC in ns, read once a round. */
uint64_t loop_now(const struct loop *loop);

/* Runs until loop_stop(). 0, or -errno of epoll_wait(). */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

#endif
