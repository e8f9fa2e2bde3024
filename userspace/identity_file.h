/* SPDX-License-Identifier: Apache-2.0 */
/* The files that an identity is read from. */
#ifndef USERSPACE_IDENTITY_FILE_H
#define USERSPACE_IDENTITY_FILE_H

#include "userspace/file.h"

/**
 * identity_file_read - reads one
 * @file: as of file_read()
 * @why: on failure the cause with the file's name
 *
 * Returns 0, -EINVAL or -ENOMEM.
 */
int identity_file_read(const char *path, struct file *file, char *why, size_t why_len);

/**
 * identity_file_read_secret - reads one to which nobody but its owner may have access
 * @what: that is secret in it: "the private key"
 * @why: as above, and what to do about it
 *
 * The owner is root, or who this process is.
 *
 * Returns 0, -EINVAL or -ENOMEM.
 */
int identity_file_read_secret(const char *path, const char *what, struct file *file, char *why,
			      size_t why_len);

#endif
