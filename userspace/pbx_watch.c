// SPDX-License-Identifier: Apache-2.0
#include "userspace/pbx_watch.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "userspace/cgroup.h"
#include "userspace/fd.h"
#include "userspace/log.h"

static void watch_attach(const struct pbx_watch *watch, bool first)
{
	const struct config *config = watch->agent->config;
	size_t i;

	for (i = 0; i < config->pbx_count; i++)
		if (!dataplane_attach_pbx(watch->agent->dataplane, config, i) && first)
			log_line(LOG_NOTICE, "pbx %s: cgroup %s is not there yet",
				 config->pbxs[i].name, config->pbxs[i].cgroup);
}

/* The nearest folder above a PBX's cgroup that is there: what leads to it will be made in it. */
static int watch_above(int inotify, const struct config_pbx *pbx)
{
	char path[PATH_MAX], *slash;
	int err;

	err = cgroup_path_below_mount(pbx->cgroup, path, sizeof(path));
	while (!err && (slash = strrchr(path, '/')) && slash != path) {
		*slash = '\0';
		if (inotify_add_watch(inotify, path, IN_CREATE | IN_ONLYDIR) >= 0)
			return 0;
		if (errno != ENOENT)
			err = -errno;
	}
	return err ? err : -ENOENT;
}

static int watch_all(const struct pbx_watch *watch, int inotify)
{
	const struct config *config = watch->agent->config;
	int err = 0;
	size_t i;

	for (i = 0; !err && i < config->pbx_count; i++) {
		if (!config->pbxs[i].block_unmatched)
			continue;
		err = watch_above(inotify, &config->pbxs[i]);
		if (err)
			log_line(LOG_ERR, "pbx %s: cgroup %s cannot be watched for: %s",
				 config->pbxs[i].name, config->pbxs[i].cgroup, strerror(-err));
	}
	return err;
}

static void watch_ready(struct loop_io *io, uint32_t events)
{
	char buf[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	struct pbx_watch *watch = CONTAINER_OF(io, struct pbx_watch, io);

	(void)events;
	/* which one it was does not matter: attaching to what has it already changes nothing */
	while (read(io->fd, buf, sizeof(buf)) > 0)
		;
	watch_all(watch, io->fd);
	watch_attach(watch, false);
}

static int watch_begin(struct pbx_watch *watch)
{
	struct agent *agent = watch->agent;
	const struct config *config = agent->config;
	_cleanup_fd_ int inotify = -1;
	bool needed = false;
	size_t i;
	int err;

	for (i = 0; i < config->pbx_count; i++)
		needed |= config->pbxs[i].block_unmatched;
	if (!needed)
		return 0;
	inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (inotify < 0)
		return -errno;
	err = watch_all(watch, inotify);
	if (!err)
		err = loop_add(agent->loop, &watch->io, inotify, EPOLLIN);
	if (err)
		return err;
	inotify = -1; /* the watch's now */
	watch_attach(watch, true);
	return 0;
}

int pbx_watch_start(struct pbx_watch *watch, struct agent *agent)
{
	*watch = (struct pbx_watch){ agent, { -1, watch_ready } };
	return watch_begin(watch);
}

void pbx_watch_change(struct pbx_watch *watch)
{
	int err;

	pbx_watch_stop(watch);
	dataplane_prune_pbx(watch->agent->dataplane, watch->agent->config);
	err = watch_begin(watch);
	if (err)
		log_line(LOG_ERR, "the PBX's cgroups cannot be watched: %s", strerror(-err));
}

void pbx_watch_stop(struct pbx_watch *watch)
{
	int fd = watch->io.fd;

	if (!watch->agent || fd < 0)
		return;
	loop_remove(watch->agent->loop, &watch->io);
	close(fd);
}
