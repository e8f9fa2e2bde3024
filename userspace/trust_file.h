/* SPDX-License-Identifier: Apache-2.0 */
/* One file of the Trusted Certificate Store, and which files a store's folder has. */
#ifndef USERSPACE_TRUST_FILE_H
#define USERSPACE_TRUST_FILE_H

#include <dirent.h>
#include <stddef.h>

#include "policy/bundle.h"
#include "userspace/file.h"

enum { TRUST_SHA256 = 32 };

struct trust_file {
	struct file bytes; /* for store_add_bytes() */
	struct bundle bundle; /* what is in it: at least one certificate or revocation list */
};

/**
 * trust_file_read - reads certificates and revocation lists
 * @path: PEM with any number of them, or DER, one after the other
 * @out: written on success alone; release it with trust_file_free()
 * @why: the cause, without the file's name
 *
 * Returns 0, -EISDIR for a folder, -EINVAL for what cannot be used, or -ENOMEM.
 */
int trust_file_read(const char *path, struct trust_file *out, char *why, size_t why_len);

/* trust_file_free - releases what was read; a zeroed one is fine */
void trust_file_free(struct trust_file *file);

#define _cleanup_trust_file_ _cleanup_(trust_file_free)

struct trust_names {
	struct dirent **list;
	int count;
};

/**
 * trust_names_read - what a folder holds, sorted, so that it always gives the same store
 * @names: without those that start with a dot; sub-folders are among them. Release it with
 *	   trust_names_free()
 *
 * Returns 0 or -errno.
 */
int trust_names_read(const char *folder, struct trust_names *names);

/* trust_names_free - releases them; a zeroed one is fine */
void trust_names_free(struct trust_names *names);

#define _cleanup_trust_names_ _cleanup_(trust_names_free)

#endif
