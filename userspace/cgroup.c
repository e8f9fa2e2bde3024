// SPDX-License-Identifier: Apache-2.0
#include "userspace/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>

#include "userspace/fd.h"

static int cgroup_open_folder(const char *path)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;

	if (fd < 0)
		return -errno;
	if (fstatfs(fd, &fs) < 0)
		return -errno;
	if (fs.f_type != CGROUP2_SUPER_MAGIC)
		return -ENOTDIR;
	return TAKE_FD(fd);
}

int cgroup_open(const char *path)
{
	struct mntent entry;
	char buf[4096];
	int fd = -ENOENT;
	FILE *mounts;

	if (*path)
		return cgroup_open_folder(path);
	mounts = setmntent("/proc/self/mounts", "re");
	if (!mounts)
		return -errno;
	while (fd < 0 && getmntent_r(mounts, &entry, buf, sizeof(buf)))
		if (!strcmp(entry.mnt_type, "cgroup2"))
			fd = cgroup_open_folder(entry.mnt_dir);
	endmntent(mounts);
	return fd;
}
