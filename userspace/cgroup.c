// SPDX-License-Identifier: Apache-2.0
#include "userspace/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "userspace/fd.h"
#include "userspace/folder.h"

/* "/a/b" of the line "0::/a/b": the caller's place in the cgroup2 hierarchy */
static int cgroup_own(char *out, size_t size)
{
	char line[4096];
	int err = -ENODEV;
	FILE *file = fopen("/proc/self/cgroup", "re");

	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, "0::", 3))
			continue;
		line[strcspn(line, "\n")] = '\0';
		err = (size_t)snprintf(out, size, "%s", line + 3) < size ? 0 : -ENAMETOOLONG;
	}
	fclose(file);
	return err;
}

/* Walks from the caller's cgroup up to the root of the hierarchy, looking for folder. */
static int cgroup_holds_caller(const char *root, int folder)
{
	char path[PATH_MAX], own[PATH_MAX];
	struct stat wanted, here;
	size_t root_len;
	int err;

	err = cgroup_own(own, sizeof(own));
	if (err)
		return err;
	if ((size_t)snprintf(path, sizeof(path), "%s%s", root, own) >= sizeof(path))
		return -ENAMETOOLONG;
	if (fstat(folder, &wanted) < 0)
		return -errno;
	for (root_len = strlen(root); strlen(path) >= root_len; *strrchr(path, '/') = '\0') {
		if (stat(path, &here) == 0 && here.st_ino == wanted.st_ino &&
		    here.st_dev == wanted.st_dev)
			return 0;
		if (!strrchr(path, '/'))
			break;
	}
	return -EXDEV;
}

/* The place where the hierarchy is mounted. -ENODEV. */
static int cgroup_mount_point(char *out, size_t size)
{
	struct mntent entry;
	char buf[4096];
	int err = -ENODEV;
	FILE *mounts = setmntent("/proc/self/mounts", "re");

	if (!mounts)
		return -errno;
	while (err == -ENODEV && getmntent_r(mounts, &entry, buf, sizeof(buf)))
		if (!strcmp(entry.mnt_type, "cgroup2"))
			err = (size_t)snprintf(out, size, "%s", entry.mnt_dir) < size ?
				      0 :
				      -ENAMETOOLONG;
	endmntent(mounts);
	return err;
}

int cgroup_open(const char *path)
{
	_cleanup_fd_ int fd = -1;
	char root[PATH_MAX];
	int err;

	err = cgroup_mount_point(root, sizeof(root));
	if (err)
		return err;
	err = fd = folder_open(*path ? path : root, CGROUP2_SUPER_MAGIC);
	if (fd >= 0)
		err = cgroup_holds_caller(root, fd);
	return err ? err : TAKE_FD(fd);
}

int cgroup_path_below_mount(const char *path, char *out, size_t size)
{
	char root[PATH_MAX];
	int err;

	err = cgroup_mount_point(root, sizeof(root));
	if (err)
		return err;
	return (size_t)snprintf(out, size, "%s%s", root, path) < size ? 0 : -ENAMETOOLONG;
}

int cgroup_open_below_mount(const char *path)
{
	char full[PATH_MAX];
	int err;

	err = cgroup_path_below_mount(path, full, sizeof(full));
	return err ? err : folder_open(full, CGROUP2_SUPER_MAGIC);
}

/* Each folder of a path that is not there, below one that is. */
static int cgroup_make(char *full, size_t root)
{
	char *slash = full + root;

	while ((slash = strchr(slash + 1, '/'))) {
		*slash = '\0';
		if (mkdir(full, 0755) < 0 && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return mkdir(full, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

int cgroup_enter_below_mount(const char *path)
{
	_cleanup_fd_ int folder = -1;
	_cleanup_fd_ int procs = -1;
	char full[PATH_MAX];
	int err;

	if (path[0] != '/' || !path[1] || strstr(path, ".."))
		return -EINVAL;
	err = cgroup_path_below_mount(path, full, sizeof(full));
	if (!err)
		err = cgroup_make(full, strlen(full) - strlen(path));
	if (err)
		return err;
	folder = folder_open(full, CGROUP2_SUPER_MAGIC);
	if (folder < 0)
		return folder;
	procs = openat(folder, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	/* 0: whoever writes it (Documentation/admin-guide/cgroup-v2.rst) */
	if (procs < 0 || write(procs, "0", 1) != 1)
		return -errno;
	return 0;
}
