// SPDX-License-Identifier: Apache-2.0
#include "userspace/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "userspace/fd.h"

/* Until the end of the file or @max + 1 bytes, whichever is first. */
static int file_read_all(int fd, size_t max, struct file *file)
{
	while (file->len <= max) {
		ssize_t n = read(fd, file->data + file->len, max + 1 - file->len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		file->len += (size_t)n;
	}
	return -EFBIG;
}

int file_read(const char *path, size_t max, struct file *file)
{
	/* without O_NONBLOCK the open of a FIFO waits for a writer */
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct file whole = { 0 };
	struct stat st;
	int rc;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -ENOTSUP;
	if ((size_t)st.st_size > max)
		return -EFBIG;
	whole.mode = st.st_mode;
	whole.uid = st.st_uid;
	/* the size is a hint: files of procfs say 0, and a file may grow */
	whole.data = malloc(max + 1);
	if (!whole.data)
		return -ENOMEM;
	rc = file_read_all(fd, max, &whole);
	if (rc < 0) {
		file_free(&whole);
		return rc;
	}
	*file = whole;
	return 0;
}

static void file_unlink(char **path)
{
	if (*path)
		unlink(*path);
}

static int file_write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

int file_replace(const char *folder, const char *path, const void *data, size_t len)
{
	char temporary[PATH_MAX];
	_cleanup_fd_ int fd = -1, parent = -1;
	int rc;

	if ((size_t)snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >= sizeof(temporary))
		return -ENAMETOOLONG;
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	_cleanup_(file_unlink) char *made = temporary;

	rc = file_write_all(fd, data, len);
	if (rc < 0)
		return rc;
	if (rename(temporary, path) < 0)
		return -errno;
	made = NULL;
	/* until then the name may still be that of the old one */
	parent = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return parent < 0 || fsync(parent) < 0 ? -errno : 0;
}

const char *file_error(int rc)
{
	switch (rc) {
	case -EFBIG:
		return "it is too large";
	case -ENOTSUP:
		return "it is not a regular file";
	default:
		return strerror(-rc);
	}
}

void file_free(struct file *file)
{
	if (file->data)
		OPENSSL_cleanse(file->data, file->len);
	free(file->data);
	*file = (struct file){ 0 };
}
