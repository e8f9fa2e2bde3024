/* SPDX-License-Identifier: Apache-2.0 */
/* The cgroup2 hierarchy, whose root the BPF programs are attached to. */
#ifndef USERSPACE_CGROUP_H
#define USERSPACE_CGROUP_H

#include <stddef.h>

/*
 * Opens a cgroup folder as an O_PATH-free descriptor for attaching. path "": the root of
 * the cgroup2 hierarchy, wherever it is mounted (/proc/self/mountinfo).
 * The descriptor; -ENODEV: no cgroup2 is mounted; -ENOTDIR: path is not on cgroup2; -EXDEV: the
 * calling process is not in it, so that its own sockets would be missed; -errno.
 */
int cgroup_open(const char *path);

/*
 * Opens the folder of a cgroup that is given as from the hierarchy's root, in the way of
 * /proc/PID/cgroup: "/system.slice/a.service". The descriptor; -ENODEV; -ENOENT: there is no such
 * cgroup now; -errno.
 */
int cgroup_open_below_mount(const char *path);

/*
 * Moves the calling process into such a cgroup, which is made, with those above it, where it is not
 * there. -EINVAL: not as from the root; -ENODEV; -errno.
 */
int cgroup_enter_below_mount(const char *path);

/* Where that folder is, or would be. -ENODEV, -ENAMETOOLONG. */
int cgroup_path_below_mount(const char *path, char *out, size_t size);

#endif
