// SPDX-License-Identifier: Apache-2.0
#include "userspace/identity_file.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define IDENTITY_FILE_MAX (1 << 20)

int identity_file_read(const char *path, struct file *file, char *why, size_t why_len)
{
	int rc = file_read(path, IDENTITY_FILE_MAX, file);

	if (rc < 0 && rc != -ENOMEM) {
		snprintf(why, why_len, "%s: %s", path, file_error(rc));
		rc = -EINVAL;
	}
	return rc;
}

int identity_file_read_secret(const char *path, const char *what, struct file *file, char *why,
			      size_t why_len)
{
	_cleanup_file_ struct file read = { 0 };
	int rc = identity_file_read(path, &read, why, why_len);

	if (rc < 0)
		return rc;
	if (read.mode & (S_IRWXG | S_IRWXO)) {
		snprintf(why, why_len,
			 "%s: others than its owner have access to %s (mode %04o); "
			 "run chmod 600 on it",
			 path, what, (unsigned int)(read.mode & 07777));
		return -EINVAL;
	}
	if (read.uid != 0 && read.uid != geteuid()) {
		snprintf(why, why_len, "%s: %s belongs to user %u; run chown root on it", path,
			 what, (unsigned int)read.uid);
		return -EINVAL;
	}
	*file = read;
	read = (struct file){ 0 };
	return 0;
}
