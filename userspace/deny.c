// SPDX-License-Identifier: Apache-2.0
#include "userspace/deny.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "policy/cleanup.h"
#include "policy/reach.h"
#include "userspace/deny_list.h"
#include "userspace/fd.h"
#include "userspace/log.h"
#include "userspace/message.h"
#include "userspace/reverify.h"

static int deny_read(const struct agent *agent, struct denied *out, char *why, size_t why_len)
{
	_cleanup_(deny_list_free) struct deny_list list = { 0 };
	int err = deny_list_read(agent->config->state_path, &list, why, why_len);
	uint8_t(*sha256)[DENIED_SHA256];

	if (err)
		return err;
	sha256 = deny_list_fingerprints(&list);
	if (!sha256 && list.count) {
		snprintf(why, why_len, "the deny list: out of memory");
		return -ENOMEM;
	}
	*out = (struct denied){ (const uint8_t(*)[DENIED_SHA256])sha256, list.count };
	return 0;
}

static int deny_seal(const struct denied *denied)
{
	const size_t len = denied->count * DENIED_SHA256;
	_cleanup_fd_ int fd = memfd_create("denied", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = len ? write(fd, denied->sha256, len) : 0;
	if (n < 0 || (size_t)n != len)
		return n < 0 ? -errno : -EIO;
	return fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0 ? -errno :
											 TAKE_FD(fd);
}

/* A worker that cannot be told does not go on: the next one starts with the new list. */
static void deny_tell(const struct agent *agent, int fd)
{
	const struct message message = {
		.type = MESSAGE_DENIED,
		.policy = agent->policy,
		.denied.count = (uint32_t)agent->denied.count,
	};
	const struct shift *shift;
	unsigned int i;

	/* those of a shift that is retired have handshakes under way; the next one may not accept yet */
	LIST_FOREACH(shift, &agent->shifts, entry) {
		for (i = 0; i < shift->worker_count; i++) {
			const struct supervised *worker = &shift->workers[i];

			if (worker->pid <= 0 || worker->io.fd < 0 ||
			    (fd >= 0 && message_send(worker->io.fd, &message, &fd, 1) == 0))
				continue;
			log_line(LOG_ERR, "worker %u (pid %d) does not take the deny list, and is "
					  "ended",
				 worker->id, (int)worker->pid);
			kill(worker->pid, SIGKILL);
		}
	}
}

int deny_start(struct agent *agent, char *why, size_t why_len)
{
	return deny_read(agent, &agent->denied, why, why_len);
}

json_t *deny_reload(struct agent *agent, const char *argument)
{
	struct denied before = agent->denied;
	_cleanup_(mark_set_release) struct mark_set concerned = { 0 };
	bool known;
	char why[512] = "", path[PATH_MAX];
	_cleanup_fd_ int fd = -1;

	if (argument)
		return NULL;
	deny_list_path(agent->config->state_path, path, sizeof(path));
	if (deny_read(agent, &agent->denied, why, sizeof(why)) < 0) {
		log_line(LOG_ERR, "%s; the list that was read before stays in force", why);
		return json_pack("{s:s}", "error", why);
	}
	known = reach_of_denied(&before, &agent->denied, agent->config->trust, &concerned) == 0;
	free((void *)before.sha256);
	/* sessions that come from a worker that has not heard of it yet are judged at once */
	fd = deny_seal(&agent->denied);
	agent->policy++;
	deny_tell(agent, fd);
	reverify_changed(agent, known ? &concerned : NULL, "the deny list was read");
	return json_pack("{s:s, s:I}", "file", path, "count", (json_int_t)agent->denied.count);
}

json_t *deny_path(struct agent *agent, const char *argument)
{
	return argument ? NULL : json_pack("{s:s}", "folder", agent->config->state_path);
}

void deny_stop(struct agent *agent)
{
	free((void *)agent->denied.sha256);
	agent->denied = (struct denied){ 0 };
}
