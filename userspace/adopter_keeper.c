// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "userspace/adopter.h"
#include "userspace/fd.h"

/* It has nothing to say but that it is there. */
static void keeper_ready(struct loop_io *io, uint32_t events)
{
	struct adopter *adopter = CONTAINER_OF(io, struct adopter, keeper);
	int fd = io->fd;

	(void)events;
	loop_remove(adopter->loop, io);
	close(fd);
}

void adopter_keeper_tell_maps(struct adopter *adopter)
{
	const struct handover maps = { .type = HANDOVER_KEEP_MAPS };

	if (adopter->keeper.fd >= 0 && adopter->maps[0] >= 0)
		handover_send(adopter->keeper.fd, &maps, adopter->maps, HANDOVER_MAP_COUNT);
}

void adopter_keeper_seek(struct adopter *adopter)
{
	struct handover keep = {
		.type = HANDOVER_KEEP,
		.id = adopter->id,
		.pid = adopter->pid,
	};
	_cleanup_fd_ int fd = -1;

	if (adopter->keeper.fd >= 0)
		return;
	fd = handover_connect(adopter->run_path, HANDOVER_KEEPER);
	if (fd < 0)
		return;
	snprintf(keep.name, sizeof(keep.name), "%s", adopter->name);
	if (handover_send(fd, &keep, adopter->kept, HANDOVER_KEPT_COUNT) == 0 &&
	    loop_add(adopter->loop, &adopter->keeper, fd, EPOLLIN) == 0)
		TAKE_FD(fd);
	adopter_keeper_tell_maps(adopter);
}

int adopter_keeper_start(struct adopter *adopter, int keeper)
{
	adopter->keeper = (struct loop_io){ -1, keeper_ready };
	return loop_add(adopter->loop, &adopter->keeper, keeper, EPOLLIN);
}
