// SPDX-License-Identifier: Apache-2.0
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "userspace/adopter.h"
#include "userspace/fd.h"

struct bell {
	LIST_ENTRY(bell) entry;
	struct adopter *adopter;
	struct place *place;
	struct loop_io io;
	struct loop_garbage garbage;
	struct endpoint source;
	struct relay_key key; /* of its entry in the kernel */
	int taken; /* its other end, that the app did not get; -1 */
};

static void bell_release(struct loop_garbage *garbage)
{
	free(CONTAINER_OF(garbage, struct bell, garbage));
}

static void bell_end(struct bell *bell)
{
	int fd = bell->io.fd;

	LIST_REMOVE(bell, entry);
	/* one that came through has used it up; of another one it would let somebody else through */
	bpf_map_delete_elem(bell->adopter->maps[HANDOVER_MAP_RELAYS], &bell->key);
	loop_remove(bell->adopter->loop, &bell->io);
	close(fd);
	if (bell->taken < 0)
		bell->place->bell_count--;
	else
		close(bell->taken);
	loop_discard(bell->adopter->loop, &bell->garbage);
}

/* Nobody listens any more, or the listener was closed with the bell in its queue. */
static void bell_ready(struct loop_io *io, uint32_t events)
{
	struct bell *bell = CONTAINER_OF(io, struct bell, io);
	struct adopter *adopter = bell->adopter;
	struct place *place = bell->place;
	socklen_t size = sizeof(int);
	int err = 0;

	(void)events;
	getsockopt(io->fd, SOL_SOCKET, SO_ERROR, &err, &size);
	bell_end(bell);
	/* the next one is the tick's: here it would be rung as fast as it is refused */
	place_lost_bell(adopter, place, -err);
}

/* A socket that is bound to the address that it will dial. */
static int bell_bind(const struct place *place)
{
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	struct endpoint from = place->at;
	struct sockaddr_storage ss;
	_cleanup_fd_ int fd = -1;
	socklen_t len;

	from.port = 0;
	len = endpoint_sockaddr(&from, &ss);
	fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&ss, len) < 0)
		return -errno;
	/* closed, it is gone: no TIME-WAIT of each */
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	return TAKE_FD(fd);
}

/* One with an entry in the kernel: the steering lets exactly this connection through to the app. */
static int bell_prepare(const struct adopter *adopter, struct place *place,
			struct endpoint *source, struct relay_key *key)
{
	struct origin origin = { .worker = LW_WORKER_BELL };
	_cleanup_fd_ int fd = place->spare >= 0 ? TAKE_FD(place->spare) : bell_bind(place);
	int err;

	err = fd < 0 ? fd : endpoint_local(fd, source);
	memset(key, 0, sizeof(*key));
	if (!err)
		err = listener_netns(adopter, &key->netns);
	if (err)
		return err;
	key->netns = LW_NETNS_INDEX(key->netns);
	memcpy(key->addr, source->addr, sizeof(key->addr));
	key->sport = source->port;
	key->dport = place->at.port;
	memcpy(origin.addr, source->addr, sizeof(origin.addr));
	origin.port = source->port;
	err = bpf_map_update_elem(adopter->maps[HANDOVER_MAP_RELAYS], key, &origin, BPF_ANY);
	return err ? err : TAKE_FD(fd);
}

int bell_ring(struct adopter *adopter, struct place *place)
{
	struct bell *bell = calloc(1, sizeof(*bell));
	struct sockaddr_storage ss;
	_cleanup_fd_ int fd = -1;
	socklen_t len;
	int err;

	if (!bell)
		return -ENOMEM;
	*bell = (struct bell){ .adopter = adopter, .place = place, .io = { -1, bell_ready },
			      .taken = -1 };
	bell->garbage.release = bell_release;
	err = fd = bell_prepare(adopter, place, &bell->source, &bell->key);
	if (fd < 0) {
		free(bell);
		return err;
	}
	/* known before it can be met in the app's queue */
	LIST_INSERT_HEAD(&place->bells, bell, entry);
	place->bell_count++;
	len = endpoint_sockaddr(&place->at, &ss);
	/* that nobody listens is heard of later, even here: bell_ready() */
	err = connect(fd, (struct sockaddr *)&ss, len) < 0 && errno != EINPROGRESS ? -errno : 0;
	if (!err)
		err = loop_add(adopter->loop, &bell->io, fd, EPOLLRDHUP);
	if (!err) {
		TAKE_FD(fd);
		return 0;
	}
	bpf_map_delete_elem(adopter->maps[HANDOVER_MAP_RELAYS], &bell->key);
	LIST_REMOVE(bell, entry);
	place->bell_count--;
	free(bell);
	return err;
}

/* Out of the place's list; what it takes to close it is nothing that the app should wait for. */
static void bell_take(struct bell *bell, int fd)
{
	LIST_REMOVE(bell, entry);
	bell->place->bell_count--;
	bell->taken = fd;
	LIST_INSERT_HEAD(&bell->adopter->taken, bell, entry);
}

void bell_close_taken(struct adopter *adopter)
{
	/* their places may have gone */
	while (!LIST_EMPTY(&adopter->taken))
		bell_end(LIST_FIRST(&adopter->taken));
}

bool bell_is_one(struct adopter *adopter, int fd, const struct endpoint *from,
		 struct place **place)
{
	struct origin origin;
	struct bell *bell;

	*place = NULL;
	LIST_FOREACH(*place, &adopter->places, entry) {
		LIST_FOREACH(bell, &(*place)->bells, entry) {
			if (bell->source.port != from->port ||
			    memcmp(bell->source.addr, from->addr, sizeof(from->addr)))
				continue;
			bell_take(bell, fd);
			return true;
		}
	}
	if (bpf_map_lookup_elem(adopter->maps[HANDOVER_MAP_ORIGINS], &fd, &origin) < 0 ||
	    origin.worker != LW_WORKER_BELL)
		return false;
	close(fd);
	return true;
}

void bell_spare(struct place *place)
{
	if (place->rung && place->spare < 0)
		place->spare = bell_bind(place);
}

bool bell_is_in_queue(const struct place *place)
{
	const struct bell *bell;
	struct endpoint peer;

	/* a connection that is not there yet has no peer: getpeername(2), ENOTCONN */
	LIST_FOREACH(bell, &place->bells, entry)
		if (endpoint_peer(bell->io.fd, &peer) == 0)
			return true;
	return false;
}

void bell_silence(struct place *place)
{
	while (!LIST_EMPTY(&place->bells))
		bell_end(LIST_FIRST(&place->bells));
	if (place->spare >= 0)
		close(TAKE_FD(place->spare));
}
