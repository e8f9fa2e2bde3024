// SPDX-License-Identifier: Apache-2.0
#include "userspace/reload_watch.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "userspace/fd.h"
#include "userspace/log.h"

#define WATCH_QUIET LOOP_SECOND
#define WATCH_AT_MOST (5 * LOOP_SECOND)
#define WATCH_EVENTS                                                                             \
	(IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB |      \
	 IN_DELETE_SELF | IN_MOVE_SELF)

struct reload_watch {
	struct agent *agent;
	struct loop_io io; /* inotify(7) on the folders that the files are in */
	struct loop_timeouts quiets, limits;
	struct loop_timeout quiet, limit;
	void (*changed)(void *arg);
	void *arg;
	uint64_t seen; /* what the files were when they were last looked at */
};

/* FNV-1a */
static uint64_t watch_mix(uint64_t hash, const void *bytes, size_t len)
{
	const unsigned char *at = bytes;

	while (len--)
		hash = (hash ^ *at++) * UINT64_C(1099511628211);
	return hash;
}

/*
 * What tells a file from another, and from what it was before. An editor's own files beside it make
 * events, too.
 */
static uint64_t watch_mix_file(uint64_t hash, const char *path)
{
	struct stat st;

	hash = watch_mix(hash, path, strlen(path) + 1);
	if (stat(path, &st) < 0)
		return hash;
	hash = watch_mix(hash, &st.st_dev, sizeof(st.st_dev));
	hash = watch_mix(hash, &st.st_ino, sizeof(st.st_ino));
	hash = watch_mix(hash, &st.st_mode, sizeof(st.st_mode));
	hash = watch_mix(hash, &st.st_uid, sizeof(st.st_uid));
	hash = watch_mix(hash, &st.st_size, sizeof(st.st_size));
	return watch_mix(hash, &st.st_mtim, sizeof(st.st_mtim));
}

static int watch_is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int watch_compare(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* A folder's own times change with any name in it: only what is in it counts. */
static uint64_t watch_mix_path(uint64_t hash, const char *path)
{
	struct dirent **entries;
	char name[PATH_MAX];
	int count, i;

	count = scandir(path, &entries, watch_is_visible, watch_compare);
	if (count < 0)
		return watch_mix_file(hash, path);
	for (i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
		hash = watch_mix_file(hash, name);
		free(entries[i]);
	}
	free(entries);
	return hash;
}

uint64_t reload_watch_look(const struct config *config)
{
	uint64_t hash = UINT64_C(14695981039346656037);
	size_t i;

	if (!config->watch_files)
		return 0;
	for (i = 0; i < config->file_count; i++)
		hash = watch_mix_path(hash, config->files[i]);
	for (i = 0; i < config->source_count; i++)
		hash = watch_mix_path(hash, config->sources[i]);
	return hash;
}

static bool watch_names_are(char *const *a, size_t a_count, char *const *b, size_t b_count)
{
	size_t i;

	for (i = 0; i < a_count && i < b_count; i++)
		if (strcmp(a[i], b[i]) != 0)
			return false;
	return a_count == b_count;
}

bool reload_watch_has_same(const struct config *a, const struct config *b)
{
	return a->watch_files == b->watch_files &&
	       watch_names_are(a->files, a->file_count, b->files, b->file_count) &&
	       watch_names_are(a->sources, a->source_count, b->sources, b->source_count);
}

static void watch_folder_of(int inotify, const char *path)
{
	char folder[PATH_MAX], *slash;

	/* it is a folder itself, or it is in one; a link is replaced where it is */
	inotify_add_watch(inotify, path, WATCH_EVENTS | IN_ONLYDIR);
	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (!slash)
		snprintf(folder, sizeof(folder), ".");
	else
		slash[slash == folder] = '\0';
	if (inotify_add_watch(inotify, folder, WATCH_EVENTS | IN_ONLYDIR) < 0)
		log_line(LOG_WARNING, "%s cannot be watched for changes: %s", path, strerror(errno));
}

static void watch_stop(struct reload_watch *watch)
{
	int fd = watch->io.fd;

	loop_timeout_stop(&watch->quiets, &watch->quiet);
	loop_timeout_stop(&watch->limits, &watch->limit);
	if (fd < 0)
		return;
	loop_remove(watch->agent->loop, &watch->io);
	close(fd);
}

void reload_watch_change(struct reload_watch *watch, uint64_t seen)
{
	const struct config *config = watch->agent->config;
	_cleanup_fd_ int inotify = -1;
	size_t i;

	watch_stop(watch);
	if (!config->watch_files)
		return;
	inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (inotify < 0 || loop_add(watch->agent->loop, &watch->io, inotify, EPOLLIN) < 0) {
		log_line(LOG_WARNING, "files cannot be watched for changes: %s", strerror(errno));
		return;
	}
	for (i = 0; i < config->file_count; i++)
		watch_folder_of(inotify, config->files[i]);
	for (i = 0; i < config->source_count; i++)
		watch_folder_of(inotify, config->sources[i]);
	inotify = -1; /* the loop's io has it */
	watch->seen = seen;
	/* what was changed before there was a watch made no event */
	if (reload_watch_look(config) != seen)
		loop_timeout_start(watch->agent->loop, &watch->quiets, &watch->quiet);
}

static void watch_settled(struct reload_watch *watch)
{
	uint64_t now = reload_watch_look(watch->agent->config);

	loop_timeout_stop(&watch->quiets, &watch->quiet);
	loop_timeout_stop(&watch->limits, &watch->limit);
	if (now == watch->seen)
		return;
	/* also where it is refused: the same files are not tried twice */
	watch->seen = now;
	watch->changed(watch->arg);
}

static void watch_quiet(struct loop_timeout *timeout)
{
	watch_settled(CONTAINER_OF(timeout, struct reload_watch, quiet));
}

static void watch_limit(struct loop_timeout *timeout)
{
	watch_settled(CONTAINER_OF(timeout, struct reload_watch, limit));
}

static void watch_ready(struct loop_io *io, uint32_t events)
{
	char buf[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	struct reload_watch *watch = CONTAINER_OF(io, struct reload_watch, io);
	struct loop *loop = watch->agent->loop;

	(void)events;
	while (read(io->fd, buf, sizeof(buf)) > 0)
		;
	loop_timeout_start(loop, &watch->quiets, &watch->quiet);
	if (!watch->limit.at)
		loop_timeout_start(loop, &watch->limits, &watch->limit);
}

struct reload_watch *reload_watch_new(struct agent *agent, uint64_t seen,
				      void (*changed)(void *arg), void *arg)
{
	struct reload_watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return NULL;
	*watch = (struct reload_watch){
		.agent = agent,
		.io = { -1, watch_ready },
		.quiets = { .duration = WATCH_QUIET, .expired = watch_quiet },
		.limits = { .duration = WATCH_AT_MOST, .expired = watch_limit },
		.changed = changed,
		.arg = arg,
	};
	loop_timeouts_add(agent->loop, &watch->quiets);
	loop_timeouts_add(agent->loop, &watch->limits);
	reload_watch_change(watch, seen);
	return watch;
}

void reload_watch_free(struct reload_watch *watch)
{
	if (!watch)
		return;
	watch_stop(watch);
	free(watch);
}
