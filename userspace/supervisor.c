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
#include <unistd.h>

#include "userspace/agent.h"
#include "userspace/fd.h"
#include "userspace/log.h"
#include "userspace/netns.h"
#include "userspace/sandbox.h"
#include "userspace/session_store.h"
#include "userspace/worker.h"

#define SUPERVISOR_SESSIONS 4096 /* that peers may resume */
#define SUPERVISOR_HANG_NS (10 * LOOP_SECOND) /* a worker's that does nothing */
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
	const char *path = agent->config->namespaces[worker->netns].path;
	struct worker_setup setup = {
		.id = worker->id,
		.netns = worker->netns,
		.config = agent->config,
		.listeners = &agent->listeners,
		.crypto = agent->crypto,
		.features = &agent->features,
		.sessions = agent->sessions,
		.beat = &agent->beats[worker->id],
		.generation = config_generation(agent->config),
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
	err = sandbox_drop(agent->config->uid, agent->config->gid, parent);
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
static void supervisor_close_others(const struct agent *agent, uint32_t netns, int own)
{
	int keep[4 + 2 * LW_PORTS_MAX];
	size_t count = 0, i;

	keep[count++] = STDERR_FILENO;
	keep[count++] = own;
	keep[count++] = dataplane_tags_fd(agent->dataplane);
	keep[count++] = dataplane_targets_fd(agent->dataplane);
	for (i = 0; i < agent->listeners.count; i++)
		if (agent->listeners.entries[i].netns == netns)
			keep[count++] = agent->listeners.entries[i].fd;
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
		supervisor_close_others(agent, worker->netns, theirs);
		supervisor_become_worker(agent, worker, theirs, parent);
	}
	err = loop_add(agent->loop, &worker->io, own, EPOLLIN);
	if (!err)
		own = -1;
	return err;
}

static void supervisor_restart(struct loop_timeout *timeout)
{
	struct supervised *worker = CONTAINER_OF(timeout, struct supervised, restart);
	int err;

	worker->restarts++;
	err = supervisor_start_one(worker->agent, worker);
	if (!err)
		return;
	log_line(LOG_ERR, "worker %u cannot be started: %s", worker->id, strerror(-err));
	loop_timeout_start(worker->agent->loop, &worker->agent->restarts, timeout);
}

/*
 * A worker that does nothing any more is ended, and the next one started. Whether this process
 * itself does is the service manager's to find out (WatchdogSec=).
 */
static void supervisor_round(struct loop_timeout *timeout)
{
	struct agent *agent = CONTAINER_OF(timeout, struct agent, round);
	unsigned int i;

	sd_notify(0, "WATCHDOG=1");
	for (i = 0; i < agent->worker_count; i++) {
		const struct supervised *worker = &agent->workers[i];

		if (worker->pid <= 0 || beat_is_fresh(&agent->beats[i], SUPERVISOR_HANG_NS))
			continue;
		log_line(LOG_ERR, "worker %u (pid %d) hangs, and is ended", worker->id,
			 (int)worker->pid);
		kill(worker->pid, SIGKILL);
	}
	loop_timeout_start(agent->loop, &agent->rounds, timeout);
}

static int supervisor_share_beats(struct agent *agent)
{
	void *at = mmap(NULL, agent->worker_count * sizeof(*agent->beats), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return -errno;
	agent->beats = at;
	return 0;
}

int supervisor_start(struct agent *agent)
{
	unsigned int i;
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
	if (!agent->sessions)
		return -ENOMEM;
	agent->workers = calloc(agent->worker_count, sizeof(*agent->workers));
	if (!agent->workers)
		return -ENOMEM;
	for (i = 0; i < agent->worker_count; i++) {
		agent->workers[i] = (struct supervised){
			.agent = agent,
			.io = { -1, supervisor_hear },
			.id = i,
			.netns = i / (agent->worker_count / (uint32_t)agent->config->namespace_count),
		};
	}
	for (i = 0; i < agent->worker_count; i++) {
		err = supervisor_start_one(agent, &agent->workers[i]);
		if (err)
			return err;
	}
	return 0;
}

static void supervisor_bury(struct agent *agent, struct supervised *worker, int status)
{
	unsigned int lost;

	worker->pid = 0;
	supervisor_hang_up(worker);
	session_store_release(agent->sessions, worker->id);
	lost = monitor_end_sessions(agent, worker->id, "the worker that relayed it died");
	if (WIFSIGNALED(status))
		log_line(LOG_ERR, "worker %u was ended by %s%s; %u sessions ended with it",
			 worker->id, strsignal(WTERMSIG(status)),
			 WTERMSIG(status) == SIGSYS ? " (a system call that it has no use for)" : "",
			 lost);
	else
		log_line(LOG_ERR, "worker %u exited with status %d; %u sessions ended with it",
			 worker->id, WEXITSTATUS(status), lost);
	loop_timeout_start(agent->loop, &agent->restarts, &worker->restart);
}

void supervisor_reap(struct agent *agent)
{
	unsigned int i;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (i = 0; i < agent->worker_count; i++)
			if (agent->workers[i].pid == pid)
				supervisor_bury(agent, &agent->workers[i], status);
}

void supervisor_stop(struct agent *agent)
{
	unsigned int i;

	if (!agent->workers)
		return;
	for (i = 0; i < agent->worker_count; i++)
		supervisor_hang_up(&agent->workers[i]);
	for (i = 0; i < agent->worker_count; i++)
		if (agent->workers[i].pid > 0)
			waitpid(agent->workers[i].pid, NULL, 0);
	for (i = 0; i < agent->worker_count; i++)
		monitor_end_sessions(agent, i, "the daemon was stopped");
	session_store_free(agent->sessions);
	agent->sessions = NULL;
	munmap(agent->beats, agent->worker_count * sizeof(*agent->beats));
	free(agent->workers);
	agent->workers = NULL;
}
