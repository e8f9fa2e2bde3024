/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files in memory. */
#ifndef USERSPACE_FILE_H
#define USERSPACE_FILE_H

#include <stddef.h>
#include <sys/types.h>

#include "policy/cleanup.h"

struct file {
	char *data;
	size_t len;
	mode_t mode;
	uid_t uid; /* the owner's */
};

/**
 * file_read - reads a regular file
 * @max: bytes; a longer file is refused
 * @file: written on success alone; release it with file_free()
 *
 * A folder, a device or a FIFO is refused, and never waited for.
 *
 * Returns 0, -EFBIG, -EISDIR, -ENOTSUP (not a regular file), -ENOMEM, or what open() or
 * read() failed with. file_error() says it in words.
 */
int file_read(const char *path, size_t max, struct file *file);

/**
 * file_replace - writes a file of mode 0600 beside, and puts it in place of the one before
 * @folder: that it is in, made durable as well
 *
 * Whatever happens, the name is the old file's or the new one's, whole.
 *
 * Returns 0, or -errno.
 */
int file_replace(const char *folder, const char *path, const void *data, size_t len);

/* file_error - words for what file_read() returned */
const char *file_error(int rc);

/* file_free - cleanses, since it may have been a key, and frees; a zeroed one is fine */
void file_free(struct file *file);

#define _cleanup_file_ _cleanup_(file_free)

#endif
