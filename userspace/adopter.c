// SPDX-License-Identifier: Apache-2.0
#include "userspace/adopter.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>

#include "userspace/fd.h"
#include "userspace/netns.h"

#define ADOPTER_TICK_NS (LOOP_SECOND / 20)

void adopter_done(struct adopter *adopter, union notify *call)
{
	memset(call, 0, sizeof(*call));
	if (!adopter->deaf)
		return;
	adopter->deaf = false;
	loop_change(adopter->loop, &adopter->calls, EPOLLIN);
}

void adopter_continue(struct adopter *adopter, union notify *call)
{
	notify_continue(adopter->calls.fd, call);
	adopter_done(adopter, call);
}

void adopter_fail(struct adopter *adopter, union notify *call, int err)
{
	notify_fail(adopter->calls.fd, call, err);
	adopter_done(adopter, call);
}

void adopter_tick_soon(struct adopter *adopter)
{
	if (!adopter->tick.at)
		loop_timeout_start(adopter->loop, &adopter->ticks, &adopter->tick);
}

static void adopter_tick(struct loop_timeout *timeout)
{
	struct adopter *adopter = CONTAINER_OF(timeout, struct adopter, tick);
	bool places = place_tick(adopter), dials = connect_tick(adopter);

	if (held_tick(adopter) || places || dials)
		loop_timeout_start(adopter->loop, &adopter->ticks, timeout);
}

static void adopter_beat(struct loop_timeout *timeout)
{
	struct adopter *adopter = CONTAINER_OF(timeout, struct adopter, beat);

	beat_give(&adopter->ledger->beat);
	held_sweep(adopter);
	parents_doubt(adopter);
	held_learn(adopter);
	adopter_keeper_seek(adopter);
	loop_timeout_start(adopter->loop, &adopter->beats, timeout);
}

static void adopter_process_ended(void *arg)
{
	held_sweep(arg);
}

/* The app is about to listen: where, is known already, unless it leaves the port to the kernel. */
static void adopter_listen(struct adopter *adopter, union notify *call)
{
	struct app_address address;
	_cleanup_fd_ int fd = tasks_descriptor(adopter->tasks, (pid_t)call->call.pid,
					       (int)call->call.data.args[0]);
	struct place *place;

	adopter_continue(adopter, call);
	parents_doubt(adopter);
	if (fd < 0 || !listener_address(adopter, fd, &address))
		return;
	listener_note(adopter, &address);
	LIST_FOREACH(place, &adopter->places, entry)
		if (listener_serves(adopter, &address, &place->at))
			place_call(adopter, place);
}

static void adopter_handle(struct adopter *adopter, union notify *call)
{
	switch (call->call.data.nr) {
	case SYS_accept:
	case SYS_accept4:
		adopter_accept(adopter, call);
		return;
	case SYS_connect:
		adopter_connect(adopter, call);
		return;
	case SYS_bind:
		/* an address that a call which is over still occupies */
		held_sweep(adopter);
		adopter_continue(adopter, call);
		return;
	case SYS_listen:
		adopter_listen(adopter, call);
		return;
	default:
		adopter_continue(adopter, call);
		return;
	}
}

static void adopter_calls(struct loop_io *io, uint32_t events)
{
	struct adopter *adopter = CONTAINER_OF(io, struct adopter, calls);
	union notify *call;
	int err;

	if (events & EPOLLIN) {
		call = ledger_free_call(adopter->ledger);
		if (!call) {
			held_sweep(adopter);
			call = ledger_free_call(adopter->ledger);
		}
		if (!call) {
			adopter->deaf = true;
			loop_change(adopter->loop, io, 0);
			return;
		}
		err = notify_receive(io->fd, call);
		if (!err)
			adopter_handle(adopter, call);
		return;
	}
	/* no process has the filter any more */
	if (events & (EPOLLHUP | EPOLLERR))
		loop_stop(adopter->loop);
}

/* Calls that an adopter before this one took and did not answer. */
static void adopter_inherit_calls(struct adopter *adopter)
{
	union notify *call;
	size_t i;

	for (i = 0; i < LEDGER_CALLS; i++)
		if (adopter->ledger->calls[i].call.id &&
		    adopter->ledger->calls[i].call.data.nr == SYS_connect)
			adopter_inherit_connect(adopter, &adopter->ledger->calls[i]);
	ledger_settle(adopter->ledger, adopter->calls.fd);
	for (i = 0; i < LEDGER_CALLS; i++) {
		call = &adopter->ledger->calls[i];
		if (!call->call.id)
			continue;
		if (notify_is_valid(adopter->calls.fd, call))
			adopter_handle(adopter, call);
		else
			adopter_done(adopter, call);
	}
}

static int adopter_start(struct adopter *adopter, const struct adopter_setup *setup)
{
	int err;

	err = notify_check_size();
	if (!err)
		err = netns_cookie(&adopter->netns);
	if (!err)
		err = loop_new(&adopter->loop);
	if (err)
		return err;
	adopter->tasks = tasks_new(adopter->loop, adopter_process_ended, adopter);
	if (!adopter->tasks)
		return -ENOMEM;
	adopter->ticks = (struct loop_timeouts){ .duration = ADOPTER_TICK_NS,
						 .expired = adopter_tick };
	adopter->beats = (struct loop_timeouts){ .duration = LOOP_SECOND, .expired = adopter_beat };
	loop_timeouts_add(adopter->loop, &adopter->ticks);
	loop_timeouts_add(adopter->loop, &adopter->beats);
	err = ledger_map(setup->kept[HANDOVER_KEPT_LEDGER], &adopter->ledger);
	if (!err)
		err = adopter_keeper_start(adopter, setup->keeper);
	if (err)
		return err;
	adopter_beat(&adopter->beat);
	adopter->calls = (struct loop_io){ -1, adopter_calls };
	return loop_add(adopter->loop, &adopter->calls, setup->kept[HANDOVER_KEPT_CALLS], EPOLLIN);
}

int adopter_run(const struct adopter_setup *setup)
{
	struct adopter adopter = {
		.run_path = setup->run_path,
		.id = setup->id,
		.pid = setup->pid,
		.wrapping = setup->wrapping,
		.agent = { -1, NULL },
	};
	int err;

	snprintf(adopter.name, sizeof(adopter.name), "%s", setup->name);
	memcpy(adopter.kept, setup->kept, sizeof(adopter.kept));
	memcpy(adopter.maps, setup->maps, sizeof(adopter.maps));
	LIST_INIT(&adopter.places);
	LIST_INIT(&adopter.taken);
	TAILQ_INIT(&adopter.parents);
	TAILQ_INIT(&adopter.held);
	LIST_INIT(&adopter.dials);
	err = adopter_start(&adopter, setup);
	if (err) {
		adopter_answer_exec(&adopter, err);
	} else {
		adopter_inherit_calls(&adopter);
		adopter_agent_start(&adopter);
		err = loop_run(adopter.loop);
		held_drop_all(&adopter);
		connect_drop_all(&adopter);
		place_return_all(&adopter, -ESRCH);
		listener_forget_all(&adopter);
		parents_forget_all(&adopter);
		adopter_agent_stop(&adopter);
		tasks_free(adopter.tasks);
	}
	loop_free(adopter.loop);
	return err;
}
