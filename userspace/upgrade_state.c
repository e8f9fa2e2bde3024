// SPDX-License-Identifier: Apache-2.0
#include "userspace/upgrade_state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/cleanup.h"
#include "policy/level.h"
#include "userspace/file.h"

#define UPGRADE_STATE_MAX (8 << 20)
#define UPGRADE_STATE_VERSION 1

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

int upgrade_state_write(const char *folder, const char *path, const json_t *state, char *why,
			size_t why_len)
{
	_cleanup_free_ char *text = json_dumps(state, JSON_INDENT(1) | JSON_SORT_KEYS);
	int rc = text ? 0 : -ENOMEM;

	if (rc == 0 && mkdir(folder, 0700) < 0 && errno != EEXIST)
		rc = -errno;
	if (rc == 0)
		rc = file_replace(folder, path, text, strlen(text));
	if (rc < 0)
		snprintf(why, why_len, "%s: it cannot be written: %s", path, strerror(-rc));
	return rc;
}
