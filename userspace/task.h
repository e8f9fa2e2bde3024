/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The threads of a wrapped app, by their ids: their descriptors and their memory. What it takes is
 * CAP_SYS_PTRACE over them.
 */
#ifndef USERSPACE_TASK_H
#define USERSPACE_TASK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "userspace/loop.h"

struct tasks;

/* ended is called, with arg, after a process of the app ended. NULL: out of memory. */
struct tasks *tasks_new(struct loop *loop, void (*ended)(void *arg), void *arg);
void tasks_free(struct tasks *tasks);

/*
 * A descriptor of this process for the file that a thread has under number: pidfd_getfd(2). The
 * thread waits for the answer to a call, so that nobody else has its id.
 * -EBADF: it has none; -ESRCH: it has gone; -EPERM.
 */
int tasks_descriptor(struct tasks *tasks, pid_t tid, int number);

/* The same of one that may have gone since it was asked: not of another one that has its id now. */
int tasks_descriptor_again(const struct tasks *tasks, pid_t tid, int number);

enum { TASK_PIECES_MAX = 2 };

struct task_piece {
	uint64_t to;
	const void *from;
	size_t len; /* may be 0 */
};

/* Memory of a thread's process. -EFAULT, where some may be written; -ESRCH. */
int task_read(pid_t tid, uint64_t from, void *to, size_t len);
int task_write(pid_t tid, const struct task_piece *pieces, size_t count);

#endif
