// SPDX-License-Identifier: Apache-2.0
#include "userspace/handover.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "policy/text.h"
#include "userspace/fd.h"

#define HANDOVER_BACKLOG 64

static const struct handover_form {
	enum handover_side to;
	size_t fds;
} handover_forms[] = {
	[HANDOVER_WRAP] = { HANDOVER_AT_KEEPER, 1 },
	[HANDOVER_WRAPPED] = { HANDOVER_AT_EXEC, 0 },
	[HANDOVER_KEEP] = { HANDOVER_AT_KEEPER, HANDOVER_KEPT_COUNT },
	[HANDOVER_KEEP_MAPS] = { HANDOVER_AT_KEEPER, HANDOVER_MAP_COUNT },
	[HANDOVER_FETCH] = { HANDOVER_AT_KEEPER, 0 },
	[HANDOVER_FETCHED] = { HANDOVER_AT_KEEPERS_MAIN, 1 },
	[HANDOVER_FETCHED_ALL] = { HANDOVER_AT_KEEPERS_MAIN, 0 },
	[HANDOVER_LISTENER] = { HANDOVER_AT_KEEPER, 1 },
	[HANDOVER_RELEASE] = { HANDOVER_AT_KEEPER, 0 },
	[HANDOVER_HELLO] = { HANDOVER_AT_MAIN, 0 },
	[HANDOVER_LISTENS] = { HANDOVER_AT_MAIN, 0 },
	[HANDOVER_CLOSED] = { HANDOVER_AT_MAIN, 0 },
	[HANDOVER_TAKEN] = { HANDOVER_AT_MAIN, 0 },
	[HANDOVER_RETURNED] = { HANDOVER_AT_MAIN, 0 },
	[HANDOVER_CONNECT] = { HANDOVER_AT_MAIN, 0 },
	[HANDOVER_CANCEL] = { HANDOVER_AT_MAIN, 0 },
	[HANDOVER_MAPS] = { HANDOVER_AT_ADOPTER, HANDOVER_MAP_COUNT },
	[HANDOVER_CLIENT] = { HANDOVER_AT_ADOPTER, 1 },
	[HANDOVER_SEEK] = { HANDOVER_AT_KEEPERS_CARRIERS, 0 },
	[HANDOVER_FOUND] = { HANDOVER_AT_CARRIER_OF_KEEPER, 1 },
	[HANDOVER_CARRIER] = { HANDOVER_AT_CARRIERS_MAIN, 0 },
	[HANDOVER_CARRIES] = { HANDOVER_AT_CARRIERS_MAIN, 0 },
	[HANDOVER_ENDED] = { HANDOVER_AT_CARRIERS_MAIN, 0 },
	[HANDOVER_CARRY] = { HANDOVER_AT_CARRIER, 2 },
	[HANDOVER_CONNECTED] = { HANDOVER_AT_ADOPTER, 1 },
	[HANDOVER_UNCONNECTED] = { HANDOVER_AT_ADOPTER, 0 },
};
_Static_assert(sizeof(handover_forms) / sizeof(handover_forms[0]) == HANDOVER_TYPE_COUNT,
	       "every type has a form");

int handover_send(int socket, const struct handover *message, const int *fds, size_t fd_count)
{
	if (fd_count != handover_forms[message->type].fds)
		return -EINVAL;
	return packet_send(socket, message, sizeof(*message), fds, fd_count);
}

static bool handover_body_is_sound(const struct handover *message)
{
	switch (message->type) {
	case HANDOVER_CARRIES:
		return message->load.retires <= 1;
	case HANDOVER_ENDED:
		return text_is_printable(message->end.why, sizeof(message->end.why));
	case HANDOVER_CARRY:
		return carry_is_sound(&message->carry);
	default:
		return text_is_printable(message->name, sizeof(message->name));
	}
}

static bool handover_sound(const struct handover *message, size_t size, size_t fd_count,
			   enum handover_side side)
{
	if (size != sizeof(*message) || message->type >= HANDOVER_TYPE_COUNT)
		return false;
	/* a bool of another value than its two is none: read as a byte */
	if (*(const unsigned char *)&message->v6only > 1)
		return false;
	return handover_forms[message->type].to == side &&
	       handover_forms[message->type].fds == fd_count && message->error <= 0 &&
	       handover_body_is_sound(message);
}

int handover_receive(int socket, enum handover_side side, struct handover *message,
		     int fds[PACKET_FDS_MAX])
{
	size_t size, fd_count;
	int err;

	err = packet_receive(socket, message, sizeof(*message), &size, fds, &fd_count);
	if (err)
		return err;
	if (handover_sound(message, size, fd_count, side))
		return 0;
	packet_drop_fds(fds);
	return -EBADMSG;
}

static int handover_socket(const char *run_path, const char *name, struct sockaddr_un *address)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if ((size_t)snprintf(address->sun_path, sizeof(address->sun_path), "%s/%s", run_path,
			     name) >= sizeof(address->sun_path))
		return -ENAMETOOLONG;
	return socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

int handover_connect(const char *run_path, const char *name)
{
	struct sockaddr_un address;
	_cleanup_fd_ int fd = handover_socket(run_path, name, &address);

	if (fd == -ENAMETOOLONG)
		return fd;
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return TAKE_FD(fd);
}

int handover_listen(const char *run_path, const char *name, unsigned int mode, unsigned int gid)
{
	struct sockaddr_un address;
	_cleanup_fd_ int fd = handover_socket(run_path, name, &address);
	mode_t mask;
	int err;

	if (fd == -ENAMETOOLONG)
		return fd;
	if (fd < 0)
		return -errno;
	unlink(address.sun_path);
	mask = umask(0177);
	err = bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	umask(mask);
	if (err)
		return err;
	if (chown(address.sun_path, 0, gid) < 0 || chmod(address.sun_path, mode) < 0 ||
	    listen(fd, HANDOVER_BACKLOG) < 0)
		return -errno;
	return TAKE_FD(fd);
}
