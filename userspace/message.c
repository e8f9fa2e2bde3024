// SPDX-License-Identifier: Apache-2.0
#include "userspace/message.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "policy/text.h"

#define MESSAGE_SHORT offsetof(struct message, record)

/* what goes with each type: anything else is no message */
static const struct message_form {
	size_t size;
	size_t fds_min, fds_max;
} message_forms[] = {
	[MESSAGE_RECORD] = { sizeof(struct message), 0, 0 },
	[MESSAGE_DEPART] = { MESSAGE_SHORT, 2, 2 },
	[MESSAGE_SESSION] = { sizeof(struct message), 2, 2 },
	[MESSAGE_RELAY] = { MESSAGE_SHORT, 2, 2 },
	[MESSAGE_FORGET] = { MESSAGE_SHORT, 1, 1 },
	[MESSAGE_END] = { MESSAGE_SHORT + sizeof(struct message_end), 0, 1 },
	[MESSAGE_ANSWER] = { MESSAGE_SHORT, 0, 0 },
};
_Static_assert(sizeof(message_forms) / sizeof(message_forms[0]) == MESSAGE_TYPE_COUNT,
	       "every type has a form");

static bool message_fds_fit(enum message_type type, size_t count)
{
	return count >= message_forms[type].fds_min && count <= message_forms[type].fds_max;
}

int message_send(int socket, const struct message *message, const int *fds, size_t fd_count)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(MESSAGE_FDS_MAX * sizeof(int))] = { 0 };
	struct iovec iov = {
		.iov_base = (void *)message,
		.iov_len = message_forms[message->type].size,
	};
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg;
	ssize_t n;

	if (!message_fds_fit(message->type, fd_count))
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

static size_t message_take_fds(struct msghdr *msg, int fds[MESSAGE_FDS_MAX])
{
	struct cmsghdr *cmsg;
	size_t count = 0;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		/* the control buffer has room for MESSAGE_FDS_MAX and no more */
		count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(cmsg), count * sizeof(int));
	}
	return count;
}

static bool message_sound(const struct message *message, size_t size, size_t fd_count)
{
	if (size < MESSAGE_SHORT || message->type >= MESSAGE_TYPE_COUNT)
		return false;
	if (size != message_forms[message->type].size || !message_fds_fit(message->type, fd_count))
		return false;
	switch (message->type) {
	case MESSAGE_RECORD:
	case MESSAGE_SESSION:
		return record_check(&message->record) == 0;
	case MESSAGE_END:
		return text_is_printable(message->end.why, sizeof(message->end.why));
	default:
		return true;
	}
}

int message_receive(int socket, struct message *message, int fds[MESSAGE_FDS_MAX])
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(MESSAGE_FDS_MAX * sizeof(int))];
	struct iovec iov = { .iov_base = message, .iov_len = sizeof(*message) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	size_t count, i;
	ssize_t n;

	for (i = 0; i < MESSAGE_FDS_MAX; i++)
		fds[i] = -1;
	do
		n = recvmsg(socket, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	/* an empty packet may carry descriptors too, and is no end that a worker of ours makes */
	count = message_take_fds(&msg, fds);
	if (!(msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) && message_sound(message, (size_t)n, count))
		return 0;
	for (i = 0; i < MESSAGE_FDS_MAX; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
	return n == 0 ? -EPIPE : -EBADMSG;
}
