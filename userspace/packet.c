// SPDX-License-Identifier: Apache-2.0
#include "userspace/packet.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int packet_send(int socket, const void *bytes, size_t size, const int *fds, size_t fd_count)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(PACKET_FDS_MAX * sizeof(int))] = { 0 };
	struct iovec iov = { .iov_base = (void *)bytes, .iov_len = size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg;
	ssize_t n;

	if (fd_count > PACKET_FDS_MAX)
		return -EINVAL;
	if (fd_count) {
		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, fd_count * sizeof(int));
	}
	do
		n = sendmsg(socket, &msg, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

static size_t packet_take_fds(struct msghdr *msg, int fds[PACKET_FDS_MAX])
{
	struct cmsghdr *cmsg;
	size_t count = 0;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		/* the control buffer has room for PACKET_FDS_MAX and no more */
		count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(cmsg), count * sizeof(int));
	}
	return count;
}

int packet_receive(int socket, void *bytes, size_t max, size_t *size, int fds[PACKET_FDS_MAX],
		   size_t *fd_count)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(PACKET_FDS_MAX * sizeof(int))];
	struct iovec iov = { .iov_base = bytes, .iov_len = max };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n;
	int i;

	for (i = 0; i < PACKET_FDS_MAX; i++)
		fds[i] = -1;
	/*
	 * ECONNRESET is said once, when the other side ended with something unread: what it had
	 * sent before is still there (net/unix/af_unix.c, unix_release_sock)
	 */
	do
		n = recvmsg(socket, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	if (n < 0)
		return -errno;
	*fd_count = packet_take_fds(&msg, fds);
	if (n > 0 && !(msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
		*size = (size_t)n;
		return 0;
	}
	/* an empty packet may carry descriptors too, and is no end that one of ours makes */
	packet_drop_fds(fds);
	return n == 0 ? -EPIPE : -EBADMSG;
}

void packet_drop_fds(int fds[PACKET_FDS_MAX])
{
	int i;

	for (i = 0; i < PACKET_FDS_MAX; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}
