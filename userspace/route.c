// SPDX-License-Identifier: Apache-2.0
#include "userspace/route.h"

#include <errno.h>
#include <sys/socket.h>

#include "userspace/fd.h"

int route_source(const struct endpoint *to, struct endpoint *source)
{
	struct sockaddr_storage ss;
	socklen_t len = endpoint_sockaddr(to, &ss);
	_cleanup_fd_ int fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0)
		return -errno;
	/* a datagram socket's connect() looks the route up and sends nothing: udp(7) */
	if (connect(fd, (struct sockaddr *)&ss, len) < 0)
		return -errno;
	err = endpoint_local(fd, source);
	source->port = 0;
	return err;
}
