// SPDX-License-Identifier: Apache-2.0
#include "userspace/audience.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define AUDIENCE_MAX 8 /* of the clients that the control socket has room for */
#define AUDIENCE_ROOM (256 * 1024) /* bytes for each, beside the kernel's: some hundred records */
#define AUDIENCE_NOTICE 64 /* bytes of what is said of missed ones */

struct audience {
	struct loop *loop;
	struct audit *audit;
	LIST_HEAD(, hearer) hearers;
	unsigned int count;
};

struct hearer {
	LIST_ENTRY(hearer) entry;
	struct audience *audience;
	struct loop_io io;
	struct loop_garbage garbage;
	bool waits; /* for room in the socket */
	uint64_t missed; /* records, since it was last told */
	size_t at, end; /* of what is to be sent */
	char bytes[AUDIENCE_ROOM];
};

static void hearer_release(struct loop_garbage *garbage)
{
	free(CONTAINER_OF(garbage, struct hearer, garbage));
}

static void hearer_close(struct hearer *hearer)
{
	struct audience *audience = hearer->audience;
	int fd = hearer->io.fd;

	loop_remove(audience->loop, &hearer->io);
	close(fd);
	LIST_REMOVE(hearer, entry);
	audience->count--;
	loop_discard(audience->loop, &hearer->garbage);
}

/* 0: all was sent; -EAGAIN: the rest waits; else it is to go. */
static int hearer_send(struct hearer *hearer)
{
	ssize_t n;

	while (hearer->at < hearer->end) {
		n = send(hearer->io.fd, hearer->bytes + hearer->at, hearer->end - hearer->at,
			 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		hearer->at += (size_t)n;
	}
	hearer->at = hearer->end = 0;
	return 0;
}

/* Whole lines only. False: no room. */
static bool hearer_append(struct hearer *hearer, const char *text, size_t len)
{
	if (hearer->at) {
		memmove(hearer->bytes, hearer->bytes + hearer->at, hearer->end - hearer->at);
		hearer->end -= hearer->at;
		hearer->at = 0;
	}
	if (len > sizeof(hearer->bytes) - hearer->end)
		return false;
	memcpy(hearer->bytes + hearer->end, text, len);
	hearer->end += len;
	return true;
}

static void hearer_say_missed(struct hearer *hearer)
{
	char text[AUDIENCE_NOTICE];
	int len;

	if (!hearer->missed)
		return;
	len = snprintf(text, sizeof(text), "{\"event\":\"missed\",\"records\":%" PRIu64 "}\n",
		       hearer->missed);
	if (hearer_append(hearer, text, (size_t)len))
		hearer->missed = 0;
}

static void hearer_flush(struct hearer *hearer)
{
	int err = hearer_send(hearer);

	if (!err && hearer->missed) {
		hearer_say_missed(hearer);
		err = hearer_send(hearer);
	}
	if (err && err != -EAGAIN) {
		hearer_close(hearer);
		return;
	}
	if (hearer->waits == !!err)
		return;
	hearer->waits = err;
	loop_change(hearer->audience->loop, &hearer->io, err ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void hearer_hear(struct hearer *hearer, const char *line, size_t len)
{
	/* in their order: after a gap nothing before the gap is told */
	hearer_say_missed(hearer);
	if (hearer->missed || !hearer_append(hearer, line, len))
		hearer->missed++;
	hearer_flush(hearer);
}

static void hearer_ready(struct loop_io *io, uint32_t events)
{
	struct hearer *hearer = CONTAINER_OF(io, struct hearer, io);

	/* it has gone, or says something that nobody asked it for */
	if (events & ~(uint32_t)EPOLLOUT)
		hearer_close(hearer);
	else
		hearer_flush(hearer);
}

static void audience_hear(void *arg, const char *line, size_t len)
{
	struct audience *audience = arg;
	struct hearer *hearer, *next;

	for (hearer = LIST_FIRST(&audience->hearers); hearer; hearer = next) {
		next = LIST_NEXT(hearer, entry);
		hearer_hear(hearer, line, len);
	}
}

struct audience *audience_new(struct loop *loop, struct audit *audit)
{
	struct audience *audience = calloc(1, sizeof(*audience));

	if (!audience)
		return NULL;
	audience->loop = loop;
	audience->audit = audit;
	LIST_INIT(&audience->hearers);
	audit_listen(audit, audience_hear, audience);
	return audience;
}

int audience_admit(struct audience *audience, int fd)
{
	static const char greeting[] = "{\"event\":\"watching\"}\n";
	struct hearer *hearer;
	int err;

	if (audience->count >= AUDIENCE_MAX)
		return -EBUSY;
	hearer = malloc(sizeof(*hearer));
	if (!hearer)
		return -ENOMEM;
	hearer->audience = audience;
	hearer->io = (struct loop_io){ -1, hearer_ready };
	hearer->garbage.release = hearer_release;
	hearer->waits = false;
	hearer->missed = 0;
	hearer->at = hearer->end = 0;
	err = loop_add(audience->loop, &hearer->io, fd, EPOLLIN);
	if (err) {
		free(hearer);
		return err;
	}
	LIST_INSERT_HEAD(&audience->hearers, hearer, entry);
	audience->count++;
	hearer_append(hearer, greeting, sizeof(greeting) - 1);
	hearer_flush(hearer);
	return 0;
}

void audience_free(struct audience *audience)
{
	if (!audience)
		return;
	audit_listen(audience->audit, NULL, NULL);
	while (!LIST_EMPTY(&audience->hearers))
		hearer_close(LIST_FIRST(&audience->hearers));
	free(audience);
}
