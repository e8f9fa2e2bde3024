/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker or a carrier gives up before it meets its first peer. */
#ifndef USERSPACE_SANDBOX_H
#define USERSPACE_SANDBOX_H

#include <sys/types.h>

/*
 * Before anything else in a new process: it dies with its parent (0: with nobody), is not dumpable
 * and becomes uid and gid without supplementary groups, capabilities or a way back. -errno;
 * -EPERM where the kernel says yes and it is not so.
 */
int sandbox_drop(uid_t uid, gid_t gid, pid_t parent);

/*
 * Last: no file system (Landlock, where the kernel has it) and only the system calls of
 * a worker; any other kills the process. -errno.
 */
int sandbox_close(void);

#endif
