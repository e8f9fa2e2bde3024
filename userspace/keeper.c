// SPDX-License-Identifier: Apache-2.0
#include "userspace/keeper.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "userspace/adopter.h"
#include "userspace/fd.h"
#include "userspace/log.h"
#include "userspace/netns.h"

#define KEEPER_WAIT_NS (3 * LOOP_SECOND) /* for what exec has to say */
#define KEEPER_HANG_NS (5 * LOOP_SECOND) /* an adopter's that does nothing */

struct keeper {
	struct loop *loop;
	const char *run_path;
	struct loop_io socket, signals;
	struct loop_timeouts rounds, greetings;
	struct loop_timeout round;
	LIST_HEAD(, kept) apps;
};

/* a wrapped app */
struct kept {
	LIST_ENTRY(kept) entry;
	struct keeper *keeper;
	struct ledger *ledger;
	uint64_t id;
	pid_t pid, adopter; /* adopter: 0 while there is none */
	int calls, netns;
	char name[HANDOVER_NAME_LEN];
};

/* `linewarden exec`, before it said what it wants */
struct greeting {
	struct keeper *keeper;
	struct loop_io io;
	struct loop_timeout timeout;
	struct loop_garbage garbage;
};

static void kept_free(struct kept *app)
{
	ledger_free(app->ledger);
	if (app->calls >= 0)
		close(app->calls);
	if (app->netns >= 0)
		close(app->netns);
	free(app);
}
DEFINE_CLEANUP(struct kept *, kept_free);

/* What an adopter needs: the app's descriptors and memory, and the options of its sockets. */
static int kept_drop_privileges(void)
{
	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_updatev(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_SYS_PTRACE,
			  CAP_NET_ADMIN, -1) ||
	    capng_apply(CAPNG_SELECT_BOTH))
		return -EPERM;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

/* In the child. Of the keeper's descriptors it keeps those of its own app. */
static _Noreturn void kept_become_adopter(const struct kept *app, int wrapping)
{
	enum { FIRST = STDERR_FILENO + 1 };
	struct adopter_setup setup = {
		.run_path = app->keeper->run_path,
		.ledger = app->ledger,
		.id = app->id,
		.pid = app->pid,
	};
	/* above what is closed, then down to where nothing is */
	int calls = fcntl(app->calls, F_DUPFD_CLOEXEC, 512), netns, spare;
	sigset_t none;
	int err = 0;

	netns = fcntl(app->netns, F_DUPFD_CLOEXEC, 512);
	spare = wrapping >= 0 ? fcntl(wrapping, F_DUPFD_CLOEXEC, 512) : -1;
	if (calls < 0 || netns < 0 || setns(netns, CLONE_NEWNET) < 0)
		err = -errno;
	close_range(FIRST, 511, 0);
	setup.calls = dup3(calls, FIRST, O_CLOEXEC);
	setup.wrapping = spare >= 0 ? dup3(spare, FIRST + 1, O_CLOEXEC) : -1;
	close_range(FIRST + 2, ~0U, 0);
	snprintf(setup.name, sizeof(setup.name), "%s", app->name);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* the keeper's end is not the app's */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_NAME, "lw-adopter", 0, 0, 0);
	if (!err)
		err = kept_drop_privileges();
	if (!err)
		err = adopter_run(&setup);
	if (err)
		log_line(LOG_ERR, "the adopter of %s: %s", app->name, strerror(-err));
	exit(err ? EXIT_FAILURE : EXIT_SUCCESS);
}

static int kept_start(struct kept *app, int wrapping)
{
	ledger_beat(app->ledger);
	app->adopter = fork();
	if (app->adopter < 0) {
		app->adopter = 0;
		return -errno;
	}
	if (!app->adopter)
		kept_become_adopter(app, wrapping);
	return 0;
}

static int keeper_netns_of(pid_t pid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The call's descriptor is the app's from here on, whatever happens. */
static int keeper_take(struct keeper *keeper, int exec, const struct handover *message, int calls)
{
	struct ucred peer = { 0 };
	socklen_t size = sizeof(peer);
	_cleanup_(cleanup_kept_free) struct kept *app = calloc(1, sizeof(*app));
	int err;

	if (!app) {
		close(calls);
		return -ENOMEM;
	}
	app->keeper = keeper;
	app->calls = calls;
	app->netns = -1;
	snprintf(app->name, sizeof(app->name), "%s", message->name);
	if (getsockopt(exec, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 ||
	    getrandom(&app->id, sizeof(app->id), 0) < 0)
		return -errno;
	app->pid = peer.pid;
	app->netns = keeper_netns_of(peer.pid);
	if (app->netns < 0)
		return app->netns;
	app->ledger = ledger_new();
	if (!app->ledger)
		return -errno;
	err = kept_start(app, exec);
	if (err)
		return err;
	log_line(LOG_INFO, "%s (pid %d) is wrapped", app->name, (int)app->pid);
	LIST_INSERT_HEAD(&keeper->apps, app, entry);
	TAKE_PTR(app);
	return 0;
}

static void greeting_release(struct loop_garbage *garbage)
{
	free(CONTAINER_OF(garbage, struct greeting, garbage));
}

static void greeting_end(struct greeting *greeting)
{
	struct keeper *keeper = greeting->keeper;
	int fd = greeting->io.fd;

	loop_timeout_stop(&keeper->greetings, &greeting->timeout);
	loop_remove(keeper->loop, &greeting->io);
	close(fd);
	loop_discard(keeper->loop, &greeting->garbage);
}

static void greeting_expired(struct loop_timeout *timeout)
{
	greeting_end(CONTAINER_OF(timeout, struct greeting, timeout));
}

static void greeting_ready(struct loop_io *io, uint32_t events)
{
	struct greeting *greeting = CONTAINER_OF(io, struct greeting, io);
	struct handover message, answer = { .type = HANDOVER_WRAPPED };
	int fds[PACKET_FDS_MAX];
	int err;

	(void)events;
	err = handover_receive(io->fd, HANDOVER_AT_KEEPER, &message, fds);
	if (err == -EAGAIN)
		return;
	if (!err) {
		/* its adopter answers, when the daemon did */
		answer.error = keeper_take(greeting->keeper, io->fd, &message, fds[0]);
		if (answer.error)
			handover_send(io->fd, &answer, NULL, 0);
	}
	greeting_end(greeting);
}

static void keeper_accept(struct loop_io *io, uint32_t events)
{
	struct keeper *keeper = CONTAINER_OF(io, struct keeper, socket);
	_cleanup_fd_ int fd = accept4(io->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct greeting *greeting;

	(void)events;
	if (fd < 0)
		return;
	greeting = calloc(1, sizeof(*greeting));
	if (!greeting)
		return;
	greeting->keeper = keeper;
	greeting->io = (struct loop_io){ -1, greeting_ready };
	greeting->garbage.release = greeting_release;
	if (loop_add(keeper->loop, &greeting->io, fd, EPOLLIN) < 0) {
		free(greeting);
		return;
	}
	TAKE_FD(fd);
	loop_timeout_start(keeper->loop, &keeper->greetings, &greeting->timeout);
}

static void keeper_bury(struct keeper *keeper, pid_t pid, int status)
{
	struct kept *app;

	LIST_FOREACH(app, &keeper->apps, entry)
		if (app->adopter == pid)
			break;
	if (!app)
		return;
	app->adopter = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS) {
		log_line(LOG_INFO, "%s (pid %d) has ended", app->name, (int)app->pid);
		LIST_REMOVE(app, entry);
		kept_free(app);
		return;
	}
	log_line(LOG_ERR, "the adopter of %s was ended by %s; the next one goes on", app->name,
		 WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "an error");
	/* at once: the app's accept() waits. A round tries it again where it cannot be */
	kept_start(app, -1);
}

static void keeper_signalled(struct loop_io *io, uint32_t events)
{
	struct keeper *keeper = CONTAINER_OF(io, struct keeper, signals);
	struct signalfd_siginfo info;
	int status;
	pid_t pid;

	(void)events;
	while (read(io->fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo != SIGCHLD)
			loop_stop(keeper->loop);
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
			keeper_bury(keeper, pid, status);
	}
}

static void keeper_round(struct loop_timeout *timeout)
{
	struct keeper *keeper = CONTAINER_OF(timeout, struct keeper, round);
	struct kept *app;

	sd_notify(0, "WATCHDOG=1");
	LIST_FOREACH(app, &keeper->apps, entry) {
		if (!app->adopter) {
			kept_start(app, -1);
		} else if (!ledger_beats(app->ledger, KEEPER_HANG_NS)) {
			log_line(LOG_ERR, "the adopter of %s (pid %d) hangs, and is ended",
				 app->name, (int)app->adopter);
			kill(app->adopter, SIGKILL);
		}
	}
	loop_timeout_start(keeper->loop, &keeper->rounds, timeout);
}

static int keeper_watch_signals(struct keeper *keeper)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	keeper->signals.ready = keeper_signalled;
	return loop_add(keeper->loop, &keeper->signals, fd, EPOLLIN);
}

static int keeper_listen(struct keeper *keeper, gid_t group)
{
	_cleanup_fd_ int probe = -1;
	_cleanup_fd_ int fd = -1;
	int err;

	if (mkdir(keeper->run_path, 0755) == 0)
		chmod(keeper->run_path, 0755); /* whatever the umask says */
	probe = handover_connect(keeper->run_path, HANDOVER_KEEPER);
	if (probe >= 0)
		return -EADDRINUSE;
	fd = handover_listen(keeper->run_path, HANDOVER_KEEPER, 0660, group);
	if (fd < 0)
		return fd;
	keeper->socket = (struct loop_io){ -1, keeper_accept };
	err = loop_add(keeper->loop, &keeper->socket, fd, EPOLLIN);
	if (!err)
		TAKE_FD(fd);
	return err;
}

static int keeper_start(struct keeper *keeper, gid_t group)
{
	int err;

	err = loop_new(&keeper->loop);
	if (!err)
		err = keeper_watch_signals(keeper);
	if (err)
		return err;
	keeper->rounds = (struct loop_timeouts){ .duration = LOOP_SECOND, .expired = keeper_round };
	keeper->greetings = (struct loop_timeouts){ .duration = KEEPER_WAIT_NS,
						    .expired = greeting_expired };
	loop_timeouts_add(keeper->loop, &keeper->rounds);
	loop_timeouts_add(keeper->loop, &keeper->greetings);
	loop_timeout_start(keeper->loop, &keeper->rounds, &keeper->round);
	return keeper_listen(keeper, group);
}

int keeper_run(const char *run_path, gid_t group)
{
	struct keeper keeper = { .run_path = run_path, .socket.fd = -1, .signals.fd = -1 };
	int err;

	LIST_INIT(&keeper.apps);
	err = keeper_start(&keeper, group);
	if (err) {
		log_line(LOG_ERR, "%s/" HANDOVER_KEEPER ": %s", run_path, strerror(-err));
		return err;
	}
	sd_notify(0, "READY=1");
	return loop_run(keeper.loop);
}
