// SPDX-License-Identifier: Apache-2.0
#include "userspace/route_watch.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "userspace/fd.h"
#include "userspace/log.h"
#include "userspace/netns.h"

#define WATCH_WAIT (LOOP_SECOND / 5)

struct route_watch_io {
	struct loop_io io;
	struct route_watch *watch;
};

static void watch_settled(struct loop_timeout *timeout)
{
	struct route_watch *watch = CONTAINER_OF(timeout, struct route_watch, wait);
	int err;

	watch->waiting = false;
	err = dataplane_refresh_sources(watch->agent->dataplane, watch->agent->config);
	if (err)
		log_line(LOG_ERR, "the sources of outbound connections cannot be looked up: %s",
			 strerror(-err));
}

static void watch_ready(struct loop_io *io, uint32_t events)
{
	struct route_watch *watch = CONTAINER_OF(io, struct route_watch_io, io)->watch;
	char waste[8192];
	ssize_t n;

	(void)events;
	/* what has changed is not looked at, nor what was lost (ENOBUFS): all is asked anew */
	do
		n = recv(io->fd, waste, sizeof(waste), MSG_DONTWAIT);
	while (n > 0 || (n < 0 && (errno == ENOBUFS || errno == EINTR)));
	if (watch->waiting)
		return;
	watch->waiting = true;
	loop_timeout_start(watch->agent->loop, &watch->waits, &watch->wait);
}

/* A socket on which the caller's namespace tells of its routes and addresses: rtnetlink(7). */
static int watch_open(void)
{
	struct sockaddr_nl address = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE | RTMGRP_IPV4_IFADDR |
			     RTMGRP_IPV6_IFADDR,
	};
	_cleanup_fd_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC,
				     NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static int watch_namespace(struct route_watch *watch, uint32_t netns)
{
	const struct config *config = watch->agent->config;
	struct route_watch_io *io = &watch->ios[watch->io_count];
	int back, fd, err;

	err = netns_enter(config->namespaces[netns].path, &back);
	if (err)
		return err;
	fd = watch_open();
	netns_leave(back);
	if (fd < 0)
		return fd;
	*io = (struct route_watch_io){ { -1, watch_ready }, watch };
	err = loop_add(watch->agent->loop, &io->io, fd, EPOLLIN);
	if (err)
		close(fd);
	else
		watch->io_count++;
	return err;
}

static bool watch_has_outbound(const struct config *config, uint32_t netns)
{
	size_t i;

	for (i = 0; i < config->line_count; i++)
		if (config->lines[i].netns == netns &&
		    config->lines[i].direction == DIRECTION_OUTBOUND)
			return true;
	return false;
}

int route_watch_start(struct route_watch *watch, struct agent *agent)
{
	const struct config *config = agent->config;
	uint32_t i;
	int err = 0;

	*watch = (struct route_watch){
		.agent = agent,
		.waits = { .duration = WATCH_WAIT, .expired = watch_settled },
	};
	watch->ios = calloc(config->namespace_count, sizeof(*watch->ios));
	if (!watch->ios)
		return -ENOMEM;
	loop_timeouts_add(agent->loop, &watch->waits);
	for (i = 0; !err && i < config->namespace_count; i++)
		if (watch_has_outbound(config, i))
			err = watch_namespace(watch, i);
	return err;
}

void route_watch_stop(struct route_watch *watch)
{
	size_t i;
	int fd;

	for (i = 0; i < watch->io_count; i++) {
		fd = watch->ios[i].io.fd;
		loop_remove(watch->agent->loop, &watch->ios[i].io);
		close(fd);
	}
	free(watch->ios);
	watch->ios = NULL;
	watch->io_count = 0;
}
