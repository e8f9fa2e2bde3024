// SPDX-License-Identifier: Apache-2.0
#include "userspace/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int notify_check_size(void)
{
	struct seccomp_notif_sizes sizes;

	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
		return -errno;
	return sizes.seccomp_notif > NOTIFY_ROOM ? -EOVERFLOW : 0;
}

bool notify_is_one(int fd)
{
	const union notify none = { 0 };

	/* no call has that id, which only such a descriptor can tell */
	return !notify_is_valid(fd, &none) && errno == ENOENT;
}

bool notify_is_over(int notify_fd)
{
	struct pollfd filter = { .fd = notify_fd };

	return poll(&filter, 1, 0) == 1 && (filter.revents & POLLHUP);
}

int notify_receive(int notify_fd, union notify *out)
{
	/* the kernel wants it zeroed: kernel/seccomp.c, seccomp_notify_recv */
	memset(out, 0, sizeof(*out));
	if (ioctl(notify_fd, SECCOMP_IOCTL_NOTIF_RECV, out) < 0) {
		memset(out, 0, sizeof(*out));
		return -errno;
	}
	return 0;
}

bool notify_is_valid(int notify_fd, const union notify *notify)
{
	return ioctl(notify_fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &notify->call.id) == 0;
}

static int notify_answer(int notify_fd, const union notify *notify, int err, unsigned int flags)
{
	struct seccomp_notif_resp answer = {
		.id = notify->call.id,
		.error = err,
		.flags = flags,
	};

	return ioctl(notify_fd, SECCOMP_IOCTL_NOTIF_SEND, &answer) < 0 ? -errno : 0;
}

int notify_continue(int notify_fd, const union notify *notify)
{
	return notify_answer(notify_fd, notify, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
}

int notify_fail(int notify_fd, const union notify *notify, int err)
{
	return notify_answer(notify_fd, notify, err, 0);
}

int notify_succeed(int notify_fd, const union notify *notify)
{
	return notify_answer(notify_fd, notify, 0, 0);
}

static int notify_add(int notify_fd, const struct seccomp_notif_addfd *add)
{
	return ioctl(notify_fd, SECCOMP_IOCTL_NOTIF_ADDFD, add) < 0 ? -errno : 0;
}

int notify_replace(int notify_fd, const union notify *notify, int fd, int number,
		   bool close_on_exec)
{
	const struct seccomp_notif_addfd add = {
		.id = notify->call.id,
		.flags = SECCOMP_ADDFD_FLAG_SETFD,
		.srcfd = (unsigned int)fd,
		.newfd = (unsigned int)number,
		.newfd_flags = close_on_exec ? O_CLOEXEC : 0,
	};

	return notify_add(notify_fd, &add);
}

int notify_give(int notify_fd, const union notify *notify, int fd, bool close_on_exec)
{
	const struct seccomp_notif_addfd add = {
		.id = notify->call.id,
		.flags = SECCOMP_ADDFD_FLAG_SEND,
		.srcfd = (unsigned int)fd,
		.newfd_flags = close_on_exec ? O_CLOEXEC : 0,
	};

	return notify_add(notify_fd, &add);
}
