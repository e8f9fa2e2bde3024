// SPDX-License-Identifier: Apache-2.0
#include "userspace/upgrade_state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/level.h"
#include "userspace/fd.h"
#include "userspace/file.h"

#define UPGRADE_STATE_MAX (8 << 20)
#define UPGRADE_STATE_VERSION 1

static void upgrade_state_unlink(char **path)
{
	if (*path)
		unlink(*path);
}

json_t *upgrade_state_new(void)
{
	return json_pack("{s:i, s:{}, s:{}}", "version", UPGRADE_STATE_VERSION, "settings",
			 "lines");
}

static int state_refuse(const char *path, const char *cause, char *why, size_t why_len)
{
	snprintf(why, why_len,
		 "%s: %s; restore it from a backup, or write upgraded-host = no: then every level "
		 "has the meaning of R11.1.3",
		 path, cause);
	return -EINVAL;
}

static bool state_entries_are_valid(json_t *entries)
{
	const char *name;
	json_t *entry;

	if (!json_is_object(entries))
		return false;
	json_object_foreach(entries, name, entry) {
		const char *level_text = json_string_value(json_object_get(entry, "level"));
		enum level level;

		if (!level_text || level_parse(level_text, &level) < 0 ||
		    !json_is_boolean(json_object_get(entry, "changed")))
			return false;
	}
	return true;
}

static int state_parse(const char *path, const struct file *file, json_t **state, char *why,
		       size_t why_len)
{
	json_error_t error;
	json_t *read = json_loadb(file->data, file->len, JSON_REJECT_DUPLICATES, &error);

	if (read && json_integer_value(json_object_get(read, "version")) == UPGRADE_STATE_VERSION &&
	    state_entries_are_valid(json_object_get(read, "settings")) &&
	    state_entries_are_valid(json_object_get(read, "lines"))) {
		*state = read;
		return 0;
	}
	json_decref(read);
	return state_refuse(path, "it is damaged", why, why_len);
}

int upgrade_state_read(const char *path, json_t **state, char *why, size_t why_len)
{
	_cleanup_file_ struct file file = { 0 };
	int rc = file_read(path, UPGRADE_STATE_MAX, &file);

	*why = '\0';
	if (rc == -ENOENT)
		return rc;
	if (rc < 0) {
		snprintf(why, why_len, "%s: %s", path, file_error(rc));
		return rc;
	}
	if (file.mode & (S_IWGRP | S_IWOTH) || (file.uid != 0 && file.uid != geteuid()))
		return state_refuse(path, "others than root can write it", why, why_len);
	return state_parse(path, &file, state, why, why_len);
}

static int state_write_file(int fd, const json_t *state)
{
	if (json_dumpfd(state, fd, JSON_INDENT(1) | JSON_SORT_KEYS) < 0)
		return -EIO;
	return fsync(fd) < 0 ? -errno : 0;
}

static int state_replace(const char *folder, char *temporary, const char *path,
			 const json_t *state)
{
	_cleanup_fd_ int fd = mkostemp(temporary, O_CLOEXEC), parent = -1;
	_cleanup_(upgrade_state_unlink) char *made = fd < 0 ? NULL : temporary;
	int rc = fd < 0 ? -errno : state_write_file(fd, state);

	if (rc < 0)
		return rc;
	if (rename(temporary, path) < 0)
		return -errno;
	made = NULL;
	/* until then the name may still be that of the old one */
	parent = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return parent < 0 || fsync(parent) < 0 ? -errno : 0;
}

int upgrade_state_write(const char *folder, const char *path, const json_t *state, char *why,
			size_t why_len)
{
	char temporary[PATH_MAX];
	int rc = 0;

	if (mkdir(folder, 0700) < 0 && errno != EEXIST)
		rc = -errno;
	if (rc == 0 &&
	    (size_t)snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >= sizeof(temporary))
		rc = -ENAMETOOLONG;
	if (rc == 0)
		rc = state_replace(folder, temporary, path, state);
	if (rc < 0)
		snprintf(why, why_len, "%s: it cannot be written: %s", path, strerror(-rc));
	return rc;
}
