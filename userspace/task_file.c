// SPDX-License-Identifier: Apache-2.0
#include "userspace/task_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/fd.h"

#define TASK_FILES_MAX 2048 /* some ten milliseconds */

DEFINE_CLEANUP(FILE *, fclose);
DEFINE_CLEANUP(DIR *, closedir);

int task_file_closes_on_exec(pid_t tid, int number)
{
	_cleanup_(cleanup_fclose) FILE *file = NULL;
	char path[64], line[256];
	unsigned int flags;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", (int)tid, number);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "flags: %o", &flags) == 1)
			return flags & O_CLOEXEC ? 1 : 0;
	return -ESRCH;
}

/* A line of an epoll instance has the inode of what it watches in hexadecimal. */
static bool task_file_is_watched(const char *line, uint64_t inode)
{
	const char *at = strncmp(line, "tfd:", 4) ? NULL : strstr(line, " ino:");

	return at && strtoull(at + 5, NULL, 16) == inode;
}

/* All of them: an instance may watch thousands. */
static int task_file_count_watched(int fd, uint64_t inode)
{
	_cleanup_(cleanup_fclose) FILE *file = fdopen(fd, "r");
	char line[256];
	int count = 0;

	if (!file) {
		close(fd);
		return 0;
	}
	rewind(file);
	while (fgets(line, sizeof(line), file))
		count += task_file_is_watched(line, inode);
	return count;
}

/* How often the file is behind a descriptor: as itself, or watched by an epoll instance. */
static int task_file_count(int folder, const char *name, uint64_t inode)
{
	_cleanup_fd_ int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
	char text[1024];
	const char *at;
	ssize_t n;

	n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return 0; /* closed meanwhile */
	text[n] = '\0';
	if (strstr(text, "\ntfd:"))
		return task_file_count_watched(TAKE_FD(fd), inode);
	at = strstr(text, "\nino:");
	return at && strtoull(at + 5, NULL, 10) == inode;
}

int task_file_is_single(pid_t tid, uint64_t inode)
{
	_cleanup_(cleanup_closedir) DIR *folder = NULL;
	const struct dirent *entry;
	int seen = 0, count = 0;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fdinfo", (int)tid);
	folder = opendir(path);
	if (!folder)
		return -ESRCH;
	while ((entry = readdir(folder))) {
		if (*entry->d_name == '.')
			continue;
		if (++seen > TASK_FILES_MAX)
			return -EMFILE;
		count += task_file_count(dirfd(folder), entry->d_name, inode);
		if (count > 1)
			return -EBUSY;
	}
	return count == 1 ? 0 : -ESRCH;
}
