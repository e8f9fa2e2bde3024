// SPDX-License-Identifier: Apache-2.0
#include "userspace/carriers.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "userspace/agent.h"
#include "userspace/fd.h"
#include "userspace/handover.h"
#include "userspace/log.h"
#include "userspace/message.h"

#define CARRIERS_MESSAGES 64 /* a carrier's turn */
#define CARRIERS_QUEUE 4096 /* messages in a round: more than wait in its socket */
#define CARRIERS_WAIT (2 * LOOP_SECOND) /* of one half of an end for the other */
#define CARRIERS_SETTLE (5 * LOOP_SECOND) /* in which carriers find a new main process */
#define CARRIERS_TOLD_MAX 4096

#define CARRIERS_DIED "the carrier that relayed it died"
/* unknown to this main process: whether it was ended, or ended after its last session, who knows */
#define CARRIERS_ENDED "the carrier that relayed it has ended"

struct carriers {
	struct agent *agent;
	struct loop_io socket;
	struct loop_timeouts waits, settles, memories;
	struct loop_timeout settle; /* waiting: there may be carriers that look for this main process */
	bool settling;
	LIST_HEAD(, carrying) list;
	TAILQ_HEAD(, parting) partings;
	unsigned int told_count;
};

/* a carrier */
struct carrying {
	LIST_ENTRY(carrying) entry;
	struct carriers *carriers;
	struct loop_io io; /* not in the loop: it has ended, and is remembered for a while */
	struct loop_timeout memory;
	struct loop_garbage garbage;
	int32_t pid; /* 0: the keeper has not said it yet */
	uint32_t sessions, room;
	uint64_t round; /* loop_now(), when it was heard */
	int heard; /* messages in that round */
	bool retired;
};

/* The end of a session, of which the kernel has told, or its carrier, and not the other one. */
struct parting {
	TAILQ_ENTRY(parting) entry;
	struct carriers *carriers;
	struct loop_timeout wait;
	uint64_t cookie;
	uint32_t carrier;
	bool told; /* end is the carrier's; else session and the end's bytes are the kernel's */
	struct session session;
	struct handover_end end;
};

static bool carrying_is_alive(uint32_t pid)
{
	return kill((pid_t)pid, 0) == 0 || errno != ESRCH;
}

static struct carrying *carriers_find(const struct carriers *carriers, uint32_t pid)
{
	struct carrying *carrier;

	LIST_FOREACH(carrier, &carriers->list, entry)
		if (carrier->pid && (uint32_t)carrier->pid == pid)
			return carrier;
	return NULL;
}

static struct parting *parting_find(const struct carriers *carriers, uint64_t cookie,
				    uint32_t carrier, bool told)
{
	struct parting *parting;

	TAILQ_FOREACH(parting, &carriers->partings, entry)
		if (parting->cookie == cookie && parting->carrier == carrier &&
		    parting->told == told)
			return parting;
	return NULL;
}

static void parting_free(struct parting *parting)
{
	struct carriers *carriers = parting->carriers;

	loop_timeout_stop(&carriers->waits, &parting->wait);
	TAILQ_REMOVE(&carriers->partings, parting, entry);
	carriers->told_count -= parting->told;
	free(parting);
}

static struct parting *parting_new(struct carriers *carriers, uint64_t cookie, uint32_t carrier)
{
	struct parting *parting = calloc(1, sizeof(*parting));

	if (!parting)
		return NULL;
	parting->carriers = carriers;
	parting->cookie = cookie;
	parting->carrier = carrier;
	TAILQ_INSERT_TAIL(&carriers->partings, parting, entry);
	loop_timeout_start(carriers->agent->loop, &carriers->waits, &parting->wait);
	return parting;
}

/* Of an end that the kernel told of; no carrier said why. */
static void parting_record(struct parting *parting, const char *why)
{
	const struct monitor_end end = {
		.bytes_in = parting->end.bytes_in,
		.bytes_out = parting->end.bytes_out,
		.why = why,
	};

	monitor_record_end(parting->carriers->agent, parting->cookie, &parting->session, &end);
	parting_free(parting);
}

static void parting_expired(struct loop_timeout *timeout)
{
	struct parting *parting = CONTAINER_OF(timeout, struct parting, wait);

	struct carriers *carriers = parting->carriers;
	const bool alive = carrying_is_alive(parting->carrier);

	if (parting->told) /* an operator's end, which was recorded as that */
		parting_free(parting);
	else if (alive && carriers->settle.at && !carriers_find(carriers, parting->carrier))
		/* of the time before this main process, which its carrier is going to tell */
		loop_timeout_start(carriers->agent->loop, &carriers->waits, timeout);
	else
		parting_record(parting, alive ? "closed" : CARRIERS_ENDED);
}

static void carrying_release(struct loop_garbage *garbage)
{
	free(CONTAINER_OF(garbage, struct carrying, garbage));
}

static void carrying_forget(struct loop_timeout *timeout)
{
	struct carrying *carrier = CONTAINER_OF(timeout, struct carrying, memory);

	loop_timeout_stop(&carrier->carriers->memories, timeout);
	LIST_REMOVE(carrier, entry);
	loop_discard(carrier->carriers->agent->loop, &carrier->garbage);
}

struct carriers_dead {
	struct agent *agent;
	uint32_t pid; /* of the one; 0: of each that is no process any more */
};

static void carriers_end_left(uint64_t cookie, const struct session *session, void *arg)
{
	const struct carriers_dead *dead = arg;
	const struct monitor_end end = { .why = dead->pid ? CARRIERS_DIED : CARRIERS_ENDED };

	if (session->worker != LW_WORKER_CARRIED)
		return;
	if (dead->pid ? session->carrier == dead->pid : !carrying_is_alive(session->carrier))
		monitor_end_session(dead->agent, cookie, session, &end);
}

/* It has ended. What the kernel has not told of by now, and will not any more, is recorded here. */
static void carrying_lost(struct carrying *carrier)
{
	struct carriers *carriers = carrier->carriers;
	const struct carriers_dead dead = { carriers->agent, (uint32_t)carrier->pid };
	struct parting *parting, *next;
	int fd = carrier->io.fd;

	if (fd < 0)
		return;
	loop_remove(carriers->agent->loop, &carrier->io);
	close(fd);
	loop_timeout_start(carriers->agent->loop, &carriers->memories, &carrier->memory);
	if (!carrier->pid)
		return;
	for (parting = TAILQ_FIRST(&carriers->partings); parting; parting = next) {
		next = TAILQ_NEXT(parting, entry);
		if (!parting->told && parting->carrier == dead.pid)
			parting_record(parting, CARRIERS_DIED);
	}
	dataplane_sessions(carriers->agent->dataplane, carriers_end_left, (void *)&dead);
}

/* One that asks for a second socket has no use for it; sessions end with the first one's end. */
static int carrying_greet(struct carrying *carrier, const struct handover *message)
{
	const struct carrying *first = carriers_find(carrier->carriers, (uint32_t)message->pid);

	if (carrier->pid || message->pid <= 0 || (first && first->io.fd >= 0))
		return -EPROTO;
	carrier->pid = message->pid;
	return 0;
}

static int carrying_loads(struct carrying *carrier, const struct handover *message)
{
	if (!carrier->pid)
		return -EPROTO;
	carrier->sessions = message->load.sessions;
	carrier->room = message->load.room;
	/* one that is full is not one that retires */
	if (!message->load.retires || carrier->retired)
		return 0;
	/* it has had all that it gets, and may end when that has */
	carrier->retired = true;
	return shutdown(carrier->io.fd, SHUT_WR) < 0 ? -errno : 0;
}

/* Remembered for the kernel, which has deleted the entry and tells of it in a moment. */
static void carrying_remember(struct carrying *carrier, const struct handover *message)
{
	struct carriers *carriers = carrier->carriers;
	struct parting *parting;

	if (carriers->told_count >= CARRIERS_TOLD_MAX)
		return;
	parting = parting_new(carriers, message->cookie, (uint32_t)carrier->pid);
	if (!parting)
		return;
	parting->told = true;
	parting->end = message->end;
	carriers->told_count++;
}

static int carrying_ended(struct carrying *carrier, const struct handover *message)
{
	struct carriers *carriers = carrier->carriers;
	struct agent *agent = carriers->agent;
	const uint32_t pid = (uint32_t)carrier->pid;
	const struct monitor_end end = {
		.bytes_in = message->end.bytes_in,
		.bytes_out = message->end.bytes_out,
		.why = message->end.why,
	};
	struct parting *parting;
	struct session session;

	if (!carrier->pid)
		return -EPROTO;
	if (carrier->sessions)
		carrier->sessions--;
	carrier->room += !carrier->retired;
	parting = parting_find(carriers, message->cookie, pid, false);
	if (parting) {
		monitor_record_end(agent, parting->cookie, &parting->session, &end);
		parting_free(parting);
		return 0;
	}
	/* of a session of this carrier and of no other */
	if (dataplane_session(agent->dataplane, message->cookie, &session) == 0 &&
	    (session.worker != LW_WORKER_CARRIED || session.carrier != pid ||
	     monitor_end_session(agent, message->cookie, &session, &end)))
		return 0;
	carrying_remember(carrier, message);
	return 0;
}

static const struct {
	int (*handle)(struct carrying *carrier, const struct handover *message);
} carrying_rows[HANDOVER_TYPE_COUNT] = {
	[HANDOVER_CARRIER] = { carrying_greet },
	[HANDOVER_CARRIES] = { carrying_loads },
	[HANDOVER_ENDED] = { carrying_ended },
};

/* One that was taken over may say something as fast as it is heard. */
static bool carrying_may_speak(struct carrying *carrier)
{
	const uint64_t now = loop_now(carrier->carriers->agent->loop);

	if (carrier->round != now)
		carrier->heard = 0;
	carrier->round = now;
	return carrier->heard++ < CARRIERS_QUEUE;
}

/* max: messages */
static void carrying_hear(struct carrying *carrier, int max)
{
	struct handover message;
	int fds[PACKET_FDS_MAX];
	int i, err = 0;

	for (i = 0; !err && carrier->io.fd >= 0 && i < max && carrying_may_speak(carrier); i++) {
		err = handover_receive(carrier->io.fd, HANDOVER_AT_CARRIERS_MAIN, &message, fds);
		if (!err)
			err = carrying_rows[message.type].handle(carrier, &message);
	}
	if (!err || err == -EAGAIN)
		return;
	if (err != -EPIPE && carrier->pid) {
		log_line(LOG_ERR, "carrier %d is ended: %s", (int)carrier->pid, strerror(-err));
		kill(carrier->pid, SIGKILL);
	}
	carrying_lost(carrier);
}

static void carrying_ready(struct loop_io *io, uint32_t events)
{
	(void)events;
	carrying_hear(CONTAINER_OF(io, struct carrying, io), CARRIERS_MESSAGES);
}

static struct carrying *carriers_choose(const struct carriers *carriers)
{
	struct carrying *carrier, *best = NULL;

	LIST_FOREACH(carrier, &carriers->list, entry)
		if (carrier->io.fd >= 0 && carrier->room && !carrier->retired &&
		    (!best || carrier->sessions < best->sessions))
			best = carrier;
	return best;
}

int carriers_give(struct carriers *carriers, uint64_t cookie, const struct session *session,
		  int client, int app, const struct carry *carry)
{
	struct dataplane *dataplane = carriers->agent->dataplane;
	struct carrying *carrier = carriers_choose(carriers);
	struct handover message = { .type = HANDOVER_CARRY, .cookie = cookie };
	struct session carried = *session;
	const int fds[] = { client, app };
	int err;

	if (!carrier)
		return -ENOTCONN;
	carried.worker = LW_WORKER_CARRIED;
	carried.carrier = (uint32_t)carrier->pid;
	/* before it is: once it is, it may end */
	err = dataplane_session_update(dataplane, cookie, &carried);
	if (err)
		return err;
	message.carry = *carry;
	err = handover_send(carrier->io.fd, &message, fds, 2);
	carry_wipe(&message.carry);
	if (err) {
		dataplane_session_update(dataplane, cookie, session);
		return err;
	}
	carrier->sessions++;
	carrier->room--;
	return 0;
}

void carriers_ending(struct carriers *carriers, const struct ending *ending)
{
	const struct monitor_end end = {
		.bytes_in = ending->bytes_in,
		.bytes_out = ending->bytes_out,
		.why = "closed",
	};
	const uint32_t pid = ending->session.carrier;
	struct carrying *carrier, *next;
	struct parting *parting;

	/* what its carrier has said by now: it says so before it closes */
	for (carrier = LIST_FIRST(&carriers->list); carrier; carrier = next) {
		next = LIST_NEXT(carrier, entry);
		if ((uint32_t)carrier->pid == pid)
			carrying_hear(carrier, CARRIERS_QUEUE);
	}
	parting = parting_find(carriers, ending->cookie, pid, true);
	if (parting) {
		parting->session = ending->session;
		parting_record(parting, parting->end.why);
		return;
	}
	parting = parting_new(carriers, ending->cookie, pid);
	if (!parting) {
		monitor_record_end(carriers->agent, ending->cookie, &ending->session, &end);
		return;
	}
	parting->session = ending->session;
	parting->end.bytes_in = ending->bytes_in;
	parting->end.bytes_out = ending->bytes_out;
	/* a peer's reset closes a socket before its carrier knows; one that ended says nothing more */
	carrier = carriers_find(carriers, pid);
	if (carrier && carrier->io.fd < 0)
		parting_record(parting, CARRIERS_DIED);
}

static void carriers_settle(struct loop_timeout *timeout)
{
	struct carriers *carriers = CONTAINER_OF(timeout, struct carriers, settle);
	const struct carriers_dead dead = { carriers->agent, 0 };

	/* what starts before the loop runs counts from some time ago: the second round is a whole one */
	if (!carriers->settling) {
		carriers->settling = true;
		loop_timeout_start(carriers->agent->loop, &carriers->settles, timeout);
		return;
	}
	dataplane_sessions(carriers->agent->dataplane, carriers_end_left, (void *)&dead);
}

static void carriers_accept(struct loop_io *io, uint32_t events)
{
	struct carriers *carriers = CONTAINER_OF(io, struct carriers, socket);
	_cleanup_fd_ int fd = accept4(io->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct carrying *carrier;

	(void)events;
	if (fd < 0)
		return;
	carrier = calloc(1, sizeof(*carrier));
	if (!carrier)
		return;
	carrier->carriers = carriers;
	carrier->io = (struct loop_io){ -1, carrying_ready };
	carrier->garbage.release = carrying_release;
	if (loop_add(carriers->agent->loop, &carrier->io, fd, EPOLLIN) < 0) {
		free(carrier);
		return;
	}
	TAKE_FD(fd);
	LIST_INSERT_HEAD(&carriers->list, carrier, entry);
}

int carriers_start(struct agent *agent, struct carriers **out)
{
	struct carriers *carriers = calloc(1, sizeof(*carriers));
	int fd, err;

	if (!carriers)
		return -ENOMEM;
	*carriers = (struct carriers){
		.agent = agent,
		.socket = { -1, carriers_accept },
		.waits = { .duration = CARRIERS_WAIT, .expired = parting_expired },
		.settles = { .duration = CARRIERS_SETTLE, .expired = carriers_settle },
		.memories = { .duration = CARRIERS_WAIT, .expired = carrying_forget },
	};
	LIST_INIT(&carriers->list);
	TAILQ_INIT(&carriers->partings);
	/* the keeper connects them, and is root's */
	err = fd = handover_listen(agent->config->run_path, HANDOVER_CARRY_SOCKET, 0600, 0);
	if (fd >= 0) {
		err = loop_add(agent->loop, &carriers->socket, fd, EPOLLIN);
		if (err)
			close(fd);
	}
	if (err < 0) {
		free(carriers);
		return err;
	}
	loop_timeouts_add(agent->loop, &carriers->waits);
	loop_timeouts_add(agent->loop, &carriers->settles);
	loop_timeouts_add(agent->loop, &carriers->memories);
	loop_timeout_start(agent->loop, &carriers->settles, &carriers->settle);
	*out = carriers;
	return 0;
}

void carriers_stop(struct carriers *carriers)
{
	struct parting *parting;
	struct carrying *carrier;
	struct loop *loop;
	int fd;

	if (!carriers)
		return;
	loop = carriers->agent->loop;
	loop_timeout_stop(&carriers->settles, &carriers->settle);
	while ((parting = TAILQ_FIRST(&carriers->partings)))
		parting_expired(&parting->wait);
	while ((carrier = LIST_FIRST(&carriers->list))) {
		fd = carrier->io.fd;
		loop_remove(loop, &carrier->io);
		if (fd >= 0)
			close(fd);
		carrying_forget(&carrier->memory);
	}
	fd = carriers->socket.fd;
	loop_remove(loop, &carriers->socket);
	close(fd);
	free(carriers);
}

json_t *carriers_to_json(const struct carriers *carriers)
{
	const struct carrying *carrier;
	json_t *list = json_array();

	LIST_FOREACH(carrier, &carriers->list, entry)
		if (carrier->io.fd >= 0 && carrier->pid)
			json_array_append_new(list,
					      json_pack("{s:i, s:I, s:b}", "pid", (int)carrier->pid,
							"sessions", (json_int_t)carrier->sessions,
							"retired", (int)carrier->retired));
	return list;
}
