// SPDX-License-Identifier: Apache-2.0
#include "userspace/file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
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
