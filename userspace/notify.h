/* SPDX-License-Identifier: Apache-2.0 */
/* System calls that wait for a supervisor's answer: seccomp_unotify(2). */
#ifndef USERSPACE_NOTIFY_H
#define USERSPACE_NOTIFY_H

#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>

/* What the kernel writes: its own size may be beyond the header's (SECCOMP_GET_NOTIF_SIZES). */
enum { NOTIFY_ROOM = 256 };

union notify {
	struct seccomp_notif call;
	unsigned char room[NOTIFY_ROOM];
};

/* 0, or -EOVERFLOW where this kernel's notification is larger than NOTIFY_ROOM; -errno. */
int notify_check_size(void);

/* Whether a descriptor is one of notifications at all: somebody else's is taken over. */
bool notify_is_one(int fd);

/* True where no process has the filter any more. */
bool notify_is_over(int notify_fd);

/*
 * Takes the next call, which then waits for exactly one answer: into out, without a moment in
 * which it is taken and not yet there, so that out may be memory that outlives the process.
 * -ENOENT: its caller has gone.
 */
int notify_receive(int notify_fd, union notify *out);

/* False where its caller does not wait any more: a signal, its end. */
bool notify_is_valid(int notify_fd, const union notify *notify);

/* The kernel carries the call out, as if there were no filter. -ENOENT: its caller has gone. */
int notify_continue(int notify_fd, const union notify *notify);

/* The call fails with err, a -errno. -ENOENT. */
int notify_fail(int notify_fd, const union notify *notify, int err);

/*
 * The call returns a new descriptor of the caller's process, for the same file as fd, which stays
 * the supervisor's. -ENOENT; -EMFILE and others: it has not been answered.
 */
int notify_give(int notify_fd, const union notify *notify, int fd, bool close_on_exec);

/*
 * Puts the same file as fd, which stays the supervisor's, under a number of the caller's process, in
 * place of what is there; the call still waits. -ENOENT; -EBADF and others.
 */
int notify_replace(int notify_fd, const union notify *notify, int fd, int number,
		   bool close_on_exec);

/* The call returns 0. -ENOENT: its caller has gone. */
int notify_succeed(int notify_fd, const union notify *notify);

#endif
