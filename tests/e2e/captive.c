// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/captive.h"

#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/e2e/listener.h"
#include "userspace/fd.h"

#define DESCRIPTORS_MAX 64

static int take(pid_t pid, bool (*fits)(int fd, const char *client), const char *client)
{
	_cleanup_fd_ int process = (int)syscall(SYS_pidfd_open, pid, 0);

	for (int i = 0; i < DESCRIPTORS_MAX; i++) {
		_cleanup_fd_ int fd = (int)syscall(SYS_pidfd_getfd, process, i, 0);

		if (fd >= 0 && fits(fd, client))
			return TAKE_FD(fd);
	}
	return -1;
}

static bool has_option(int fd, int name, int wanted)
{
	socklen_t len = sizeof(int);
	int value;

	return getsockopt(fd, SOL_SOCKET, name, &value, &len) == 0 && value == wanted;
}

static bool is_channel(int fd, const char *client)
{
	(void)client;
	return has_option(fd, SO_DOMAIN, AF_UNIX) && has_option(fd, SO_TYPE, SOCK_SEQPACKET);
}

static bool is_of_client(int fd, const char *client)
{
	char name[LISTENER_NAME_MAX];

	return listener_peer_name(fd, name) == 0 && !strcmp(name, client);
}

int captive_channel(pid_t pid)
{
	return take(pid, is_channel, NULL);
}

int captive_socket(pid_t pid, const char *client)
{
	return take(pid, is_of_client, client);
}
