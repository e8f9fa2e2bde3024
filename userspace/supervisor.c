// SPDX-License-Identifier: Apache-2.0
/* Starts the workers, listens to them, and starts one again that died. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include "userspace/adoption.h"
#include "userspace/agent.h"
#include "userspace/dispatch.h"
#include "userspace/fd.h"
#include "userspace/log.h"
#include "userspace/message.h"
#include "userspace/netns.h"
#include "userspace/reload.h"
#include "userspace/reverify.h"
#include "userspace/sandbox.h"
#include "userspace/session_store.h"
#include "userspace/worker.h"

#define SUPERVISOR_SESSIONS 4096 /* that peers may resume */
#define SUPERVISOR_HANG_NS (10 * LOOP_SECOND) /* a worker's that does nothing */
#define SUPERVISOR_PATIENCE 300 /* hundredths of a second for workers that are to end */
#define SUPERVISOR_MESSAGES 64 /* a worker's turn */
#define SUPERVISOR_BUFFER (4 << 20) /* bytes on the way between the two */

static void supervisor_hang_up(struct supervised *worker)
{
	int fd = worker->io.fd;

	if (fd < 0)
		return;
	loop_remove(worker->agent->loop, &worker->io);
	close(fd);
}

static void supervisor_hear(struct loop_io *io, uint32_t events)
{
	struct supervised *worker = CONTAINER_OF(io, struct supervised, io);
	int i, err = 0;

	(void)events;
	for (i = 0; !err && i < SUPERVISOR_MESSAGES; i++)
		err = monitor_handle(worker);
	if (!err || err == -EAGAIN)
		return;
	if (err != -EPIPE)
		log_line(LOG_ERR, "worker %u (pid %d) is ended: %s", worker->id, (int)worker->pid,
			 strerror(-err));
	supervisor_hang_up(worker);
	if (worker->pid > 0)
		kill(worker->pid, SIGKILL);
}

/* In the child. What it inherits and must not have is closed or dropped here. */
static _Noreturn void supervisor_become_worker(const struct agent *agent,
					       const struct supervised *worker, int fd,
					       pid_t parent)
{
	const struct config *config = worker->shift->config;
	const char *path = config->namespaces[worker->netns].path;
	struct worker_setup setup = {
		.id = worker->id,
		.netns = worker->netns,
		.config = config,
		.listeners = worker->shift->listeners,
		.crypto = agent->crypto,
		.features = &agent->features,
		.sessions = agent->sessions,
		.beat = &agent->beats[worker->id],
		.denied = agent->denied,
		.policy = agent->policy,
		.generation = config->generation,
		.kernel_tls = agent->kernel_tls,
		.tags_fd = dataplane_tags_fd(agent->dataplane),
		.targets_fd = dataplane_targets_fd(agent->dataplane),
		.main_fd = fd,
	};
	sigset_t none;
	int err, back;

	err = netns_enter(path, &back);
	if (err) {
		log_line(LOG_ERR, "worker %u: %s cannot be entered: %s", worker->id, path,
			 strerror(-err));
		_exit(EXIT_FAILURE);
	}
	if (back >= 0)
		close(back);
	err = sandbox_drop(config->uid, config->gid, parent);
	if (err) {
		log_line(LOG_ERR, "worker %u: privileges cannot be dropped: %s", worker->id,
			 strerror(-err));
		_exit(EXIT_FAILURE);
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* these are for the main process, which then ends its workers in order */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	exit(worker_run(&setup));
}

/*
 * Of the parent's descriptors a worker keeps its own: with the others it could write maps,
 * the audit log, or speak as another worker.
 */
static void supervisor_close_others(const struct supervised *worker, int own)
{
	const struct listeners *listeners = worker->shift->listeners;
	const struct agent *agent = worker->agent;
	int keep[4 + 2 * LW_PORTS_MAX];
	size_t count = 0, i;

	keep[count++] = STDERR_FILENO;
	keep[count++] = own;
	keep[count++] = dataplane_tags_fd(agent->dataplane);
	keep[count++] = dataplane_targets_fd(agent->dataplane);
	for (i = 0; i < listeners->count; i++)
		if (listeners->entries[i].netns == worker->netns)
			keep[count++] = listeners->entries[i].fd;
	fd_close_others(keep, count);
}

static int supervisor_start_one(struct agent *agent, struct supervised *worker)
{
	const int size = SUPERVISOR_BUFFER;
	pid_t parent = getpid();
	int pair[2], err;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	_cleanup_fd_ int own = pair[0];
	_cleanup_fd_ int theirs = pair[1];

	setsockopt(own, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	setsockopt(theirs, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	/* a worker that does not take its answers must not hold the main process up */
	if (fcntl(own, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	beat_give(&agent->beats[worker->id]);
	worker->pid = fork();
	if (worker->pid < 0) {
		worker->pid = 0;
		return -errno;
	}
	if (!worker->pid) {
		supervisor_close_others(worker, theirs);
		supervisor_become_worker(agent, worker, theirs, parent);
	}
	err = loop_add(agent->loop, &worker->io, own, EPOLLIN);
	if (!err)
		own = -1;
	return err;
}

static void supervisor_order(struct supervised *worker, enum message_type type)
{
	const struct message message = { .type = type };

	if (worker->io.fd >= 0 && message_send(worker->io.fd, &message, NULL, 0) == 0)
		return;
	/* what cannot be told is not to go on */
	if (worker->pid > 0)
		kill(worker->pid, SIGKILL);
}

static void supervisor_restart(struct loop_timeout *timeout)
{
	struct supervised *worker = CONTAINER_OF(timeout, struct supervised, restart);
	int err;

	worker->restarts++;
	err = supervisor_start_one(worker->agent, worker);
	/* one of a shift that is not in force yet is told with the others */
	if (!err && worker->shift->config == worker->agent->config) {
		worker->accepts = true;
		supervisor_order(worker, MESSAGE_LISTEN);
	}
	if (!err)
		return;
	log_line(LOG_ERR, "worker %u cannot be started: %s", worker->id, strerror(-err));
	loop_timeout_start(worker->agent->loop, &worker->agent->restarts, timeout);
}

static void supervisor_check(struct agent *agent, const struct supervised *worker)
{
	const char *what = NULL;

	if (worker->pid <= 0)
		return;
	if (!beat_is_fresh(&agent->beats[worker->id], SUPERVISOR_HANG_NS))
		what = "hangs";
	/* or sessions would go on that are over: another one is asked then */
	else if (agent->reverify && reverify_is_unanswered(agent->reverify, worker->id))
		what = "does not answer";
	if (!what)
		return;
	log_line(LOG_ERR, "worker %u (pid %d) %s, and is ended", worker->id, (int)worker->pid, what);
	kill(worker->pid, SIGKILL);
}

/*
 * A worker that does nothing any more is ended, and the next one started. Whether this process
 * itself does is the service manager's to find out (WatchdogSec=).
 */
static void supervisor_round(struct loop_timeout *timeout)
{
	struct agent *agent = CONTAINER_OF(timeout, struct agent, round);
	const struct shift *shift;
	unsigned int i;

	sd_notify(0, "WATCHDOG=1");
	LIST_FOREACH(shift, &agent->shifts, entry)
		for (i = 0; i < shift->worker_count; i++)
			supervisor_check(agent, &shift->workers[i]);
	loop_timeout_start(agent->loop, &agent->rounds, timeout);
}

static int supervisor_share_beats(struct agent *agent)
{
	void *at = mmap(NULL, SUPERVISOR_WORKERS_MAX * sizeof(*agent->beats),
			PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return -errno;
	agent->beats = at;
	return 0;
}

int supervisor_start(struct agent *agent)
{
	int err;

	err = supervisor_share_beats(agent);
	if (err)
		return err;
	agent->rounds.duration = LOOP_SECOND;
	agent->rounds.expired = supervisor_round;
	loop_timeouts_add(agent->loop, &agent->rounds);
	loop_timeout_start(agent->loop, &agent->rounds, &agent->round);
	agent->restarts.duration = LOOP_SECOND;
	agent->restarts.expired = supervisor_restart;
	loop_timeouts_add(agent->loop, &agent->restarts);
	agent->sessions = session_store_new(SUPERVISOR_SESSIONS);
	return agent->sessions ? 0 : -ENOMEM;
}

static bool supervisor_has_id(const struct agent *agent, uint32_t id)
{
	const struct shift *shift;
	unsigned int i;

	LIST_FOREACH(shift, &agent->shifts, entry)
		for (i = 0; i < shift->worker_count; i++)
			if (shift->workers[i].id == id)
				return true;
	return false;
}

/* Whole namespaces, one after the other. */
static unsigned int supervisor_count(const struct config *config)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned int each = config->workers;

	if (!each)
		each = cores > 0 ? (unsigned int)cores : 1;
	return each * (unsigned int)config->namespace_count;
}

/* The shift is not in the list yet: the numbers that it has are not found there. */
static int supervisor_number(struct shift *shift)
{
	unsigned int each = shift->worker_count / (unsigned int)shift->config->namespace_count, i;
	uint32_t id = 0;

	for (i = 0; i < shift->worker_count; i++, id++) {
		while (id < SUPERVISOR_WORKERS_MAX && supervisor_has_id(shift->agent, id))
			id++;
		if (id >= SUPERVISOR_WORKERS_MAX) {
			/* those that have a number were not started either */
			shift->worker_count = 0;
			return -EUSERS;
		}
		shift->workers[i] = (struct supervised){
			.agent = shift->agent,
			.shift = shift,
			.io = { -1, supervisor_hear },
			.id = id,
			.netns = i / each,
		};
	}
	return 0;
}

static void supervisor_release(struct loop_garbage *garbage)
{
	struct shift *shift = CONTAINER_OF(garbage, struct shift, garbage);

	/* what is in force is the agent's */
	if (shift->config != shift->agent->config)
		config_free(shift->config);
	if (shift->listeners != shift->agent->listeners)
		listeners_free(shift->listeners);
	free(shift->workers);
	free(shift);
}

/* For one whose socket is closed. Who hangs does not hold up the end of all, which has its time. */
static void supervisor_wait(struct supervised *worker, unsigned int *patience)
{
	const struct timespec pause = { .tv_nsec = 10000000 };

	if (worker->pid <= 0)
		return;
	while (waitpid(worker->pid, NULL, WNOHANG) == 0) {
		if (*patience) {
			--*patience;
			nanosleep(&pause, NULL);
			continue;
		}
		kill(worker->pid, SIGKILL);
		waitpid(worker->pid, NULL, 0);
		break;
	}
	worker->pid = 0;
}

/* What is an app's was in the worker's hands, too, until it ended. */
static void supervisor_give(const struct agent *agent, const struct supervised *worker)
{
	if (!agent->adoption)
		return;
	dispatch_worker_ended(agent->dispatch, worker->id);
	adoption_let_go(agent->adoption, worker->id, 0);
}

void supervisor_dismiss(struct shift *shift)
{
	unsigned int patience = SUPERVISOR_PATIENCE, i;
	struct agent *agent = shift->agent;

	for (i = 0; i < shift->worker_count; i++) {
		struct supervised *worker = &shift->workers[i];

		loop_timeout_stop(&agent->restarts, &worker->restart);
		supervisor_hang_up(worker);
		supervisor_wait(worker, &patience);
		if (agent->sessions)
			session_store_release(agent->sessions, worker->id);
	}
	LIST_REMOVE(shift, entry);
	loop_discard(agent->loop, &shift->garbage);
}

int supervisor_staff(struct agent *agent, struct config *config, struct listeners *listeners,
		     struct shift **out)
{
	struct shift *shift = calloc(1, sizeof(*shift));
	unsigned int i;
	int err;

	if (!shift)
		return -ENOMEM;
	shift->agent = agent;
	shift->garbage.release = supervisor_release;
	shift->config = config;
	shift->listeners = listeners;
	shift->worker_count = supervisor_count(config);
	shift->workers = calloc(shift->worker_count, sizeof(*shift->workers));
	err = shift->workers ? supervisor_number(shift) : -ENOMEM;
	LIST_INSERT_HEAD(&agent->shifts, shift, entry);
	for (i = 0; !err && i < shift->worker_count; i++)
		err = supervisor_start_one(agent, &shift->workers[i]);
	if (err) {
		shift->config = NULL;
		shift->listeners = NULL;
		if (!shift->workers)
			shift->worker_count = 0;
		supervisor_dismiss(shift);
		return err;
	}
	*out = shift;
	return 0;
}

void supervisor_listen(struct shift *shift)
{
	unsigned int i;

	for (i = 0; i < shift->worker_count; i++) {
		shift->workers[i].accepts = true;
		supervisor_order(&shift->workers[i], MESSAGE_LISTEN);
	}
}

void supervisor_retire(struct shift *shift)
{
	unsigned int i;

	shift->retired = true;
	for (i = 0; i < shift->worker_count; i++) {
		if (shift->workers[i].pid > 0)
			supervisor_order(&shift->workers[i], MESSAGE_RETIRE);
		else
			shift->workers[i].accepts = false;
		loop_timeout_stop(&shift->agent->restarts, &shift->workers[i].restart);
	}
}

bool supervisor_accepts(const struct shift *shift)
{
	unsigned int i;

	for (i = 0; i < shift->worker_count; i++)
		if (shift->workers[i].accepts)
			return true;
	return false;
}

/* One that was retired, and has ended with its last connection, is as it should be. */
static void supervisor_tell_death(const struct supervised *worker, int status, unsigned int lost)
{
	if (WIFSIGNALED(status))
		log_line(LOG_ERR, "worker %u was ended by %s%s; %u sessions ended with it",
			 worker->id, strsignal(WTERMSIG(status)),
			 WTERMSIG(status) == SIGSYS ? " (a system call that it has no use for)" : "",
			 lost);
	else if (!worker->shift->retired || WEXITSTATUS(status))
		log_line(LOG_ERR, "worker %u exited with status %d; %u sessions ended with it",
			 worker->id, WEXITSTATUS(status), lost);
}

static void supervisor_bury(struct agent *agent, struct supervised *worker, int status)
{
	unsigned int lost;

	worker->pid = 0;
	worker->accepts = false;
	/* what it said last may be heard later than its end: one that retired has records there */
	while (worker->io.fd >= 0 && monitor_handle(worker) == 0)
		;
	supervisor_hang_up(worker);
	session_store_release(agent->sessions, worker->id);
	supervisor_give(agent, worker);
	reverify_worker_gone(agent->reverify, worker->id);
	lost = monitor_end_sessions(agent, worker->id, "the worker that relayed it died");
	supervisor_tell_death(worker, status, lost);
	if (!worker->shift->retired)
		loop_timeout_start(agent->loop, &agent->restarts, &worker->restart);
}

static bool supervisor_is_over(const struct shift *shift)
{
	unsigned int i;

	for (i = 0; i < shift->worker_count; i++)
		if (shift->workers[i].pid > 0)
			return false;
	return shift->retired;
}

static void supervisor_bury_pid(struct agent *agent, pid_t pid, int status)
{
	struct shift *shift;
	unsigned int i;

	LIST_FOREACH(shift, &agent->shifts, entry)
		for (i = 0; i < shift->worker_count; i++)
			if (shift->workers[i].pid == pid)
				supervisor_bury(agent, &shift->workers[i], status);
}

void supervisor_reap(struct agent *agent)
{
	struct shift *shift, *next;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		supervisor_bury_pid(agent, pid, status);
	reload_go_on(agent->reload);
	for (shift = LIST_FIRST(&agent->shifts); shift; shift = next) {
		next = LIST_NEXT(shift, entry);
		/* one that a reload is about to replace is in force until then */
		if (shift->config != agent->config && supervisor_is_over(shift)) {
			LIST_REMOVE(shift, entry);
			loop_discard(agent->loop, &shift->garbage);
		}
	}
}

static void supervisor_end(struct shift *shift)
{
	unsigned int i;

	for (i = 0; i < shift->worker_count; i++) {
		supervisor_give(shift->agent, &shift->workers[i]);
		monitor_end_sessions(shift->agent, shift->workers[i].id, "the daemon was stopped");
	}
	supervisor_dismiss(shift);
}

void supervisor_stop(struct agent *agent)
{
	unsigned int patience = SUPERVISOR_PATIENCE, i;
	struct shift *shift;

	/* all at once: each says farewell to its peers */
	LIST_FOREACH(shift, &agent->shifts, entry)
		for (i = 0; i < shift->worker_count; i++)
			supervisor_hang_up(&shift->workers[i]);
	LIST_FOREACH(shift, &agent->shifts, entry)
		for (i = 0; i < shift->worker_count; i++)
			supervisor_wait(&shift->workers[i], &patience);
	while (!LIST_EMPTY(&agent->shifts))
		supervisor_end(LIST_FIRST(&agent->shifts));
	session_store_free(agent->sessions);
	agent->sessions = NULL;
	if (agent->beats)
		munmap(agent->beats, SUPERVISOR_WORKERS_MAX * sizeof(*agent->beats));
}
