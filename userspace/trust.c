// SPDX-License-Identifier: Apache-2.0
#include "userspace/trust.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "userspace/file.h"

struct entries {
	struct dirent **list;
	int count;
};

static void entries_free(struct entries *entries)
{
	for (int i = 0; i < entries->count; i++)
		free(entries->list[i]);
	free(entries->list);
}

/* -EISDIR, without a word, for a folder: the caller knows what to do with one. */
static int trust_load_file(const char *path, struct store *store, char *why, size_t why_len)
{
	char cause[STORE_ERROR_MAX] = "";
	_cleanup_file_ struct file file = { 0 };
	int rc = file_read(path, STORE_BYTES_MAX, &file);

	if (rc == -ENOMEM || rc == -EISDIR)
		return rc;
	if (rc < 0) {
		snprintf(why, why_len, "%s: %s", path, file_error(rc));
		return -EINVAL;
	}
	rc = store_add_bytes(store, path, file.data, file.len, cause, sizeof(cause));
	if (rc < 0 && rc != -ENOMEM) {
		snprintf(why, why_len, "%s: %s", path, cause);
		rc = -EINVAL;
	}
	return rc < 0 ? rc : 0;
}

static int trust_is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* In the names' order, so that the same folder always gives the same store. */
static int trust_load_folder(const char *folder, struct store *store, char *why, size_t why_len)
{
	_cleanup_(entries_free) struct entries entries = { 0 };
	int count = scandir(folder, &entries.list, trust_is_visible, alphasort);

	if (count < 0) {
		snprintf(why, why_len, "%s: %s", folder, strerror(errno));
		return errno == ENOMEM ? -ENOMEM : -EINVAL;
	}
	entries.count = count;
	for (int i = 0; i < count; i++) {
		_cleanup_free_ char *path = NULL;
		int rc = asprintf(&path, "%s/%s", folder, entries.list[i]->d_name);

		if (rc < 0) {
			path = NULL;
			return -ENOMEM;
		}
		rc = trust_load_file(path, store, why, why_len);
		if (rc < 0 && rc != -EISDIR)
			return rc;
	}
	return 0;
}

int trust_load(const char *path, struct store *store, char *why, size_t why_len)
{
	int rc = trust_load_file(path, store, why, why_len);

	if (rc == -EISDIR)
		rc = trust_load_folder(path, store, why, why_len);
	if (rc == 0 && store_count(store) == 0) {
		snprintf(why, why_len,
			 "%s: there is no certificate in it; put the CA certificates there, as PEM "
			 "or DER",
			 path);
		rc = -EINVAL;
	}
	return rc;
}
