// SPDX-License-Identifier: Apache-2.0
#include "userspace/ending_watch.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "userspace/agent.h"
#include "userspace/log.h"

struct ending_watch {
	struct agent *agent;
	struct loop_io io;
	struct ring_buffer *ring;
};

static int ending_take(void *arg, void *bytes, size_t size)
{
	const struct ending_watch *watch = arg;

	if (size == sizeof(struct ending))
		monitor_ended(watch->agent, bytes);
	return 0;
}

static void ending_ready(struct loop_io *io, uint32_t events)
{
	struct ending_watch *watch = CONTAINER_OF(io, struct ending_watch, io);
	int err = ring_buffer__consume(watch->ring);

	(void)events;
	if (err < 0)
		log_line(LOG_ERR, "the ends of sessions: %s", strerror(-err));
}

int ending_watch_start(struct agent *agent, struct ending_watch **out)
{
	struct ending_watch *watch = calloc(1, sizeof(*watch));
	int err;

	if (!watch)
		return -ENOMEM;
	watch->agent = agent;
	watch->io = (struct loop_io){ -1, ending_ready };
	watch->ring = dataplane_endings(agent->dataplane, ending_take, watch);
	err = watch->ring ? loop_add(agent->loop, &watch->io, ring_buffer__epoll_fd(watch->ring),
				     EPOLLIN) :
			    -errno;
	if (err) {
		ring_buffer__free(watch->ring);
		free(watch);
		return err;
	}
	*out = watch;
	ending_ready(&watch->io, EPOLLIN);
	return 0;
}

void ending_watch_stop(struct ending_watch *watch)
{
	if (!watch)
		return;
	loop_remove(watch->agent->loop, &watch->io);
	ring_buffer__free(watch->ring);
	free(watch);
}
