/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What /proc/PID/fdinfo says of a file of another process (proc_pid_fdinfo(5)): that folder may be
 * read by who may trace the process, where /proc/PID/fd belongs to its user.
 */
#ifndef USERSPACE_TASK_FILE_H
#define USERSPACE_TASK_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Whether it is closed on exec. -ESRCH: there is no such descriptor, or process. */
int task_file_closes_on_exec(pid_t tid, int number);

/*
 * Whether the process has a file, by its inode's number, under one number alone, and in none of its
 * epoll instances. -EBUSY: more; -EMFILE: it has too many descriptors to look at;
 * -ESRCH: it has gone.
 */
int task_file_is_single(pid_t tid, uint64_t inode);

#endif
