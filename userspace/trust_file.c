// SPDX-License-Identifier: Apache-2.0
#include "userspace/trust_file.h"

#include <errno.h>
#include <stdio.h>

#include "policy/store.h"

int trust_file_read(const char *path, struct trust_file *out, char *why, size_t why_len)
{
	_cleanup_trust_file_ struct trust_file read = { 0 };
	int rc = file_read(path, STORE_BYTES_MAX, &read.bytes);

	if (rc == -ENOMEM || rc == -EISDIR)
		return rc;
	if (rc < 0) {
		snprintf(why, why_len, "%s", file_error(rc));
		return -EINVAL;
	}
	rc = bundle_parse(read.bytes.data, read.bytes.len, STORE_CERTIFICATES_MAX, &read.bundle,
			  why, why_len);
	if (rc < 0)
		return rc == -ENOMEM ? rc : -EINVAL;
	*out = read;
	read = (struct trust_file){ 0 };
	return 0;
}

void trust_file_free(struct trust_file *file)
{
	file_free(&file->bytes);
	bundle_release(&file->bundle);
}

static int trust_names_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int trust_names_read(const char *folder, struct trust_names *names)
{
	int count = scandir(folder, &names->list, trust_names_visible, alphasort);

	if (count < 0)
		return -errno;
	names->count = count;
	return 0;
}

void trust_names_free(struct trust_names *names)
{
	for (int i = 0; i < names->count; i++)
		free(names->list[i]);
	free(names->list);
	*names = (struct trust_names){ 0 };
}
