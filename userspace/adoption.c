// SPDX-License-Identifier: Apache-2.0
#include "userspace/adoption.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "userspace/agent.h"
#include "userspace/app_address.h"
#include "userspace/dispatch.h"
#include "userspace/fd.h"
#include "userspace/handover.h"
#include "userspace/log.h"

#define ADOPTION_LISTENERS_MAX 256 /* of one app */
#define ADOPTION_WAIT (2 * LOOP_SECOND) /* for an app that starts again */
#define ADOPTION_HOLD (10 * LOOP_SECOND) /* for a worker that does not let go */
#define ADOPTION_CLIENTS_MAX 4096 /* that wait for one app: as in the longest queue of a listener */
#define ADOPTION_MESSAGES 64 /* an adopter's turn */

struct adoption {
	struct agent *agent;
	struct loop_io socket;
	struct loop_timeouts waits, holds;
	LIST_HEAD(, wrapped) apps;
	TAILQ_HEAD(, given) clients; /* that no adopter said yet what became of */
};

/* a wrapped app, by the connection of its adopter */
struct wrapped {
	LIST_ENTRY(wrapped) entry;
	struct adoption *adoption;
	struct loop_io io;
	struct loop_garbage garbage;
	bool greeted;
	uint64_t id;
	uint32_t netns;
	int32_t pid;
	char name[HANDOVER_NAME_LEN];
	unsigned int listener_count;
	struct app_address listeners[ADOPTION_LISTENERS_MAX];
	uint64_t adopted;
};

struct given {
	TAILQ_ENTRY(given) entry;
	struct adoption *adoption;
	struct loop_timeout hold; /* while its worker has it, too */
	struct loop_timeout wait; /* while no app listens there */
	struct wrapped *app; /* NULL: none has it */
	uint64_t id; /* of the app that was given it, whose ledger knows whether it was; 0: none */
	int fd;
	uint32_t worker;
	uint64_t cookie;
	uint32_t netns;
	struct endpoint local;
};

static enum app_fit wrapped_fit(const struct wrapped *app, uint32_t netns,
				const struct endpoint *local)
{
	enum app_fit best = APP_FIT_NOT, fit;
	unsigned int i;

	if (!app->greeted || app->netns != netns)
		return APP_FIT_NOT;
	for (i = 0; i < app->listener_count; i++) {
		fit = app_address_fit(&app->listeners[i], local);
		if (fit > best)
			best = fit;
	}
	return best;
}

/* id: of the only app that will do; 0: any. */
static struct wrapped *adoption_find(const struct adoption *adoption, uint32_t netns,
				     const struct endpoint *local, uint64_t id)
{
	struct wrapped *app, *best = NULL;
	enum app_fit best_fit = APP_FIT_NOT, fit;

	LIST_FOREACH(app, &adoption->apps, entry) {
		fit = wrapped_fit(app, netns, local);
		if (fit <= best_fit || (id && app->id != id))
			continue;
		best_fit = fit;
		best = app;
	}
	return best;
}

bool adoption_has(const struct adoption *adoption, uint32_t netns, const struct endpoint *local)
{
	return adoption_find(adoption, netns, local, 0);
}

bool adoption_is_full(const struct adoption *adoption, uint32_t netns,
		      const struct endpoint *local)
{
	const struct wrapped *app = adoption_find(adoption, netns, local, 0);
	const struct given *client;
	unsigned int count = 0;

	/* few wait, unless an app does not come to take them, or a worker keeps them */
	TAILQ_FOREACH(client, &adoption->clients, entry)
		count += client->app == app || client->hold.at;
	return count >= ADOPTION_CLIENTS_MAX;
}

/* IPv4 clients become sockets of the family that their app listens in. */
static void adoption_map_port(const struct adoption *adoption, uint32_t netns, uint16_t port)
{
	/* any address of IPv4 that no app listens at in particular */
	const struct endpoint any = { .addr = { [10] = 0xff, [11] = 0xff, [15] = 1 }, .port = port };
	const struct wrapped *app = adoption_find(adoption, netns, &any, 0);
	bool dual = app && wrapped_fit(app, netns, &any) == APP_FIT_DUAL;
	int err = dataplane_map_port(adoption->agent->dataplane, netns, port, dual);

	if (err && err != -ENOENT)
		log_line(LOG_ERR, "port %u: %s", port, strerror(-err));
}

void adoption_map_ports(const struct adoption *adoption)
{
	const struct wrapped *app;
	unsigned int i;

	LIST_FOREACH(app, &adoption->apps, entry)
		for (i = 0; i < app->listener_count; i++)
			adoption_map_port(adoption, app->netns, app->listeners[i].at.port);
}

static void given_free(struct given *client)
{
	loop_timeout_stop(&client->adoption->holds, &client->hold);
	loop_timeout_stop(&client->adoption->waits, &client->wait);
	TAILQ_REMOVE(&client->adoption->clients, client, entry);
	close(client->fd);
	free(client);
}

static void given_reset(struct given *client, const char *why)
{
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };

	monitor_end_cookie(client->adoption->agent, client->cookie, why);
	setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	given_free(client);
}

static void given_expired(struct loop_timeout *timeout)
{
	given_reset(CONTAINER_OF(timeout, struct given, wait),
		    "no app that was started by `linewarden exec` listens there");
}

static void wrapped_lost(struct wrapped *app);

static void given_wait(struct given *client)
{
	client->app = NULL;
	if (!client->wait.at)
		loop_timeout_start(client->adoption->agent->loop, &client->adoption->waits,
				   &client->wait);
}

/* To the app that listens there; where there is none it waits for one. */
static void given_offer(struct given *client)
{
	struct adoption *adoption = client->adoption;
	const struct handover message = { .type = HANDOVER_CLIENT, .cookie = client->cookie };
	struct wrapped *app = adoption_find(adoption, client->netns, &client->local, client->id);

	if (app && handover_send(app->io.fd, &message, &client->fd, 1) == 0) {
		client->app = app;
		client->id = app->id;
		loop_timeout_stop(&adoption->waits, &client->wait);
		return;
	}
	given_wait(client);
	if (app)
		wrapped_lost(app);
}

int adoption_hold(struct adoption *adoption, uint32_t worker, uint32_t netns,
		  const struct endpoint *local, uint64_t cookie, int socket, struct given **out)
{
	struct given *client = calloc(1, sizeof(*client));

	if (!client)
		return -ENOMEM;
	*client = (struct given){
		.adoption = adoption,
		.fd = fcntl(socket, F_DUPFD_CLOEXEC, 0),
		.worker = worker,
		.cookie = cookie,
		.netns = netns,
		.local = *local,
	};
	if (client->fd < 0) {
		free(client);
		return -errno;
	}
	TAILQ_INSERT_TAIL(&adoption->clients, client, entry);
	loop_timeout_start(adoption->agent->loop, &adoption->holds, &client->hold);
	*out = client;
	return 0;
}

void adoption_drop(struct given *client)
{
	if (client)
		given_free(client);
}

void adoption_let_go(struct adoption *adoption, uint32_t worker, uint64_t cookie)
{
	struct given *client, *next;

	for (client = TAILQ_FIRST(&adoption->clients); client; client = next) {
		next = TAILQ_NEXT(client, entry);
		if (!client->hold.at || client->worker != worker ||
		    (cookie && client->cookie != cookie))
			continue;
		loop_timeout_stop(&adoption->holds, &client->hold);
		given_offer(client);
	}
}

static void given_hold_expired(struct loop_timeout *timeout)
{
	given_offer(CONTAINER_OF(timeout, struct given, hold));
}

static void wrapped_release(struct loop_garbage *garbage)
{
	free(CONTAINER_OF(garbage, struct wrapped, garbage));
}

/* Its adopter has gone, or does not read: its clients wait for the next one of the same app. */
static void wrapped_lost(struct wrapped *app)
{
	struct adoption *adoption = app->adoption;
	struct given *client, *next;
	int fd = app->io.fd;
	unsigned int i;

	if (fd < 0)
		return;
	loop_remove(adoption->agent->loop, &app->io);
	close(fd);
	LIST_REMOVE(app, entry);
	dispatch_cancel_all(adoption->agent->dispatch, app);
	for (i = 0; app->greeted && i < app->listener_count; i++)
		adoption_map_port(adoption, app->netns, app->listeners[i].at.port);
	for (client = TAILQ_FIRST(&adoption->clients); client; client = next) {
		next = TAILQ_NEXT(client, entry);
		if (client->app == app)
			given_wait(client);
	}
	loop_discard(adoption->agent->loop, &app->garbage);
}

static int wrapped_tell_maps(const struct wrapped *app)
{
	const struct agent *agent = app->adoption->agent;
	const struct handover message = {
		.type = HANDOVER_MAPS,
		.connect_ms = app->greeted ? dispatch_connect_ms(agent, app->netns) : 0,
	};
	int maps[HANDOVER_MAP_COUNT];

	dataplane_adopter_maps(agent->dataplane, maps);
	return handover_send(app->io.fd, &message, maps, HANDOVER_MAP_COUNT);
}

void adoption_tell_connects(struct adoption *adoption)
{
	struct wrapped *app, *next;

	for (app = LIST_FIRST(&adoption->apps); app; app = next) {
		next = LIST_NEXT(app, entry);
		if (app->greeted && wrapped_tell_maps(app) < 0)
			wrapped_lost(app);
	}
}

static int wrapped_greet(struct wrapped *app, const struct handover *message)
{
	struct agent *agent = app->adoption->agent;
	int err;

	if (app->greeted)
		return -EPROTO;
	app->id = message->id;
	app->pid = message->pid;
	snprintf(app->name, sizeof(app->name), "%s", message->name);
	err = dataplane_netns(agent->dataplane, agent->config, message->netns, &app->netns);
	if (err)
		log_line(LOG_WARNING, "%s (pid %d) is wrapped in a network namespace without lines",
			 app->name, (int)app->pid);
	else
		app->greeted = true;
	return wrapped_tell_maps(app);
}

static int wrapped_listens(struct wrapped *app, const struct handover *message)
{
	const struct app_address address = { message->at, message->v6only };
	struct adoption *adoption = app->adoption;
	struct given *client, *next;
	unsigned int i;

	for (i = 0; i < app->listener_count; i++)
		if (app_address_equals(&app->listeners[i], &address))
			return 0;
	if (app->listener_count == ADOPTION_LISTENERS_MAX)
		return -E2BIG;
	app->listeners[app->listener_count++] = address;
	if (app->greeted)
		adoption_map_port(adoption, app->netns, address.at.port);
	/* those that wait for it */
	for (client = TAILQ_FIRST(&adoption->clients); client && app->io.fd >= 0; client = next) {
		next = TAILQ_NEXT(client, entry);
		if (!client->hold.at && !client->app && app_address_fit(&address, &client->local))
			given_offer(client);
	}
	return 0;
}

static int wrapped_closed(struct wrapped *app, const struct handover *message)
{
	const struct app_address address = { message->at, message->v6only };
	unsigned int i;

	for (i = 0; i < app->listener_count; i++)
		if (app_address_equals(&app->listeners[i], &address))
			app->listeners[i] = app->listeners[--app->listener_count];
	if (app->greeted)
		adoption_map_port(app->adoption, app->netns, address.at.port);
	return 0;
}

static struct given *wrapped_client(const struct wrapped *app, uint64_t cookie)
{
	struct given *client;

	TAILQ_FOREACH(client, &app->adoption->clients, entry)
		if (client->cookie == cookie)
			return client;
	return NULL;
}

static int wrapped_taken(struct wrapped *app, const struct handover *message)
{
	struct given *client = wrapped_client(app, message->cookie);

	/* one that a main process before this one gave is not known here */
	app->adopted++;
	if (client)
		given_free(client);
	return 0;
}

static int wrapped_returned(struct wrapped *app, const struct handover *message)
{
	struct given *client = wrapped_client(app, message->cookie);

	if (!client) {
		monitor_end_cookie(app->adoption->agent, message->cookie, "the app does not listen");
		return 0;
	}
	/* the app has ended: another one may have it, which follows it or is there already */
	if (message->error == -ESRCH) {
		app->listener_count = 0;
		client->id = 0;
		given_offer(client);
	} else {
		given_reset(client, message->error == -ECONNREFUSED ? "the app does not listen" :
								      "the client has gone");
	}
	return 0;
}

static int wrapped_connect(struct wrapped *app, const struct handover *message)
{
	if (!app->greeted)
		return -EPROTO;
	return dispatch_connect(app->adoption->agent->dispatch, app, app->netns, message);
}

static int wrapped_cancel(struct wrapped *app, const struct handover *message)
{
	dispatch_cancel(app->adoption->agent->dispatch, app, message->call);
	return 0;
}

void adoption_answer(struct wrapped *app, uint64_t call, int socket, int error)
{
	const struct handover message = {
		.type = socket >= 0 ? HANDOVER_CONNECTED : HANDOVER_UNCONNECTED,
		.call = call,
		.error = error,
	};

	if (handover_send(app->io.fd, &message, &socket, socket >= 0) < 0)
		wrapped_lost(app);
}

static const struct {
	int (*handle)(struct wrapped *app, const struct handover *message);
} wrapped_rows[HANDOVER_TYPE_COUNT] = {
	[HANDOVER_HELLO] = { wrapped_greet },
	[HANDOVER_LISTENS] = { wrapped_listens },
	[HANDOVER_CLOSED] = { wrapped_closed },
	[HANDOVER_TAKEN] = { wrapped_taken },
	[HANDOVER_RETURNED] = { wrapped_returned },
	[HANDOVER_CONNECT] = { wrapped_connect },
	[HANDOVER_CANCEL] = { wrapped_cancel },
};

static void wrapped_ready(struct loop_io *io, uint32_t events)
{
	struct wrapped *app = CONTAINER_OF(io, struct wrapped, io);
	struct handover message;
	int fds[PACKET_FDS_MAX];
	int i, err = 0;

	(void)events;
	for (i = 0; !err && io->fd >= 0 && i < ADOPTION_MESSAGES; i++) {
		err = handover_receive(io->fd, HANDOVER_AT_MAIN, &message, fds);
		if (!err)
			err = wrapped_rows[message.type].handle(app, &message);
	}
	if (err && err != -EAGAIN)
		wrapped_lost(app);
}

static void adoption_accept(struct loop_io *io, uint32_t events)
{
	struct adoption *adoption = CONTAINER_OF(io, struct adoption, socket);
	_cleanup_fd_ int fd = accept4(io->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct wrapped *app;

	(void)events;
	if (fd < 0)
		return;
	app = calloc(1, sizeof(*app));
	if (!app)
		return;
	app->adoption = adoption;
	app->io = (struct loop_io){ -1, wrapped_ready };
	app->garbage.release = wrapped_release;
	if (loop_add(adoption->agent->loop, &app->io, fd, EPOLLIN) < 0) {
		free(app);
		return;
	}
	TAKE_FD(fd);
	LIST_INSERT_HEAD(&adoption->apps, app, entry);
}

int adoption_start(struct agent *agent, struct adoption **out)
{
	struct adoption *adoption = calloc(1, sizeof(*adoption));
	int fd, err;

	if (!adoption)
		return -ENOMEM;
	*adoption = (struct adoption){
		.agent = agent,
		.socket = { -1, adoption_accept },
		.waits = { .duration = ADOPTION_WAIT, .expired = given_expired },
		.holds = { .duration = ADOPTION_HOLD, .expired = given_hold_expired },
	};
	LIST_INIT(&adoption->apps);
	TAILQ_INIT(&adoption->clients);
	agent->dispatch = dispatch_new(agent);
	if (!agent->dispatch) {
		free(adoption);
		return -ENOMEM;
	}
	/* an adopter is root's */
	err = fd = handover_listen(agent->config->run_path, HANDOVER_ADOPT, 0600, 0);
	if (fd >= 0) {
		err = loop_add(agent->loop, &adoption->socket, fd, EPOLLIN);
		if (err)
			close(fd);
	}
	if (err < 0) {
		dispatch_free(agent->dispatch);
		agent->dispatch = NULL;
		free(adoption);
		return err;
	}
	loop_timeouts_add(agent->loop, &adoption->waits);
	loop_timeouts_add(agent->loop, &adoption->holds);
	*out = adoption;
	return 0;
}

void adoption_stop(struct adoption *adoption)
{
	struct loop *loop;
	int fd;

	if (!adoption)
		return;
	loop = adoption->agent->loop;
	while (!LIST_EMPTY(&adoption->apps))
		wrapped_lost(LIST_FIRST(&adoption->apps));
	while (!TAILQ_EMPTY(&adoption->clients))
		given_free(TAILQ_FIRST(&adoption->clients));
	fd = adoption->socket.fd;
	loop_remove(loop, &adoption->socket);
	close(fd);
	dispatch_free(adoption->agent->dispatch);
	adoption->agent->dispatch = NULL;
	free(adoption);
}

static json_t *wrapped_to_json(const struct wrapped *app)
{
	json_t *listens = json_array();
	char text[LW_ENDPOINT_LEN];
	unsigned int i;

	for (i = 0; i < app->listener_count; i++) {
		endpoint_format(&app->listeners[i].at, text);
		json_array_append_new(listens, json_string(text));
	}
	return json_pack("{s:s, s:i, s:I, s:o}", "name", app->name, "pid", (int)app->pid, "adopted",
			 (json_int_t)app->adopted, "listens", listens);
}

json_t *adoption_to_json(const struct adoption *adoption)
{
	const struct wrapped *app;
	json_t *apps = json_array();

	LIST_FOREACH(app, &adoption->apps, entry)
		if (app->greeted)
			json_array_append_new(apps, wrapped_to_json(app));
	return apps;
}
