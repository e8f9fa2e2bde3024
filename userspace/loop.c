// SPDX-License-Identifier: Apache-2.0
#include "userspace/loop.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "userspace/fd.h"

#define LOOP_EVENTS_MAX 256
#define NS_PER_MS UINT64_C(1000000)

struct loop {
	int epoll;
	bool stopped;
	uint64_t now;
	TAILQ_HEAD(, loop_timeouts) queues;
	STAILQ_HEAD(loop_turns, loop_turn) turns;
	SLIST_HEAD(, loop_garbage) garbage;
};

uint64_t loop_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * LOOP_SECOND + (uint64_t)ts.tv_nsec;
}

static void loop_read_clock(struct loop *loop)
{
	loop->now = loop_clock();
}

int loop_new(struct loop **out)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	int err;

	if (!loop)
		return -ENOMEM;
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll < 0) {
		err = -errno;
		free(loop);
		return err;
	}
	TAILQ_INIT(&loop->queues);
	STAILQ_INIT(&loop->turns);
	SLIST_INIT(&loop->garbage);
	loop_read_clock(loop);
	*out = loop;
	return 0;
}

static void loop_collect(struct loop *loop)
{
	struct loop_garbage *garbage;

	while ((garbage = SLIST_FIRST(&loop->garbage))) {
		SLIST_REMOVE_HEAD(&loop->garbage, entry);
		garbage->release(garbage);
	}
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	loop_collect(loop);
	close(loop->epoll);
	free(loop);
}

int loop_add(struct loop *loop, struct loop_io *io, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = io };

	if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		return -errno;
	io->fd = fd;
	return 0;
}

int loop_add_signals(struct loop *loop, struct loop_io *io, const int *signals, size_t count)
{
	_cleanup_fd_ int fd = -1;
	sigset_t set;
	size_t i;
	int err;

	sigemptyset(&set);
	for (i = 0; i < count; i++)
		sigaddset(&set, signals[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = loop_add(loop, io, fd, EPOLLIN);
	if (!err)
		TAKE_FD(fd);
	return err;
}

int loop_change(struct loop *loop, struct loop_io *io, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = io };

	return epoll_ctl(loop->epoll, EPOLL_CTL_MOD, io->fd, &event) < 0 ? -errno : 0;
}

void loop_remove(struct loop *loop, struct loop_io *io)
{
	if (io->fd < 0)
		return;
	/* explicitly: a descriptor that another process holds too would stay in after close() */
	epoll_ctl(loop->epoll, EPOLL_CTL_DEL, io->fd, NULL);
	io->fd = -1;
}

void loop_timeouts_add(struct loop *loop, struct loop_timeouts *queue)
{
	TAILQ_INIT(&queue->waiting);
	TAILQ_INSERT_TAIL(&loop->queues, queue, entry);
}

void loop_timeout_start(struct loop *loop, struct loop_timeouts *queue,
			struct loop_timeout *timeout)
{
	loop_timeout_stop(queue, timeout);
	timeout->at = loop->now + queue->duration;
	TAILQ_INSERT_TAIL(&queue->waiting, timeout, entry);
}

void loop_timeout_stop(struct loop_timeouts *queue, struct loop_timeout *timeout)
{
	if (!timeout->at)
		return;
	TAILQ_REMOVE(&queue->waiting, timeout, entry);
	timeout->at = 0;
}

void loop_turn_add(struct loop *loop, struct loop_turn *turn)
{
	if (turn->waiting)
		return;
	turn->waiting = true;
	STAILQ_INSERT_TAIL(&loop->turns, turn, entry);
}

void loop_turn_remove(struct loop *loop, struct loop_turn *turn)
{
	if (!turn->waiting)
		return;
	turn->waiting = false;
	STAILQ_REMOVE(&loop->turns, turn, loop_turn, entry);
}

void loop_discard(struct loop *loop, struct loop_garbage *garbage)
{
	SLIST_INSERT_HEAD(&loop->garbage, garbage, entry);
}

uint64_t loop_now(const struct loop *loop)
{
	return loop->now;
}

static void loop_expire(struct loop *loop)
{
	struct loop_timeouts *queue;
	struct loop_timeout *first;

	TAILQ_FOREACH(queue, &loop->queues, entry) {
		while ((first = TAILQ_FIRST(&queue->waiting)) && first->at <= loop->now) {
			loop_timeout_stop(queue, first);
			queue->expired(first);
		}
	}
}

/* Those that wait now; what they add waits for the next round. */
static void loop_run_turns(struct loop *loop)
{
	struct loop_turn end = { .waiting = true }, *turn;

	if (STAILQ_EMPTY(&loop->turns))
		return;
	STAILQ_INSERT_TAIL(&loop->turns, &end, entry);
	while ((turn = STAILQ_FIRST(&loop->turns)) != &end) {
		loop_turn_remove(loop, turn);
		turn->run(turn);
	}
	loop_turn_remove(loop, &end);
}

/* ms until the next time-out, rounded up so that the loop does not spin before it; -1: none */
static int loop_wait_ms(const struct loop *loop)
{
	const struct loop_timeouts *queue;
	const struct loop_timeout *first;
	uint64_t next = UINT64_MAX, ms;

	if (!STAILQ_EMPTY(&loop->turns))
		return 0;
	TAILQ_FOREACH(queue, &loop->queues, entry) {
		first = TAILQ_FIRST(&queue->waiting);
		if (first && first->at < next)
			next = first->at;
	}
	if (next == UINT64_MAX)
		return -1;
	if (next <= loop->now)
		return 0;
	ms = (next - loop->now + NS_PER_MS - 1) / NS_PER_MS;
	return ms > INT_MAX ? INT_MAX : (int)ms;
}

int loop_run(struct loop *loop)
{
	struct epoll_event events[LOOP_EVENTS_MAX];
	struct loop_io *io;
	int i, n;

	loop->stopped = false;
	while (!loop->stopped) {
		n = epoll_wait(loop->epoll, events, LOOP_EVENTS_MAX, loop_wait_ms(loop));
		if (n < 0 && errno != EINTR)
			return -errno;
		loop_read_clock(loop);
		for (i = 0; i < n; i++) {
			io = events[i].data.ptr;
			if (io->fd >= 0)
				io->ready(io, events[i].events);
		}
		loop_run_turns(loop);
		loop_expire(loop);
		loop_collect(loop);
	}
	return 0;
}

void loop_stop(struct loop *loop)
{
	loop->stopped = true;
}
