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
#include "userspace/carrier_keep.h"
#include "userspace/child.h"
#include "userspace/fd.h"
#include "userspace/holder.h"
#include "userspace/log.h"

#define KEEPER_APPS_MAX 256
#define KEEPER_GREETINGS_MAX 64 /* at once */
#define KEEPER_WAIT_NS (3 * LOOP_SECOND) /* for what exec has to say */
#define KEEPER_HANG_NS (5 * LOOP_SECOND) /* an adopter's that does nothing */

_Static_assert((int)HANDOVER_MAP_COUNT == (int)PACKET_FDS_MAX, "a packet's descriptors are the maps");

struct keeper {
	struct loop *loop;
	const char *run_path;
	struct loop_io socket, signals;
	struct loop_timeouts rounds, greetings;
	struct loop_timeout round;
	struct holder *holder;
	struct carrier_keep *carriers; /* NULL: none */
	LIST_HEAD(, kept) apps;
	unsigned int count;
	unsigned int greeting_count;
};

/* a wrapped app */
struct kept {
	LIST_ENTRY(kept) entry;
	struct keeper *keeper;
	struct loop_io io; /* its adopter's: closed when that has ended */
	struct loop_garbage garbage;
	struct ledger *ledger;
	uint64_t id;
	pid_t pid, adopter; /* adopter: 0 while there is none */
	int fds[HANDOVER_KEPT_COUNT];
	int maps[HANDOVER_MAP_COUNT]; /* -1 until its adopter had them of a main process */
	char name[HANDOVER_NAME_LEN];
};

/* `linewarden exec`, before it said what it wants */
struct greeting {
	struct keeper *keeper;
	struct loop_io io;
	struct loop_timeout timeout;
	struct loop_garbage garbage;
};

static void kept_release(struct loop_garbage *garbage)
{
	free(CONTAINER_OF(garbage, struct kept, garbage));
}

static void kept_hang_up(struct kept *app)
{
	int fd = app->io.fd;

	app->adopter = 0;
	if (fd < 0)
		return;
	loop_remove(app->keeper->loop, &app->io);
	close(fd);
}

static void kept_end(struct kept *app)
{
	int i;

	kept_hang_up(app);
	ledger_unmap(app->ledger);
	for (i = 0; i < HANDOVER_KEPT_COUNT; i++)
		if (app->fds[i] >= 0)
			close(app->fds[i]);
	packet_drop_fds(app->maps);
	LIST_REMOVE(app, entry);
	app->keeper->count--;
	loop_discard(app->keeper->loop, &app->garbage);
}

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

/* In the child. */
static _Noreturn void kept_become_adopter(const struct kept *app, int keeper, int wrapping)
{
	struct adopter_setup setup = {
		.run_path = app->keeper->run_path,
		.id = app->id,
		.pid = app->pid,
		.keeper = keeper,
		.wrapping = wrapping,
	};
	int keep[HANDOVER_KEPT_COUNT + HANDOVER_MAP_COUNT + 3] = { keeper, wrapping, STDERR_FILENO }, err;

	/* the others are those of other apps */
	memcpy(keep + 3, app->fds, sizeof(app->fds));
	memcpy(keep + 3 + HANDOVER_KEPT_COUNT, app->maps, sizeof(app->maps));
	fd_close_others(keep, sizeof(keep) / sizeof(keep[0]));
	memcpy(setup.kept, app->fds, sizeof(setup.kept));
	memcpy(setup.maps, app->maps, sizeof(setup.maps));
	snprintf(setup.name, sizeof(setup.name), "%s", app->name);
	/* the keeper's end is not the app's */
	child_begin("lw-adopter");
	err = setns(setup.kept[HANDOVER_KEPT_NETNS], CLONE_NEWNET) < 0 ? -errno : 0;
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
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return -errno;
	_cleanup_fd_ int own = pair[0];
	_cleanup_fd_ int theirs = pair[1];
	pid_t pid;
	int err;

	beat_give(&app->ledger->beat);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid)
		kept_become_adopter(app, theirs, wrapping);
	err = loop_add(app->keeper->loop, &app->io, own, EPOLLIN);
	if (err) {
		kill(pid, SIGKILL);
		return err;
	}
	TAKE_FD(own);
	app->adopter = pid;
	return 0;
}

/* Its adopter has maps, or has ended: with the app, or the app needs another one, at once. */
static void kept_ready(struct loop_io *io, uint32_t events)
{
	struct kept *app = CONTAINER_OF(io, struct kept, io);
	struct handover message;
	int fds[PACKET_FDS_MAX], err;

	(void)events;
	while (!(err = handover_receive(io->fd, HANDOVER_AT_KEEPER, &message, fds))) {
		if (message.type != HANDOVER_KEEP_MAPS) {
			packet_drop_fds(fds);
			continue;
		}
		packet_drop_fds(app->maps);
		memcpy(app->maps, fds, sizeof(app->maps));
	}
	if (err == -EAGAIN)
		return;
	kept_hang_up(app);
	if (notify_is_over(app->fds[HANDOVER_KEPT_CALLS])) {
		log_line(LOG_INFO, "%s (pid %d) has ended", app->name, (int)app->pid);
		kept_end(app);
		return;
	}
	log_line(LOG_ERR, "the adopter of %s has ended; the next one goes on", app->name);
	kept_start(app, -1); /* where it cannot be, a round tries it again */
}

static int keeper_netns_of(pid_t pid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The descriptors are the app's from here on, whatever happens. NULL: out of memory. */
static struct kept *kept_new(struct keeper *keeper, const struct handover *message)
{
	struct kept *app = calloc(1, sizeof(*app));
	int i;

	if (!app)
		return NULL;
	app->keeper = keeper;
	app->io = (struct loop_io){ -1, kept_ready };
	app->garbage.release = kept_release;
	for (i = 0; i < HANDOVER_KEPT_COUNT; i++)
		app->fds[i] = -1;
	for (i = 0; i < HANDOVER_MAP_COUNT; i++)
		app->maps[i] = -1;
	snprintf(app->name, sizeof(app->name), "%s", message->name);
	LIST_INSERT_HEAD(&keeper->apps, app, entry);
	keeper->count++;
	return app;
}

static int kept_wrap(struct kept *app, int exec, const struct ucred *peer, int calls)
{
	int err;

	app->fds[HANDOVER_KEPT_CALLS] = calls;
	if (!notify_is_one(calls))
		return -EINVAL;
	if (getrandom(&app->id, sizeof(app->id), 0) < 0)
		return -errno;
	app->pid = peer->pid;
	app->fds[HANDOVER_KEPT_NETNS] = keeper_netns_of(peer->pid);
	if (app->fds[HANDOVER_KEPT_NETNS] < 0)
		return app->fds[HANDOVER_KEPT_NETNS];
	app->fds[HANDOVER_KEPT_LEDGER] = ledger_create();
	if (app->fds[HANDOVER_KEPT_LEDGER] < 0)
		return app->fds[HANDOVER_KEPT_LEDGER];
	err = ledger_map(app->fds[HANDOVER_KEPT_LEDGER], &app->ledger);
	return err ? err : kept_start(app, exec);
}

/* An app whose keeper was another one: its adopter goes on. */
static int kept_take_over(struct kept *app, int *adopter, const struct ucred *peer,
			  const struct handover *message, int fds[PACKET_FDS_MAX])
{
	int err, i;

	for (i = 0; i < HANDOVER_KEPT_COUNT; i++)
		app->fds[i] = TAKE_FD(fds[i]);
	/* an adopter is root's */
	if (peer->uid != 0)
		return -EPERM;
	app->id = message->id;
	app->pid = message->pid;
	err = ledger_map(app->fds[HANDOVER_KEPT_LEDGER], &app->ledger);
	if (!err)
		err = loop_add(app->keeper->loop, &app->io, *adopter, EPOLLIN);
	if (err)
		return err;
	*adopter = -1;
	app->adopter = peer->pid;
	return 0;
}

static int keeper_take(struct keeper *keeper, int *socket, const struct handover *message,
		       int fds[PACKET_FDS_MAX])
{
	struct ucred peer = { .uid = (uid_t)-1 };
	socklen_t size = sizeof(peer);
	struct kept *app;
	int err;

	if (message->type != HANDOVER_WRAP && message->type != HANDOVER_KEEP)
		err = -EPROTO;
	else if (getsockopt(*socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		err = -errno;
	else
		err = keeper->count < KEEPER_APPS_MAX ? 0 : -EUSERS;
	app = err ? NULL : kept_new(keeper, message);
	if (!app) {
		packet_drop_fds(fds);
		return err ? err : -ENOMEM;
	}
	if (message->type == HANDOVER_KEEP)
		err = kept_take_over(app, socket, &peer, message, fds);
	else
		err = kept_wrap(app, *socket, &peer, fds[0]);
	if (err)
		kept_end(app);
	else
		log_line(LOG_INFO, "%s (pid %d) is wrapped", app->name, (int)app->pid);
	return err;
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
	if (fd >= 0)
		close(fd);
	keeper->greeting_count--;
	loop_discard(keeper->loop, &greeting->garbage);
}

static void greeting_expired(struct loop_timeout *timeout)
{
	greeting_end(CONTAINER_OF(timeout, struct greeting, timeout));
}

static void greeting_ready(struct loop_io *io, uint32_t events)
{
	struct greeting *greeting = CONTAINER_OF(io, struct greeting, io);
	struct keeper *keeper = greeting->keeper;
	struct handover message, answer = { .type = HANDOVER_WRAPPED };
	int fds[PACKET_FDS_MAX];
	int err;

	(void)events;
	err = handover_receive(io->fd, HANDOVER_AT_KEEPER, &message, fds);
	if (err == -EAGAIN)
		return;
	_cleanup_fd_ int socket = io->fd;

	loop_remove(keeper->loop, io);
	greeting_end(greeting);
	if (err)
		return;
	if (message.type == HANDOVER_FETCH) {
		holder_meet(keeper->holder, TAKE_FD(socket));
		return;
	}
	/* its adopter answers exec, when the daemon has answered that */
	answer.error = keeper_take(keeper, &socket, &message, fds);
	if (answer.error && message.type == HANDOVER_WRAP)
		handover_send(socket, &answer, NULL, 0);
}

static void keeper_accept(struct loop_io *io, uint32_t events)
{
	struct keeper *keeper = CONTAINER_OF(io, struct keeper, socket);
	_cleanup_fd_ int fd = accept4(io->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct greeting *greeting;

	(void)events;
	if (fd < 0 || keeper->greeting_count >= KEEPER_GREETINGS_MAX)
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
	keeper->greeting_count++;
	loop_timeout_start(keeper->loop, &keeper->greetings, &greeting->timeout);
}

static void keeper_signalled(struct loop_io *io, uint32_t events)
{
	struct keeper *keeper = CONTAINER_OF(io, struct keeper, signals);
	struct signalfd_siginfo info;

	(void)events;
	while (read(io->fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo != SIGCHLD)
			loop_stop(keeper->loop);
		/* that an adopter has ended is said by its socket */
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}

static void keeper_round(struct loop_timeout *timeout)
{
	struct keeper *keeper = CONTAINER_OF(timeout, struct keeper, round);
	struct kept *app;

	sd_notify(0, "WATCHDOG=1");
	carrier_keep_round(keeper->carriers);
	LIST_FOREACH(app, &keeper->apps, entry) {
		if (!app->adopter) {
			kept_start(app, -1);
		} else if (!beat_is_fresh(&app->ledger->beat, KEEPER_HANG_NS)) {
			log_line(LOG_ERR, "the adopter of %s (pid %d) hangs, and is ended",
				 app->name, (int)app->adopter);
			kill(app->adopter, SIGKILL);
		}
	}
	loop_timeout_start(keeper->loop, &keeper->rounds, timeout);
}

static int keeper_listen(struct keeper *keeper, gid_t group)
{
	_cleanup_fd_ int probe = -1;
	_cleanup_fd_ int fd = -1;
	int err;

	if (mkdir(keeper->run_path, 0755) == 0)
		chmod(keeper->run_path, 0755); /* whatever the umask says */
	probe = handover_connect(keeper->run_path, HANDOVER_KEEPER);
	if (probe >= 0 || probe == -EAGAIN)
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

static int keeper_start(struct keeper *keeper, const struct keeper_setup *setup)
{
	static const int signals[] = { SIGCHLD, SIGTERM, SIGINT };
	int err;

	signal(SIGHUP, SIG_IGN);
	err = loop_new(&keeper->loop);
	if (!err)
		err = loop_add_signals(keeper->loop, &keeper->signals, signals,
				       sizeof(signals) / sizeof(signals[0]));
	if (err)
		return err;
	keeper->rounds = (struct loop_timeouts){ .duration = LOOP_SECOND, .expired = keeper_round };
	keeper->greetings = (struct loop_timeouts){ .duration = KEEPER_WAIT_NS,
						    .expired = greeting_expired };
	loop_timeouts_add(keeper->loop, &keeper->rounds);
	loop_timeouts_add(keeper->loop, &keeper->greetings);
	loop_timeout_start(keeper->loop, &keeper->rounds, &keeper->round);
	keeper->holder = holder_new(keeper->loop);
	if (!keeper->holder)
		return -ENOMEM;
	err = keeper_listen(keeper, setup->group);
	if (err || !setup->carries)
		return err;
	return carrier_keep_start(keeper->loop, setup->run_path, setup->carrier_uid,
				  setup->carrier_gid, &keeper->carriers);
}

static void keeper_close(struct keeper *keeper, struct loop_io *io)
{
	int fd = io->fd;

	if (fd < 0)
		return;
	loop_remove(keeper->loop, io);
	close(fd);
}

/* The apps are their adopters' from then on, and those seek the next keeper. */
static void keeper_stop(struct keeper *keeper)
{
	struct loop_timeout *greeting;

	if (!keeper->loop)
		return;
	while ((greeting = TAILQ_FIRST(&keeper->greetings.waiting)))
		greeting_expired(greeting);
	while (!LIST_EMPTY(&keeper->apps))
		kept_end(LIST_FIRST(&keeper->apps));
	holder_free(keeper->holder);
	carrier_keep_stop(keeper->carriers);
	keeper_close(keeper, &keeper->socket);
	keeper_close(keeper, &keeper->signals);
	loop_free(keeper->loop);
}

int keeper_run(const struct keeper_setup *setup)
{
	struct keeper keeper = {
		.run_path = setup->run_path,
		.socket.fd = -1,
		.signals = { -1, keeper_signalled },
	};
	int err;

	LIST_INIT(&keeper.apps);
	TAILQ_INIT(&keeper.greetings.waiting);
	err = keeper_start(&keeper, setup);
	if (err) {
		log_line(LOG_ERR, "%s/" HANDOVER_KEEPER ": %s", setup->run_path, strerror(-err));
	} else {
		sd_notify(0, "READY=1");
		err = loop_run(keeper.loop);
	}
	keeper_stop(&keeper);
	return err;
}
