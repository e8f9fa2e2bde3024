// SPDX-License-Identifier: Apache-2.0
#include "userspace/control.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "userspace/audience.h"
#include "userspace/deny.h"
#include "userspace/fd.h"
#include "userspace/reload.h"

#define CONTROL_QUESTION_MAX 64
#define CONTROL_CLIENTS_MAX 16
#define CONTROL_SECONDS 5 /* for a client to ask and to take its answer */

struct control {
	struct agent *agent;
	struct loop_io io;
	struct loop_timeouts timeouts;
	struct sockaddr_un address;
	unsigned int clients;
	struct audience *audience;
};

struct control_client {
	struct control *control;
	struct loop_io io;
	struct loop_timeout timeout;
	struct loop_garbage garbage;
	char question[CONTROL_QUESTION_MAX];
	size_t question_len;
	char *answer; /* NULL until the question is there */
	size_t answer_at, answer_len;
};

/* argument: what stands behind the name and a blank; NULL: nothing */
static json_t *control_status(struct agent *agent, const char *argument)
{
	return argument ? NULL : status_to_json(agent);
}

static json_t *control_sessions(struct agent *agent, const char *argument)
{
	return argument ? NULL : sessions_to_json(agent);
}

static const struct control_question {
	const char *name;
	json_t *(*answer)(struct agent *agent, const char *argument);
	bool root; /* of the two that may ask, root alone: it changes something */
} control_questions[] = {
	{ "status", control_status, false },
	{ "sessions", control_sessions, false },
	{ "kill", kill_session, true },
	{ "reload", reload_question, true },
	{ "denied", deny_reload, true },
	{ "denied-path", deny_path, true },
};

static void control_client_release(struct loop_garbage *garbage)
{
	struct control_client *client = CONTAINER_OF(garbage, struct control_client, garbage);

	free(client->answer);
	free(client);
}

static void control_client_close(struct control_client *client)
{
	struct control *control = client->control;
	int fd = client->io.fd;

	loop_timeout_stop(&control->timeouts, &client->timeout);
	loop_remove(control->agent->loop, &client->io);
	if (fd >= 0)
		close(fd);
	control->clients--;
	loop_discard(control->agent->loop, &client->garbage);
}

static void control_client_expired(struct loop_timeout *timeout)
{
	control_client_close(CONTAINER_OF(timeout, struct control_client, timeout));
}

static bool control_is_root(const struct control_client *client)
{
	struct ucred peer = { .uid = (uid_t)-1 };
	socklen_t size = sizeof(peer);

	return getsockopt(client->io.fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
	       peer.uid == 0;
}

static json_t *control_answer(const struct control_client *client, char *question)
{
	const struct control_question *known;
	char *argument = strchr(question, ' ');
	json_t *answer;
	size_t i;

	if (argument)
		*argument++ = '\0';
	for (i = 0; i < sizeof(control_questions) / sizeof(control_questions[0]); i++) {
		known = &control_questions[i];
		if (strcmp(question, known->name) != 0)
			continue;
		if (known->root && !control_is_root(client))
			return json_pack("{s:s}", "error", "only root may");
		answer = known->answer(client->control->agent, argument);
		if (answer || !argument)
			return answer;
	}
	return json_pack("{s:s}", "error", "no such question");
}

/* 0: the question is complete; -EAGAIN: not yet; else the client is to go */
static int control_client_read(struct control_client *client)
{
	size_t room = sizeof(client->question) - client->question_len;
	char *end;
	ssize_t n;

	n = recv(client->io.fd, client->question + client->question_len, room, MSG_DONTWAIT);
	if (n < 0)
		return -errno;
	if (n == 0)
		return -EPIPE;
	client->question_len += (size_t)n;
	end = memchr(client->question, '\n', client->question_len);
	if (!end)
		return client->question_len == sizeof(client->question) ? -EMSGSIZE : -EAGAIN;
	*end = '\0';
	return 0;
}

/* To those who hear of all that happens from then on: 0, and the descriptor is theirs. */
static int control_client_admit(struct control_client *client)
{
	struct control *control = client->control;
	int fd = client->io.fd, err;

	loop_remove(control->agent->loop, &client->io);
	err = audience_admit(control->audience, fd);
	if (err)
		loop_add(control->agent->loop, &client->io, fd, EPOLLOUT);
	return err;
}

static int control_client_think(struct control_client *client)
{
	const bool watch = !strcmp(client->question, "watch");
	json_t *json;
	int err;

	err = watch ? control_client_admit(client) : 0;
	if (watch && !err)
		return -ESTALE; /* no client of this kind any more */
	json = err ? json_pack("{s:s}", "error",
			       err == -EBUSY ? "too many watch already" : strerror(-err)) :
		     control_answer(client, client->question);
	if (!json)
		return -ENOMEM;
	client->answer = json_dumps(json, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(json);
	if (!client->answer)
		return -ENOMEM;
	client->answer_len = strlen(client->answer);
	return 0;
}

static int control_client_write(struct control_client *client)
{
	ssize_t n;

	while (client->answer_at < client->answer_len) {
		n = send(client->io.fd, client->answer + client->answer_at,
			 client->answer_len - client->answer_at, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0)
			return -errno;
		client->answer_at += (size_t)n;
	}
	return 0;
}

static void control_client_ready(struct loop_io *io, uint32_t events)
{
	struct control_client *client = CONTAINER_OF(io, struct control_client, io);
	int err = 0;

	(void)events;
	if (!client->answer) {
		err = control_client_read(client);
		if (!err)
			err = control_client_think(client);
	}
	if (!err)
		err = control_client_write(client);
	if (err == -EAGAIN) {
		loop_change(client->control->agent->loop, io, client->answer ? EPOLLOUT : EPOLLIN);
		return;
	}
	control_client_close(client);
}

static void control_accept(struct loop_io *io, uint32_t events)
{
	struct control *control = CONTAINER_OF(io, struct control, io);
	_cleanup_fd_ int fd = accept4(io->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct control_client *client;

	(void)events;
	if (fd < 0 || control->clients >= CONTROL_CLIENTS_MAX)
		return;
	client = calloc(1, sizeof(*client));
	if (!client)
		return;
	client->control = control;
	client->io = (struct loop_io){ -1, control_client_ready };
	client->garbage.release = control_client_release;
	if (loop_add(control->agent->loop, &client->io, fd, EPOLLIN) < 0) {
		free(client);
		return;
	}
	TAKE_FD(fd);
	control->clients++;
	loop_timeout_start(control->agent->loop, &control->timeouts, &client->timeout);
}

static int control_listen(struct control *control)
{
	const struct config *config = control->agent->config;
	struct sockaddr_un *address = &control->address;
	_cleanup_fd_ int fd = -1;
	mode_t mask;
	int err;

	/* the service manager's may be there already, with its own mode */
	if (mkdir(config->run_path, 0755) == 0)
		err = chmod(config->run_path, 0755); /* whatever the umask says */
	else
		err = errno == EEXIST ? 0 : -1;
	if (err < 0)
		return -errno;
	address->sun_family = AF_UNIX;
	if ((size_t)snprintf(address->sun_path, sizeof(address->sun_path), "%s/control",
			     config->run_path) >= sizeof(address->sun_path))
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* the pins are locked by now: whoever made this one is gone */
	unlink(address->sun_path);
	mask = umask(0177);
	err = bind(fd, (struct sockaddr *)address, sizeof(*address)) < 0 ? -errno : 0;
	umask(mask);
	if (err)
		return err;
	if (chown(address->sun_path, 0, config->control_gid) < 0 ||
	    chmod(address->sun_path, 0660) < 0 || listen(fd, CONTROL_CLIENTS_MAX) < 0)
		return -errno;
	err = loop_add(control->agent->loop, &control->io, fd, EPOLLIN);
	if (!err)
		TAKE_FD(fd);
	return err;
}

int control_open(struct agent *agent, struct control **out)
{
	struct control *control = calloc(1, sizeof(*control));
	int err;

	if (!control)
		return -ENOMEM;
	control->agent = agent;
	control->audience = audience_new(agent->loop, agent->audit);
	if (!control->audience) {
		free(control);
		return -ENOMEM;
	}
	control->io = (struct loop_io){ -1, control_accept };
	control->timeouts = (struct loop_timeouts){
		.duration = CONTROL_SECONDS * LOOP_SECOND,
		.expired = control_client_expired,
	};
	err = control_listen(control);
	if (err) {
		audience_free(control->audience);
		free(control);
		return err;
	}
	loop_timeouts_add(agent->loop, &control->timeouts);
	*out = control;
	return 0;
}

void control_close(struct control *control)
{
	struct loop_timeout *client;
	int fd;

	if (!control)
		return;
	while ((client = TAILQ_FIRST(&control->timeouts.waiting)))
		control_client_close(CONTAINER_OF(client, struct control_client, timeout));
	audience_free(control->audience);
	fd = control->io.fd;
	loop_remove(control->agent->loop, &control->io);
	close(fd);
	unlink(control->address.sun_path);
	free(control);
}
