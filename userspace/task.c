// SPDX-License-Identifier: Apache-2.0
#include "userspace/task.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "userspace/fd.h"

#define TASKS_MAX 256 /* whose descriptors stay open between two calls */

/* pidfd_open(2), since Linux 6.9: the descriptor of a thread, not of its process */
#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif

struct task {
	LIST_ENTRY(task) entry;
	struct tasks *tasks;
	struct loop_io io; /* the process: readable when it has ended */
	struct loop_garbage garbage;
	pid_t tid, tgid;
	bool exact; /* the descriptor is of this very thread */
};

struct tasks {
	struct loop *loop;
	LIST_HEAD(, task) known; /* the last one used is the first */
	unsigned int count;
	void (*ended)(void *arg);
	void *arg;
};

struct tasks *tasks_new(struct loop *loop, void (*ended)(void *arg), void *arg)
{
	struct tasks *tasks = calloc(1, sizeof(*tasks));

	if (!tasks)
		return NULL;
	*tasks = (struct tasks){ .loop = loop, .ended = ended, .arg = arg };
	LIST_INIT(&tasks->known);
	return tasks;
}

static void task_release(struct loop_garbage *garbage)
{
	free(CONTAINER_OF(garbage, struct task, garbage));
}

static void task_forget(struct task *task)
{
	int fd = task->io.fd;

	loop_remove(task->tasks->loop, &task->io);
	close(fd);
	LIST_REMOVE(task, entry);
	task->tasks->count--;
	loop_discard(task->tasks->loop, &task->garbage);
}

void tasks_free(struct tasks *tasks)
{
	if (!tasks)
		return;
	while (!LIST_EMPTY(&tasks->known))
		task_forget(LIST_FIRST(&tasks->known));
	free(tasks);
}

static void task_ended(struct loop_io *io, uint32_t events)
{
	struct task *task = CONTAINER_OF(io, struct task, io);
	struct tasks *tasks = task->tasks;

	(void)events;
	task_forget(task);
	tasks->ended(tasks->arg);
}

/* The process that a thread belongs to; -ESRCH. */
static pid_t task_group(pid_t tid)
{
	char path[64], line[128];
	int group = -ESRCH;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)tid);
	file = fopen(path, "re");
	if (!file)
		return -ESRCH;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "Tgid: %d", &group) == 1)
			break;
	fclose(file);
	return group;
}

/* Thread ids are used again: of the same process is what counts, whether we may signal it or not. */
static bool task_is_alive(const struct task *task)
{
	return syscall(SYS_tgkill, task->tgid, task->tid, 0) == 0 || errno == EPERM;
}

static struct task *task_open(struct tasks *tasks, pid_t tid, int *err)
{
	pid_t tgid = task_group(tid);
	struct task *task;
	bool exact;
	int fd;

	if (tgid < 0) {
		*err = tgid;
		return NULL;
	}
	/* an older kernel has none of a thread, and then its leader's descriptors are meant */
	fd = (int)syscall(SYS_pidfd_open, tid, PIDFD_THREAD);
	exact = fd >= 0;
	if (!exact)
		fd = (int)syscall(SYS_pidfd_open, tgid, 0);
	if (fd < 0) {
		*err = -errno;
		return NULL;
	}
	task = calloc(1, sizeof(*task));
	*err = -ENOMEM;
	if (task) {
		task->tasks = tasks;
		task->tid = tid;
		task->tgid = tgid;
		task->exact = exact;
		task->io = (struct loop_io){ -1, task_ended };
		task->garbage.release = task_release;
		*err = loop_add(tasks->loop, &task->io, fd, EPOLLIN);
	}
	if (*err) {
		free(task);
		close(fd);
		return NULL;
	}
	LIST_INSERT_HEAD(&tasks->known, task, entry);
	tasks->count++;
	return task;
}

static struct task *task_of(struct tasks *tasks, pid_t tid, int *err)
{
	struct task *task, *last = NULL;

	LIST_FOREACH(task, &tasks->known, entry) {
		if (task->tid == tid)
			break;
		last = task;
	}
	if (task && (task->exact || task_is_alive(task))) {
		LIST_REMOVE(task, entry);
		LIST_INSERT_HEAD(&tasks->known, task, entry);
		return task;
	}
	if (task)
		task_forget(task);
	else if (tasks->count >= TASKS_MAX)
		task_forget(last);
	return task_open(tasks, tid, err);
}

int tasks_descriptor_again(const struct tasks *tasks, pid_t tid, int number)
{
	const struct task *task;
	int fd;

	LIST_FOREACH(task, &tasks->known, entry)
		if (task->tid == tid)
			break;
	if (!task || (!task->exact && !task_is_alive(task)))
		return -ESRCH;
	fd = (int)syscall(SYS_pidfd_getfd, task->io.fd, number, 0);
	return fd < 0 ? -errno : fd;
}

int tasks_descriptor(struct tasks *tasks, pid_t tid, int number)
{
	struct task *task;
	int fd, err, tried = 0;
	bool again;

	do {
		task = task_of(tasks, tid, &err);
		if (!task)
			return err;
		fd = (int)syscall(SYS_pidfd_getfd, task->io.fd, number, 0);
		if (fd >= 0)
			return fd;
		err = -errno;
		/* that one has ended: another one has its id, or none */
		again = err == -ESRCH && task->exact;
		if (again)
			task_forget(task);
	} while (again && !tried++);
	return err;
}

int task_read(pid_t tid, uint64_t from, void *to, size_t len)
{
	struct iovec local = { to, len }, remote = { (void *)(uintptr_t)from, len };
	ssize_t n = process_vm_readv(tid, &local, 1, &remote, 1, 0);

	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EFAULT;
}

int task_write(pid_t tid, const struct task_piece *pieces, size_t count)
{
	struct iovec local[TASK_PIECES_MAX], remote[TASK_PIECES_MAX];
	size_t i, len = 0;
	ssize_t n;

	if (count > TASK_PIECES_MAX)
		return -E2BIG;
	for (i = 0; i < count; i++) {
		local[i] = (struct iovec){ (void *)pieces[i].from, pieces[i].len };
		remote[i] = (struct iovec){ (void *)(uintptr_t)pieces[i].to, pieces[i].len };
		len += pieces[i].len;
	}
	n = process_vm_writev(tid, local, count, remote, count, 0);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EFAULT;
}
