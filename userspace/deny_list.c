// SPDX-License-Identifier: Apache-2.0
#include "userspace/deny_list.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/cleanup.h"
#include "policy/text.h"
#include "userspace/file.h"

#define DENY_LIST_FILE "denied"
#define DENY_LIST_HEX (2 * DENIED_SHA256)
#define DENY_LINE_MAX (DENY_LIST_HEX + 1 + DENY_LIST_TIME_LEN + DENY_LIST_REASON_LEN + 1)

void deny_list_path(const char *folder, char *out, size_t out_len)
{
	snprintf(out, out_len, "%s/" DENY_LIST_FILE, folder);
}

static int deny_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int deny_list_fingerprint(const char *text, uint8_t out[DENIED_SHA256])
{
	size_t i;

	for (i = 0; i < DENIED_SHA256; i++) {
		if (i && *text == ':')
			text++;
		if (deny_digit(text[0]) < 0 || deny_digit(text[1]) < 0)
			return -EINVAL;
		out[i] = (uint8_t)(deny_digit(text[0]) << 4 | deny_digit(text[1]));
		text += 2;
	}
	return *text ? -EINVAL : 0;
}

/* where it is or would stand */
static size_t deny_list_find(const struct deny_list *list, const uint8_t sha256[DENIED_SHA256])
{
	size_t low = 0, high = list->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memcmp(list->entries[middle].sha256, sha256, DENIED_SHA256) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool deny_list_is_at(const struct deny_list *list, size_t at,
			    const uint8_t sha256[DENIED_SHA256])
{
	return at < list->count && memcmp(list->entries[at].sha256, sha256, DENIED_SHA256) == 0;
}

int deny_list_add(struct deny_list *list, const uint8_t sha256[DENIED_SHA256], const char *time,
		  const char *reason)
{
	size_t at = deny_list_find(list, sha256);
	struct deny_entry entry = { 0 }, *more;

	if (deny_list_is_at(list, at, sha256))
		return -EEXIST;
	if (list->count == DENY_LIST_MAX)
		return -E2BIG;
	if (strlen(time) >= sizeof(entry.time) || strlen(reason) >= sizeof(entry.reason))
		return -EINVAL;
	memcpy(entry.sha256, sha256, DENIED_SHA256);
	strcpy(entry.time, time);
	strcpy(entry.reason, reason);
	if (!text_is_printable(entry.time, sizeof(entry.time)) ||
	    !text_is_printable(entry.reason, sizeof(entry.reason)))
		return -EINVAL;
	more = reallocarray(list->entries, list->count + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	list->entries = more;
	memmove(more + at + 1, more + at, (list->count - at) * sizeof(*more));
	more[at] = entry;
	list->count++;
	return 0;
}

int deny_list_remove(struct deny_list *list, const uint8_t sha256[DENIED_SHA256])
{
	size_t at = deny_list_find(list, sha256);

	if (!deny_list_is_at(list, at, sha256))
		return -ENOENT;
	list->count--;
	memmove(list->entries + at, list->entries + at + 1,
		(list->count - at) * sizeof(*list->entries));
	return 0;
}

/* "HEX TIME REASON", without its newline; what is not in that form is damage */
static int deny_list_parse_line(char *line, struct deny_list *list)
{
	char *time = strchr(line, ' '), *reason = time ? strchr(time + 1, ' ') : NULL;
	uint8_t sha256[DENIED_SHA256];

	if (!reason || time - line != DENY_LIST_HEX || reason - time != DENY_LIST_TIME_LEN)
		return -EINVAL;
	*time++ = *reason++ = '\0';
	if (deny_list_fingerprint(line, sha256) < 0)
		return -EINVAL;
	return deny_list_add(list, sha256, time, reason);
}

int deny_list_parse(const char *data, size_t len, struct deny_list *out, char *why, size_t why_len)
{
	const char *at = data, *end = data + len, *newline;
	char line[DENY_LINE_MAX];
	size_t number = 0, size;
	int err = 0;

	*out = (struct deny_list){ 0 };
	while (!err && at < end) {
		number++;
		newline = memchr(at, '\n', (size_t)(end - at));
		size = newline ? (size_t)(newline - at) : sizeof(line);
		if (size >= sizeof(line) || memchr(at, '\0', size)) {
			err = -EINVAL;
			break;
		}
		memcpy(line, at, size);
		line[size] = '\0';
		err = deny_list_parse_line(line, out);
		at = newline + 1;
	}
	if (!err)
		return 0;
	deny_list_free(out);
	snprintf(why, why_len, "line %zu of it is damaged", number);
	return err == -ENOMEM ? err : -EINVAL;
}

int deny_list_read(const char *folder, struct deny_list *out, char *why, size_t why_len)
{
	_cleanup_file_ struct file file = { 0 };
	char path[4096], cause[64] = "";
	int err;

	*out = (struct deny_list){ 0 };
	deny_list_path(folder, path, sizeof(path));
	err = file_read(path, (size_t)DENY_LIST_MAX * DENY_LINE_MAX, &file);
	if (err == -ENOENT)
		return 0;
	if (err) {
		snprintf(why, why_len, "%s: %s", path, file_error(err));
		return err;
	}
	if (file.mode & (S_IWGRP | S_IWOTH) || (file.uid != 0 && file.uid != geteuid())) {
		snprintf(why, why_len, "%s: others than root can write it", path);
		return -EINVAL;
	}
	err = deny_list_parse(file.data, file.len, out, cause, sizeof(cause));
	if (err)
		snprintf(why, why_len, "%s: %s; correct it, or restore it from a backup", path,
			 cause);
	return err;
}

int deny_list_write(const char *folder, const struct deny_list *list)
{
	_cleanup_free_ char *text = malloc(list->count * DENY_LINE_MAX + 1);
	char path[4096];
	size_t len = 0, i, k;

	if (!text)
		return -ENOMEM;
	for (i = 0; i < list->count; i++) {
		for (k = 0; k < DENIED_SHA256; k++)
			len += (size_t)sprintf(text + len, "%02x", list->entries[i].sha256[k]);
		len += (size_t)sprintf(text + len, " %s %s\n", list->entries[i].time,
				       list->entries[i].reason);
	}
	deny_list_path(folder, path, sizeof(path));
	if (mkdir(folder, 0700) < 0 && errno != EEXIST)
		return -errno;
	return file_replace(folder, path, text, len);
}

uint8_t (*deny_list_fingerprints(const struct deny_list *list))[DENIED_SHA256]
{
	uint8_t (*out)[DENIED_SHA256] = list->count ? calloc(list->count, DENIED_SHA256) : NULL;
	size_t i;

	for (i = 0; out && i < list->count; i++)
		memcpy(out[i], list->entries[i].sha256, DENIED_SHA256);
	return out;
}

void deny_list_free(struct deny_list *list)
{
	free(list->entries);
	*list = (struct deny_list){ 0 };
}
