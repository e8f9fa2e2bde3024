// SPDX-License-Identifier: Apache-2.0
#include "tests/peer/peer_wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/peer/address.h"

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

void wire_start_clock(struct peer *peer, int ms)
{
	int usual = getenv("LINEWARDEN_VM") ? 40000 : 10000;

	if (peer->options.timeout_ms)
		usual = peer->options.timeout_ms;
	peer->deadline = now_ms() + (ms ? ms : usual);
}

static int time_left(const struct peer *peer)
{
	long long left = peer->deadline - now_ms();

	return left > 0 ? (int)left : 0;
}

static void format_local(struct peer *peer)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);

	_Static_assert(sizeof(peer->result.local) == ADDRESS_MAX, "it takes an address");
	if (getsockname(peer->fd, (struct sockaddr *)&address, &size) == 0)
		address_format(&address, size, peer->result.local);
}

int wire_connect(struct peer *peer)
{
	struct sockaddr_storage address, source;
	socklen_t size, source_size = 0, error_size = sizeof(int);
	int one = 1, error = 0;

	if (address_parse(peer->options.address, &address, &size) < 0 ||
	    (peer->options.source &&
	     address_parse(peer->options.source, &source, &source_size) < 0))
		return -EINVAL;
	peer->fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (peer->fd < 0)
		return -errno;
	setsockopt(peer->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(peer->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (source_size && bind(peer->fd, (struct sockaddr *)&source, source_size) < 0)
		return -errno;
	if (connect(peer->fd, (struct sockaddr *)&address, size) < 0) {
		struct pollfd ready = { .fd = peer->fd, .events = POLLOUT };

		if (errno != EINPROGRESS)
			return -errno;
		if (poll(&ready, 1, time_left(peer)) <= 0)
			return -ETIMEDOUT;
		getsockopt(peer->fd, SOL_SOCKET, SO_ERROR, &error, &error_size);
		if (error)
			return -error;
	}
	peer->result.connected = true;
	format_local(peer);
	return 0;
}

/* the other side's TCP has ended; remembered once */
static int ended(struct peer *peer, enum peer_close how)
{
	if (peer->result.transport == PEER_OPEN)
		peer->result.transport = how;
	if (peer->result.close == PEER_OPEN)
		peer->result.close = how;
	return how == PEER_RST ? -ECONNRESET : -EPIPE;
}

static void keep_head(struct peer *peer, const unsigned char *data, size_t size)
{
	size_t room = sizeof(peer->head) - peer->head_size;

	if (size > room)
		size = room;
	memcpy(peer->head + peer->head_size, data, size);
	peer->head_size += size;
}

/* takes in what is there without waiting */
static int take_in(struct peer *peer)
{
	unsigned char data[65536];
	ssize_t n = recv(peer->fd, data, sizeof(data), 0);

	if (n == 0)
		return ended(peer, peer->reset ? PEER_RST : PEER_FIN);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : ended(peer, PEER_RST);
	keep_head(peer, data, (size_t)n);
	BIO_write(peer->in, data, (int)n);
	return 0;
}

/* sends as much of what waits as the socket takes */
static int put_out(struct peer *peer)
{
	char *data, sent[16384];
	long waiting;

	while ((waiting = BIO_get_mem_data(peer->out, &data)) > 0) {
		size_t size = waiting < (long)sizeof(sent) ? (size_t)waiting : sizeof(sent);
		ssize_t n = send(peer->fd, data, size, MSG_NOSIGNAL);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (n < 0) {
			peer->reset |= errno == ECONNRESET;
			return -errno;
		}
		BIO_read(peer->out, sent, (int)n);
	}
	return 0;
}

int wire_move(struct peer *peer, bool wants_input)
{
	for (;;) {
		struct pollfd ready = { .fd = peer->fd };
		bool waiting;
		int sent, rc;

		if (peer->fd < 0)
			return -ECONNRESET;
		sent = peer->hold ? 0 : put_out(peer);
		waiting = !peer->hold && BIO_pending(peer->out) > 0;
		if (!wants_input && !waiting)
			return 0;
		if (peer->result.transport == PEER_OPEN)
			ready.events |= POLLIN;
		else if (wants_input)
			return ended(peer, peer->result.transport);
		if (waiting && sent == 0)
			ready.events |= POLLOUT;
		rc = poll(&ready, 1, time_left(peer));
		if (rc == 0)
			return -ETIMEDOUT;
		if (ready.revents & (POLLIN | POLLERR | POLLHUP)) {
			rc = take_in(peer);
			/* an end of what comes in leaves what goes out untouched */
			if (rc < 0 && (wants_input || rc != -EPIPE))
				return rc;
			if (wants_input && rc == 0)
				return 0;
		}
		if (sent < 0)
			return ended(peer, PEER_RST);
	}
}

int wire_flush(struct peer *peer)
{
	peer->hold = false;
	return wire_move(peer, false);
}

int wire_send_raw(struct peer *peer, const void *data, size_t size)
{
	BIO_write(peer->out, data, (int)size);
	return wire_move(peer, false);
}

void wire_abort(struct peer *peer)
{
	struct linger linger = { .l_onoff = 1 };

	setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(peer->fd);
	peer->fd = -1;
}
