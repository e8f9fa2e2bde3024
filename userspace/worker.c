// SPDX-License-Identifier: Apache-2.0
#include "userspace/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "policy/cache.h"
#include "userspace/beat.h"
#include "userspace/connection.h"
#include "userspace/judge.h"
#include "userspace/log.h"
#include "userspace/message.h"
#include "userspace/order.h"
#include "userspace/sandbox.h"
#include "userspace/tls_context.h"
#include "userspace/tls_resume.h"

#define WORKER_ACCEPTS 16 /* a listener's turn */
#define CONNECT_SECONDS 10
#define LINGER_SECONDS 2
#define CACHE_ENTRIES 256
#define CACHE_BYTES (2 << 20)

struct worker_listener {
	struct loop_io io;
	struct worker *worker;
	enum direction direction;
};

/*
 * Out of descriptors: the spare one takes the connection off the queue, where it would make
 * the loop spin, and closes it.
 */
static void worker_turn_away(struct worker *worker, int listener)
{
	const struct linger linger = { .l_onoff = 1, .l_linger = 0 };
	int fd;

	if (worker->spare_fd >= 0)
		close(worker->spare_fd);
	fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
		close(fd);
	}
	worker->spare_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (!worker->turned_away++)
		log_line(LOG_ERR, "out of file descriptors, connections are turned away: raise "
				  "LimitNOFILE");
}

static void worker_accept(struct loop_io *io, uint32_t events)
{
	struct worker_listener *listener = CONTAINER_OF(io, struct worker_listener, io);
	struct endpoint peer;
	int fd, i;

	(void)events;
	for (i = 0; i < WORKER_ACCEPTS; i++) {
		fd = endpoint_accept(io->fd, &peer);
		if (fd >= 0) {
			if (listener->direction == DIRECTION_OUTBOUND)
				connection_depart(listener->worker, fd, &peer);
			else
				connection_accept(listener->worker, fd, &peer);
			continue;
		}
		if (fd == -EMFILE || fd == -ENFILE)
			worker_turn_away(listener->worker, io->fd);
		else
			return; /* nothing there, or the peer has gone already */
	}
}

static int worker_listen(struct worker *worker)
{
	const struct listeners *listeners = worker->setup.listeners;
	size_t i;
	int err;

	if (worker->listeners || worker->retired)
		return -EPROTO;
	worker->listeners = calloc(listeners->count, sizeof(*worker->listeners));
	if (!worker->listeners)
		return -ENOMEM;
	for (i = 0; i < listeners->count; i++) {
		if (listeners->entries[i].netns != worker->setup.netns)
			continue;
		worker->listeners[i] = (struct worker_listener){
			.io = { -1, worker_accept },
			.worker = worker,
			.direction = listeners->ports[listeners->entries[i].port].direction,
		};
		/* one of the workers is woken, not all of them */
		err = loop_add(worker->loop, &worker->listeners[i].io, listeners->entries[i].fd,
			       EPOLLIN | EPOLLEXCLUSIVE);
		if (err)
			return err;
	}
	return 0;
}

void worker_rest(struct worker *worker)
{
	if (worker->retired && LIST_EMPTY(&worker->connections))
		loop_stop(worker->loop);
}

/* Whoever waits in the listeners is the next worker's, to which they are open as well. */
static int worker_retire(struct worker *worker)
{
	const struct message message = { .type = MESSAGE_RETIRED };
	const struct listeners *listeners = worker->setup.listeners;
	size_t i;
	int fd;

	if (worker->retired)
		return -EPROTO;
	for (i = 0; worker->listeners && i < listeners->count; i++) {
		fd = worker->listeners[i].io.fd;
		if (!worker->listeners[i].worker)
			continue;
		loop_remove(worker->loop, &worker->listeners[i].io);
		close(fd);
	}
	worker->retired = true;
	return message_send(worker->setup.main_fd, &message, NULL, 0);
}

/* Answers come in the order of the questions: anything else is no answer. */
static int worker_answered(struct worker *worker, const struct message *message)
{
	struct connection *connection = STAILQ_FIRST(&worker->asked);

	if (!connection || message->cookie != connection->cookie)
		return -EPROTO;
	STAILQ_REMOVE_HEAD(&worker->asked, asked);
	connection_answered(connection, message->error);
	return 0;
}

static int worker_obey(struct worker *worker, const struct message *message, int fd)
{
	switch (message->type) {
	case MESSAGE_ANSWER:
		return worker_answered(worker, message);
	case MESSAGE_LISTEN:
		return worker_listen(worker);
	case MESSAGE_RETIRE:
		return worker_retire(worker);
	case MESSAGE_ORDER:
		connection_order(worker, message);
		return 0;
	case MESSAGE_CANCEL:
		connection_cancel(worker, message->order);
		return 0;
	case MESSAGE_JUDGE:
		return judge_answer(worker, message, fd);
	case MESSAGE_DENIED:
		return judge_take_denied(worker, message, fd);
	default:
		return -EPROTO;
	}
}

static void worker_hear_main(struct loop_io *io, uint32_t events)
{
	struct worker *worker = CONTAINER_OF(io, struct worker, main_io);
	struct message message;
	int fds[PACKET_FDS_MAX];
	int err;

	(void)events;
	while (!(err = message_receive(io->fd, &message, fds))) {
		err = worker_obey(worker, &message, fds[0]);
		packet_drop_fds(fds);
		if (err)
			break;
	}
	if (!err || err == -EAGAIN) {
		worker_rest(worker);
		return;
	}
	if (err != -EPIPE)
		log_line(LOG_ERR, "the main process: %s", strerror(-err));
	loop_stop(worker->loop);
}

static void worker_handshake_expired(struct loop_timeout *timeout)
{
	connection_refuse(CONTAINER_OF(timeout, struct connection, timeout), RECORD_FAILED,
			  "the handshake took too long");
}

static void worker_connect_expired(struct loop_timeout *timeout)
{
	struct connection *connection = CONTAINER_OF(timeout, struct connection, timeout);

	order_set_error(connection, -ETIMEDOUT);
	if (connection->phase == PHASE_DIALLING)
		connection_refuse(connection, RECORD_FAILED, "the peer did not answer");
	else
		connection_close(connection, true, "the app did not answer");
}

static void worker_retry_expired(struct loop_timeout *timeout)
{
	connection_retry_app(CONTAINER_OF(timeout, struct connection, timeout));
}

static void worker_linger_expired(struct loop_timeout *timeout)
{
	connection_close(CONTAINER_OF(timeout, struct connection, timeout), true, "");
}

static void worker_beat(struct loop_timeout *timeout)
{
	struct worker *worker = CONTAINER_OF(timeout, struct worker, beat);

	beat_give(worker->setup.beat);
	loop_timeout_start(worker->loop, &worker->beats, timeout);
}

static void worker_init_timeouts(struct worker *worker)
{
	worker->handshakes = (struct loop_timeouts){
		.duration = worker->setup.config->handshake_timeout * LOOP_SECOND,
		.expired = worker_handshake_expired,
	};
	worker->connects = (struct loop_timeouts){
		.duration = CONNECT_SECONDS * LOOP_SECOND,
		.expired = worker_connect_expired,
	};
	worker->retries = (struct loop_timeouts){
		.duration = LOOP_SECOND / 10,
		.expired = worker_retry_expired,
	};
	worker->carries = (struct loop_timeouts){
		.duration = LOOP_SECOND,
		.expired = connection_retry_carrier,
	};
	worker->lingers = (struct loop_timeouts){
		.duration = LINGER_SECONDS * LOOP_SECOND,
		.expired = worker_linger_expired,
	};
	worker->beats = (struct loop_timeouts){ .duration = LOOP_SECOND, .expired = worker_beat };
	loop_timeouts_add(worker->loop, &worker->handshakes);
	loop_timeouts_add(worker->loop, &worker->connects);
	loop_timeouts_add(worker->loop, &worker->retries);
	loop_timeouts_add(worker->loop, &worker->carries);
	loop_timeouts_add(worker->loop, &worker->lingers);
	loop_timeouts_add(worker->loop, &worker->beats);
	worker_beat(&worker->beat);
}

static int worker_start(struct worker *worker)
{
	const char *why;
	int err;

	err = loop_new(&worker->loop);
	if (err)
		return err;
	worker->spare_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	STAILQ_INIT(&worker->asked);
	LIST_INIT(&worker->connections);
	worker_init_timeouts(worker);
	worker->cache = cache_new(CACHE_ENTRIES, CACHE_BYTES);
	if (!worker->cache)
		return -ENOMEM;
	worker->resume = tls_resume_new(worker->setup.config);
	if (!worker->resume)
		return -ENOMEM;
	worker->tls = tls_contexts_new(&worker->setup, &why);
	if (!worker->tls) {
		log_line(LOG_ERR, "TLS: %s", why);
		return -EINVAL;
	}
	worker->main_io = (struct loop_io){ -1, worker_hear_main };
	err = loop_add(worker->loop, &worker->main_io, worker->setup.main_fd, EPOLLIN);
	if (!err)
		err = sandbox_close();
	return err;
}

int worker_run(const struct worker_setup *setup)
{
	struct worker worker = {
		.setup = *setup,
		.denied = setup->denied,
		.policy = setup->policy,
	};
	int err;

	err = worker_start(&worker);
	if (!err)
		err = loop_run(worker.loop);
	else
		log_line(LOG_ERR, "worker %u cannot start: %s", setup->id, strerror(-err));
	connection_close_all(&worker);
	tls_resume_free(worker.resume);
	tls_contexts_free(worker.tls);
	cache_free(worker.cache);
	buffer_pool_release(&worker.buffers);
	free(worker.listeners);
	loop_free(worker.loop);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
