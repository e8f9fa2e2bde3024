// SPDX-License-Identifier: Apache-2.0
/*
 * A stand-in for the keeper, for one app.
 *
 *	fake_keeper RUN_PATH ok|hold|silent|hangup|nonsense|deaf|-ERRNO
 *
 * Writes what it sees, a line each: "ready", "wrap NAME", "call NAME" for each notification,
 * which it lets go on (hold: but accept and accept4), and "gone" when no process is under the
 * filter any more.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "userspace/fd.h"
#include "userspace/handover.h"

static int die(const char *what)
{
	perror(what);
	return 1;
}

/* a queue with room for one, which is in it: whoever comes next waits */
static int be_deaf(int listener, const char *run_path)
{
	if (listen(listener, 0) < 0 || handover_connect(run_path, HANDOVER_KEEPER) < 0)
		return die("deaf");
	puts("ready");
	pause();
	return 0;
}

static const char *call_name(int nr)
{
	switch (nr) {
	case SYS_accept:
		return "accept";
	case SYS_accept4:
		return "accept4";
	case SYS_bind:
		return "bind";
	case SYS_connect:
		return "connect";
	case SYS_listen:
		return "listen";
	default:
		return "another";
	}
}

static int let_go_on(int notify, bool hold)
{
	struct pollfd poll_notify = { .fd = notify, .events = POLLIN };
	struct seccomp_notif call;
	struct seccomp_notif_resp answer;

	for (;;) {
		if (poll(&poll_notify, 1, -1) < 0)
			return die("poll");
		if (!(poll_notify.revents & POLLIN))
			break;
		memset(&call, 0, sizeof(call));
		if (ioctl(notify, SECCOMP_IOCTL_NOTIF_RECV, &call) < 0) {
			if (errno == ENOENT || errno == EINTR)
				continue;
			return die("SECCOMP_IOCTL_NOTIF_RECV");
		}
		printf("call %s\n", call_name(call.data.nr));
		if (hold && (call.data.nr == SYS_accept || call.data.nr == SYS_accept4))
			continue;
		answer = (struct seccomp_notif_resp){
			.id = call.id,
			.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE,
		};
		if (ioctl(notify, SECCOMP_IOCTL_NOTIF_SEND, &answer) < 0 && errno != ENOENT)
			return die("SECCOMP_IOCTL_NOTIF_SEND");
	}
	puts("gone");
	return 0;
}

static int serve(int app, const char *behaviour)
{
	struct handover wrap, answer = { .type = HANDOVER_WRAPPED };
	struct pollfd poll_app = { .fd = app, .events = POLLIN };
	int fds[PACKET_FDS_MAX];
	int err;

	if (poll(&poll_app, 1, -1) < 0)
		return die("poll");
	err = handover_receive(app, HANDOVER_AT_KEEPER, &wrap, fds);
	if (err == -EPIPE) {
		puts("nothing");
		return 0;
	}
	if (err) {
		errno = -err;
		return die("handover_receive");
	}
	printf("wrap %s\n", wrap.name);
	if (!strcmp(behaviour, "hangup"))
		return 0;
	if (!strcmp(behaviour, "nonsense"))
		return send(app, "?", 1, 0) == 1 ? let_go_on(fds[0], false) : die("send");
	answer.error = atoi(behaviour);
	if (strcmp(behaviour, "silent"))
		handover_send(app, &answer, NULL, 0);
	return let_go_on(fds[0], !strcmp(behaviour, "hold"));
}

int main(int argc, char **argv)
{
	_cleanup_fd_ int listener = -1, app = -1;

	if (argc != 3)
		return 2;
	setlinebuf(stdout);
	listener = handover_listen(argv[1], HANDOVER_KEEPER, 0660, 0);
	if (listener < 0) {
		errno = -listener;
		return die("handover_listen");
	}
	if (!strcmp(argv[2], "deaf"))
		return be_deaf(listener, argv[1]);
	puts("ready");
	fcntl(listener, F_SETFL, 0);
	app = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	return app < 0 ? die("accept4") : serve(app, argv[2]);
}
