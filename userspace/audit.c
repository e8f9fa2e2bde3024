// SPDX-License-Identifier: Apache-2.0
#include "userspace/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "userspace/fd.h"

struct audit {
	char *path;
	int fd;
	bool cut; /* the last line is incomplete */
	void (*hear)(void *arg, const char *line, size_t len);
	void *arg;
};

static int audit_open_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	return fd < 0 ? -errno : fd;
}

int audit_open(const char *path, struct audit **out)
{
	struct audit *audit = calloc(1, sizeof(*audit));
	int err = -ENOMEM;

	if (!audit)
		return -ENOMEM;
	audit->fd = -1;
	audit->path = strdup(path);
	if (audit->path)
		err = audit->fd = audit_open_file(path);
	if (err < 0) {
		audit_close(audit);
		return err;
	}
	*out = audit;
	return 0;
}

void audit_listen(struct audit *audit, void (*hear)(void *arg, const char *line, size_t len),
		  void *arg)
{
	audit->hear = hear;
	audit->arg = arg;
}

int audit_write_json(struct audit *audit, json_t *json)
{
	_cleanup_free_ char *text = json_dumps(json, JSON_COMPACT | JSON_ENSURE_ASCII);
	size_t len;
	ssize_t n;

	if (!text)
		return -ENOMEM;
	len = strlen(text);
	text[len] = '\n'; /* in place of the terminator: one write is one line */
	if (audit->hear)
		audit->hear(audit->arg, text, len + 1);
	if (audit->cut && write(audit->fd, "\n", 1) != 1)
		return -errno;
	audit->cut = false;
	do
		n = write(audit->fd, text, len + 1);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	audit->cut = (size_t)n != len + 1;
	return audit->cut ? -ENOSPC : 0;
}

int audit_write(struct audit *audit, const struct record *record)
{
	json_t *json = record_to_json(record);
	int err;

	err = json ? audit_write_json(audit, json) : -ENOMEM;
	json_decref(json);
	return err;
}

int audit_reopen(struct audit *audit)
{
	int fd = audit_open_file(audit->path);

	if (fd < 0)
		return fd;
	close(audit->fd);
	audit->fd = fd;
	return 0;
}

void audit_close(struct audit *audit)
{
	if (!audit)
		return;
	if (audit->fd >= 0)
		close(audit->fd);
	free(audit->path);
	free(audit);
}
