// SPDX-License-Identifier: Apache-2.0
#include "userspace/carrier_keep.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "userspace/carrier.h"
#include "userspace/child.h"
#include "userspace/fd.h"
#include "userspace/handover.h"
#include "userspace/log.h"

#define CARRIERS_MAX 64
#define CARRIER_HANG_NS (10 * LOOP_SECOND) /* of one that does nothing */
#define CARRIER_MESSAGES 64 /* one's turn */
#define CARRIER_SEEK_NS (LOOP_SECOND / 10) /* between two attempts to find a main process */

struct kept_carrier {
	struct carrier_keep *keep;
	struct loop_io io; /* not in the loop while there is none */
	struct loop_timeout seek; /* waiting: it has no main process */
	struct beat *beat;
	pid_t pid;
	uint64_t started, sought; /* loop_now(); sought: of the last attempt */
};

struct carrier_keep {
	struct loop *loop;
	const char *run_path;
	uid_t uid;
	gid_t gid;
	struct loop_timeouts seeks;
	struct beat *beats; /* shared with them */
	unsigned int count;
	struct kept_carrier carriers[CARRIERS_MAX];
};

/* In the child. */
static _Noreturn void kept_become_carrier(const struct kept_carrier *kept, int keeper)
{
	const struct carrier_setup setup = {
		.keeper = keeper,
		.beat = kept->beat,
		.uid = kept->keep->uid,
		.gid = kept->keep->gid,
	};
	const int fds[] = { keeper, STDERR_FILENO };
	int err;

	fd_close_others(fds, sizeof(fds) / sizeof(fds[0]));
	/* the keeper's end is not its sessions' */
	child_begin("lw-carrier");
	err = carrier_run(&setup);
	if (err)
		log_line(LOG_ERR, "a carrier: %s", strerror(-err));
	exit(err ? EXIT_FAILURE : EXIT_SUCCESS);
}

static int kept_start(struct kept_carrier *kept)
{
	int pair[2], err;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return -errno;
	_cleanup_fd_ int own = pair[0];
	_cleanup_fd_ int theirs = pair[1];
	pid_t pid;

	beat_give(kept->beat);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid)
		kept_become_carrier(kept, theirs);
	err = loop_add(kept->keep->loop, &kept->io, own, EPOLLIN);
	if (err) {
		kill(pid, SIGKILL);
		return err;
	}
	TAKE_FD(own);
	kept->pid = pid;
	kept->started = loop_now(kept->keep->loop);
	return 0;
}

static void kept_hang_up(struct kept_carrier *kept)
{
	int fd = kept->io.fd;

	loop_timeout_stop(&kept->keep->seeks, &kept->seek);
	if (fd < 0)
		return;
	loop_remove(kept->keep->loop, &kept->io);
	close(fd);
}

/* The main process hears of a carrier from the keeper alone: such a socket is for root. */
static int kept_find(struct kept_carrier *kept)
{
	const struct handover found = { .type = HANDOVER_FOUND };
	const struct handover hello = { .type = HANDOVER_CARRIER, .pid = kept->pid };
	_cleanup_fd_ int fd = handover_connect(kept->keep->run_path, HANDOVER_CARRY_SOCKET);
	int err;

	if (fd < 0)
		return fd;
	err = handover_send(fd, &hello, NULL, 0);
	return err ? err : handover_send(kept->io.fd, &found, &fd, 1);
}

static void kept_seek(struct loop_timeout *timeout)
{
	struct kept_carrier *kept = CONTAINER_OF(timeout, struct kept_carrier, seek);

	kept->sought = loop_now(kept->keep->loop);
	if (kept_find(kept) < 0)
		loop_timeout_start(kept->keep->loop, &kept->keep->seeks, timeout);
}

/* At once, but not as often as it may like to. */
static void kept_seek_soon(struct kept_carrier *kept)
{
	struct carrier_keep *keep = kept->keep;

	if (kept->seek.at)
		return;
	if (loop_now(keep->loop) - kept->sought >= CARRIER_SEEK_NS)
		kept_seek(&kept->seek);
	else
		loop_timeout_start(keep->loop, &keep->seeks, &kept->seek);
}

static void kept_ready(struct loop_io *io, uint32_t events)
{
	struct kept_carrier *kept = CONTAINER_OF(io, struct kept_carrier, io);
	struct handover message;
	int fds[PACKET_FDS_MAX], err = 0, i;
	bool seeks = false;

	(void)events;
	for (i = 0; !err && i < CARRIER_MESSAGES; i++) {
		err = handover_receive(io->fd, HANDOVER_AT_KEEPERS_CARRIERS, &message, fds);
		seeks |= !err;
	}
	if (!err || err == -EAGAIN) {
		if (seeks)
			kept_seek_soon(kept);
		return;
	}
	log_line(LOG_ERR, "carrier %d has ended, and its sessions with it", (int)kept->pid);
	kept_hang_up(kept);
	if (err != -EPIPE)
		kill(kept->pid, SIGKILL); /* it lives, and is not to be trusted */
	/* at once, unless it ends as soon as it starts: a round tries it then */
	if (loop_now(kept->keep->loop) - kept->started >= LOOP_SECOND)
		kept_start(kept);
}

void carrier_keep_round(struct carrier_keep *keep)
{
	struct kept_carrier *kept;
	unsigned int i;

	for (i = 0; keep && i < keep->count; i++) {
		kept = &keep->carriers[i];
		if (kept->io.fd < 0) {
			kept_start(kept);
		} else if (!beat_is_fresh(kept->beat, CARRIER_HANG_NS)) {
			log_line(LOG_ERR, "carrier %d hangs, and is ended", (int)kept->pid);
			kill(kept->pid, SIGKILL);
		}
	}
}

int carrier_keep_start(struct loop *loop, const char *run_path, uid_t uid, gid_t gid,
		       struct carrier_keep **out)
{
	struct carrier_keep *keep = calloc(1, sizeof(*keep));
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned int i;
	void *beats;
	int err;

	if (!keep)
		return -ENOMEM;
	beats = mmap(NULL, CARRIERS_MAX * sizeof(*keep->beats), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (beats == MAP_FAILED) {
		err = -errno;
		free(keep);
		return err;
	}
	keep->loop = loop;
	keep->run_path = run_path;
	keep->uid = uid;
	keep->gid = gid;
	keep->beats = beats;
	keep->seeks = (struct loop_timeouts){ .duration = CARRIER_SEEK_NS, .expired = kept_seek };
	loop_timeouts_add(loop, &keep->seeks);
	keep->count = cores < 1 ? 1 : cores > CARRIERS_MAX ? CARRIERS_MAX : (unsigned int)cores;
	for (i = 0; i < keep->count; i++)
		keep->carriers[i] = (struct kept_carrier){
			.keep = keep,
			.io = { -1, kept_ready },
			.beat = &keep->beats[i],
		};
	carrier_keep_round(keep);
	*out = keep;
	return 0;
}

void carrier_keep_stop(struct carrier_keep *keep)
{
	unsigned int i;

	if (!keep)
		return;
	for (i = 0; i < keep->count; i++)
		kept_hang_up(&keep->carriers[i]);
	munmap(keep->beats, CARRIERS_MAX * sizeof(*keep->beats));
	free(keep);
}
