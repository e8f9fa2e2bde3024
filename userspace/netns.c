// SPDX-License-Identifier: Apache-2.0
#include "userspace/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "userspace/fd.h"
#include "userspace/log.h"

#define NETNS_OWN "/proc/self/ns/net"

int netns_enter(const char *path, int *back)
{
	_cleanup_fd_ int own = -1, target = -1;

	if (!path) {
		*back = -1;
		return 0;
	}
	own = open(NETNS_OWN, O_RDONLY | O_CLOEXEC);
	if (own < 0)
		return -errno;
	target = open(path, O_RDONLY | O_CLOEXEC);
	if (target < 0)
		return -errno;
	if (setns(target, CLONE_NEWNET) < 0)
		return -errno;
	*back = TAKE_FD(own);
	return 0;
}

void netns_leave(int back)
{
	if (back < 0)
		return;
	/* whatever it did next would be done in the wrong namespace */
	if (setns(back, CLONE_NEWNET) < 0) {
		log_line(LOG_CRIT, "the network namespace cannot be left: %s", strerror(errno));
		abort();
	}
	close(back);
}

int netns_cookie(uint64_t *out)
{
	_cleanup_fd_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(*out);

	if (fd < 0)
		return -errno;
	return getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, out, &len) < 0 ? -errno : 0;
}
