// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/tcs.h"
#include "tools/tool.h"
#include "userspace/fd.h"

/*
 * A fingerprint as it is written by us or by openssl(1), "AB:CD:…": in lower case and
 * without colons. False for anything else, and for what is too short to mean one.
 */
static bool tcs_parse_prefix(const char *text, char out[TEXT_SHA256_MAX])
{
	size_t len = 0;

	for (; *text; text++) {
		if (*text == ':')
			continue;
		if (!isxdigit((unsigned char)*text) || len + 1 == TEXT_SHA256_MAX)
			return false;
		out[len++] = (char)tolower((unsigned char)*text);
	}
	out[len] = '\0';
	return len >= TCS_PREFIX_MIN;
}

static bool tcs_file_has(const struct tcs_file *file, const char *prefix)
{
	char fingerprint[TEXT_SHA256_MAX];
	size_t i;

	for (i = 0; i < tcs_item_count(&file->read); i++)
		if (tcs_fingerprint(tcs_item(&file->read, i), fingerprint) &&
		    !strncmp(fingerprint, prefix, strlen(prefix)))
			return true;
	return false;
}

static void tcs_print_matches(const struct tcs *tcs, const char *prefix)
{
	char fingerprint[TEXT_SHA256_MAX], what[TEXT_NAME_MAX + 32];
	size_t i, k;

	for (i = 0; i < tcs->count; i++)
		for (k = 0; k < tcs_item_count(&tcs->files[i].read); k++) {
			struct tcs_item item = tcs_item(&tcs->files[i].read, k);

			if (!tcs_fingerprint(item, fingerprint) ||
			    strncmp(fingerprint, prefix, strlen(prefix)))
				continue;
			tcs_describe(item, what, sizeof(what));
			fprintf(stderr, "  %s: %s, SHA-256 %s\n", tcs->files[i].shown, what,
				fingerprint);
		}
}

/* The one file that is meant; NULL where it was said why there is none. */
static const struct tcs_file *tcs_find(const struct tcs *tcs, const char *name)
{
	const struct tcs_file *found = NULL;
	char prefix[TEXT_SHA256_MAX];
	size_t i, matches = 0;

	for (i = 0; i < tcs->count; i++)
		if (!strcmp(tcs->files[i].name, name) || !strcmp(tcs->files[i].shown, name))
			return &tcs->files[i];
	if (!tcs_parse_prefix(name, prefix)) {
		fprintf(stderr, "linewarden: %s: no file of the store is called '%s', and a "
				"fingerprint has %d hexadecimal digits or more\n",
			tcs->path, name, TCS_PREFIX_MIN);
		return NULL;
	}
	for (i = 0; i < tcs->count; i++)
		if (tcs_file_has(&tcs->files[i], prefix)) {
			found = &tcs->files[i];
			matches++;
		}
	if (matches == 1)
		return found;
	fprintf(stderr, "linewarden: %s: %s '%s'%s\n", tcs->path,
		matches ? "more than one file matches" : "nothing in the store matches", name,
		matches ? "; give more digits, or the file:" : "");
	if (matches)
		tcs_print_matches(tcs, prefix);
	return NULL;
}

static int tcs_remove_file(const struct tcs *tcs, int folder_fd, const struct tcs_file *file)
{
	size_t items = tcs_item_count(&file->read);
	char what[TEXT_NAME_MAX + 32] = "a file that could not be used";

	if (items > 1) {
		fprintf(stderr,
			"linewarden: %s/%s: there are %zu certificates and revocation lists in it; "
			"to keep some, move it out of the store, `linewarden tcs add` it, which "
			"splits it, and remove the others; `rm` removes all of them\n",
			tcs->path, file->shown, items);
		return -EINVAL;
	}
	if (items)
		tcs_describe(tcs_item(&file->read, 0), what, sizeof(what));
	if (unlinkat(folder_fd, file->name, 0) < 0 || fsync(folder_fd) < 0) {
		fprintf(stderr, "linewarden: %s/%s: %s\n", tcs->path, file->shown, strerror(errno));
		return -errno;
	}
	printf("%s: removed: %s\n", file->shown, what);
	return 0;
}

int tcs_remove(const struct tcs *tcs, char **names, int count)
{
	_cleanup_fd_ int fd = open(tcs->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct tcs_file *file;
	int i, status = TOOL_OK;
	bool changed = false;

	if (fd < 0) {
		fprintf(stderr, "linewarden: %s: %s\n", tcs->path, strerror(errno));
		return TOOL_FAILED;
	}
	for (i = 0; i < count; i++) {
		file = tcs_find(tcs, names[i]);
		if (file && !tcs_remove_file(tcs, fd, file))
			changed = true;
		else
			status = TOOL_FAILED;
	}
	if (changed)
		tcs_remind();
	return status;
}
