// SPDX-License-Identifier: Apache-2.0
#include "userspace/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/vfs.h>

#include "userspace/fd.h"

int folder_open(const char *path, long magic)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;

	if (fd < 0)
		return -errno;
	if (fstatfs(fd, &fs) < 0)
		return -errno;
	return fs.f_type == magic ? TAKE_FD(fd) : -ENOTDIR;
}
