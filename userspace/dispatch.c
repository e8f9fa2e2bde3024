// SPDX-License-Identifier: Apache-2.0
#include "userspace/dispatch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "userspace/adoption.h"
#include "userspace/agent.h"
#include "userspace/fd.h"
#include "userspace/message.h"

/* servers that speak TLS 1.3 alone: the oldest is forgotten for the next one */
#define DISPATCH_AVOIDED 64
#define DISPATCH_AVOID_NS (UINT64_C(24) * 3600 * LOOP_SECOND)
#define DISPATCH_MAX 4096 /* at once: as many as wait for an app to accept them */

struct dispatched {
	LIST_ENTRY(dispatched) entry;
	struct dispatch *dispatch;
	struct wrapped *app;
	struct supervised *worker;
	uint64_t call; /* of the app */
	uint64_t id; /* of the worker's order */
	struct destination to;
	int socket; /* verified, which the worker may have, too; -1: none yet */
};

struct dispatch {
	struct agent *agent;
	uint64_t last; /* order */
	uint32_t next_worker;
	unsigned int count;
	LIST_HEAD(, dispatched) orders;
	struct {
		struct endpoint at;
		uint64_t until; /* loop_now(); 0: none */
	} avoided[DISPATCH_AVOIDED];
	uint32_t next_avoided;
};

struct dispatch *dispatch_new(struct agent *agent)
{
	struct dispatch *dispatch = calloc(1, sizeof(*dispatch));

	if (dispatch)
		dispatch->agent = agent;
	return dispatch;
}

static void dispatch_remove(struct dispatched *dispatched)
{
	LIST_REMOVE(dispatched, entry);
	dispatched->dispatch->count--;
	if (dispatched->socket >= 0)
		close(dispatched->socket);
	free(dispatched);
}

void dispatch_free(struct dispatch *dispatch)
{
	if (!dispatch)
		return;
	while (!LIST_EMPTY(&dispatch->orders))
		dispatch_remove(LIST_FIRST(&dispatch->orders));
	free(dispatch);
}

uint32_t dispatch_connect_ms(const struct agent *agent, uint32_t netns)
{
	size_t i;

	/* without the kernel's TLS there is no socket that an app could have */
	for (i = 0; agent->kernel_tls && i < agent->config->line_count; i++) {
		const struct config_line *line = &agent->config->lines[i];

		if (line->netns == netns && line->direction == DIRECTION_OUTBOUND &&
		    line->delivery == CONFIG_DELIVERY_ADOPT)
			return agent->config->connect_timeout;
	}
	return 0;
}

static bool dispatch_avoids(const struct dispatch *dispatch, const struct endpoint *at)
{
	const uint64_t now = loop_now(dispatch->agent->loop);
	size_t i;

	for (i = 0; i < DISPATCH_AVOIDED; i++)
		if (now < dispatch->avoided[i].until && dispatch->avoided[i].at.port == at->port &&
		    !memcmp(dispatch->avoided[i].at.addr, at->addr, sizeof(at->addr)))
			return true;
	return false;
}

static void dispatch_avoid(struct dispatch *dispatch, const struct destination *to)
{
	const uint32_t at = dispatch->next_avoided++ % DISPATCH_AVOIDED;

	memcpy(dispatch->avoided[at].at.addr, to->addr, sizeof(to->addr));
	dispatch->avoided[at].at.port = to->port;
	dispatch->avoided[at].until = loop_now(dispatch->agent->loop) + DISPATCH_AVOID_NS;
}

/* One after the other of those that serve the namespace; NULL: none runs. */
static struct supervised *dispatch_worker(struct dispatch *dispatch, uint32_t netns)
{
	const struct agent *agent = dispatch->agent;
	const struct shift *shift;
	unsigned int i;

	/* while a reload is under way, the first one is the next, and this one is to take nothing more */
	LIST_FOREACH(shift, &agent->shifts, entry)
		if (shift->config == agent->config && !shift->retired)
			break;
	for (i = 0; shift && i < shift->worker_count; i++) {
		struct supervised *worker =
			&shift->workers[dispatch->next_worker++ % shift->worker_count];

		if (worker->netns == netns && worker->pid > 0 && worker->io.fd >= 0)
			return worker;
	}
	return NULL;
}

/* The app's own binding; no address at all where it left both to the kernel. */
static void dispatch_set_source(struct destination *to, const struct endpoint *from)
{
	static const uint8_t any[16], any4[16] = { [10] = 0xff, [11] = 0xff };

	to->source_port = from->port;
	if (from->port ||
	    (memcmp(from->addr, any, sizeof(any)) && memcmp(from->addr, any4, sizeof(any4))))
		memcpy(to->source, from->addr, sizeof(to->source));
}

/* The line that is to have this connection in place; NULL: none. */
static const struct config_line *dispatch_line(const struct dispatch *dispatch, uint32_t netns,
					       const struct endpoint *to)
{
	const struct agent *agent = dispatch->agent;
	const struct config_line *line =
		config_line_find(agent->config, netns, DIRECTION_OUTBOUND, to->port, to);

	if (!line || line->delivery != CONFIG_DELIVERY_ADOPT || !agent->kernel_tls ||
	    dispatch->count >= DISPATCH_MAX || dispatch_avoids(dispatch, to))
		return NULL;
	return line;
}

static int dispatch_order(struct dispatch *dispatch, struct wrapped *app,
			  struct supervised *worker, const struct handover *asked,
			  const struct config_line *line)
{
	struct message message = {
		.type = MESSAGE_ORDER,
		.order = ++dispatch->last,
		.what = {
			.to = {
				.port = asked->at.port,
				.line = config_line_number(dispatch->agent->config, line),
			},
			.scope = asked->at.scope,
			.family = asked->family,
		},
	};
	struct dispatched *dispatched = calloc(1, sizeof(*dispatched));
	int err;

	if (!dispatched)
		return -ENOMEM;
	memcpy(message.what.to.addr, asked->at.addr, sizeof(message.what.to.addr));
	dispatch_set_source(&message.what.to, &asked->from);
	err = message_send(worker->io.fd, &message, NULL, 0);
	if (err) {
		free(dispatched);
		return err;
	}
	*dispatched = (struct dispatched){
		.dispatch = dispatch,
		.app = app,
		.worker = worker,
		.call = asked->call,
		.id = message.order,
		.to = message.what.to,
		.socket = -1,
	};
	LIST_INSERT_HEAD(&dispatch->orders, dispatched, entry);
	dispatch->count++;
	return 0;
}

int dispatch_connect(struct dispatch *dispatch, struct wrapped *app, uint32_t netns,
		     const struct handover *message)
{
	struct supervised *worker = NULL;
	const struct config_line *line;

	if ((message->family != AF_INET && message->family != AF_INET6) ||
	    (message->family == AF_INET && !endpoint_is_ip4(&message->at)))
		return -EPROTO;
	line = dispatch_line(dispatch, netns, &message->at);
	if (line)
		worker = dispatch_worker(dispatch, netns);
	/* by relay, which has its own ways to fail */
	if (!worker || dispatch_order(dispatch, app, worker, message, line))
		adoption_answer(app, message->call, -1, 0);
	return 0;
}

static void dispatch_drop(struct dispatched *dispatched)
{
	const struct message cancel = { .type = MESSAGE_CANCEL, .order = dispatched->id };

	/* one that does not hear it has its session refused */
	if (dispatched->worker->io.fd >= 0)
		message_send(dispatched->worker->io.fd, &cancel, NULL, 0);
	dispatch_remove(dispatched);
}

void dispatch_cancel(struct dispatch *dispatch, const struct wrapped *app, uint64_t call)
{
	struct dispatched *dispatched;

	LIST_FOREACH(dispatched, &dispatch->orders, entry)
		if (dispatched->app == app && dispatched->call == call)
			break;
	/* what became of it may be on its way already */
	if (dispatched)
		dispatch_drop(dispatched);
}

void dispatch_cancel_all(struct dispatch *dispatch, const struct wrapped *app)
{
	struct dispatched *dispatched, *next;

	for (dispatched = LIST_FIRST(&dispatch->orders); dispatched; dispatched = next) {
		next = LIST_NEXT(dispatched, entry);
		if (dispatched->app == app)
			dispatch_drop(dispatched);
	}
}

struct dispatched *dispatch_find(const struct dispatch *dispatch, uint32_t worker, uint64_t order)
{
	struct dispatched *dispatched;

	LIST_FOREACH(dispatched, &dispatch->orders, entry)
		if (dispatched->id == order && dispatched->worker->id == worker)
			return dispatched;
	return NULL;
}

const struct destination *dispatch_destination(const struct dispatched *dispatched)
{
	return &dispatched->to;
}

int dispatch_hold(struct dispatched *dispatched, int socket)
{
	/* it has made one already */
	if (dispatched->socket >= 0)
		return -EPERM;
	dispatched->socket = fcntl(socket, F_DUPFD_CLOEXEC, 0);
	return dispatched->socket < 0 ? -errno : 0;
}

void dispatch_done(struct dispatched *dispatched, int error)
{
	struct wrapped *app = dispatched->app;
	uint64_t call = dispatched->call;
	_cleanup_fd_ int socket = -1;

	if (error == MESSAGE_TLS13) {
		dispatch_avoid(dispatched->dispatch, &dispatched->to);
		error = 0;
	} else if (!error) {
		socket = TAKE_FD(dispatched->socket);
	}
	/* first: an adopter that cannot be told is lost with all that it waits for */
	dispatch_remove(dispatched);
	adoption_answer(app, call, socket, error);
}

void dispatch_worker_ended(struct dispatch *dispatch, uint32_t worker)
{
	struct dispatched *dispatched;

	do {
		LIST_FOREACH(dispatched, &dispatch->orders, entry)
			if (dispatched->worker->id == worker)
				break;
		if (dispatched)
			dispatch_done(dispatched, 0);
	} while (dispatched);
}
