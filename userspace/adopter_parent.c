// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "userspace/adopter.h"
#include "userspace/fd.h"

#define PARENTS_MAX 64 /* known at once: an app has few, but may close them and listen anew */

struct parent {
	TAILQ_ENTRY(parent) entry;
	uint64_t cookie;
	pid_t tid; /* who called last, */
	int number; /* and by which descriptor */
	struct app_address address;
	bool sure; /* that it is a governed address, and still this one */
	struct inherit_options options; /* while they hold, see parents_come() */
};

static struct parent *parent_find(struct adopter *adopter, uint64_t cookie)
{
	struct parent *parent;

	TAILQ_FOREACH(parent, &adopter->parents, entry)
		if (parent->cookie == cookie)
			return parent;
	return NULL;
}

static void parent_forget(struct adopter *adopter, struct parent *parent)
{
	TAILQ_REMOVE(&adopter->parents, parent, entry);
	adopter->parent_count--;
	free(parent);
}

static struct parent *parent_make(struct adopter *adopter, uint64_t cookie)
{
	struct parent *parent = parent_find(adopter, cookie);

	if (parent)
		return parent;
	if (adopter->parent_count == PARENTS_MAX)
		parent_forget(adopter, TAILQ_FIRST(&adopter->parents));
	parent = calloc(1, sizeof(*parent));
	if (!parent)
		return NULL;
	parent->cookie = cookie;
	TAILQ_INSERT_TAIL(&adopter->parents, parent, entry);
	adopter->parent_count++;
	return parent;
}

static int parent_cookie(int fd, uint64_t *cookie)
{
	socklen_t size = sizeof(*cookie);

	return getsockopt(fd, SOL_SOCKET, SO_COOKIE, cookie, &size) < 0 ? -errno : 0;
}

static bool parent_is_listening(int fd)
{
	socklen_t size = sizeof(int);
	int listening = 0;

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening;
}

bool parent_meet(struct adopter *adopter, struct adopter_call *call)
{
	struct parent *parent;

	if (parent_cookie(call->listener, &call->cookie) < 0 ||
	    !parent_is_listening(call->listener))
		return false;
	parent = parent_find(adopter, call->cookie);
	if (!parent || !parent->sure) {
		if (!listener_address(adopter, call->listener, &call->address))
			return false;
		parent = parent_make(adopter, call->cookie);
		if (!parent)
			return true;
		parent->address = call->address;
		parent->sure = true;
	}
	parent->tid = (pid_t)call->notify->call.pid;
	parent->number = (int)call->notify->call.data.args[0];
	call->address = parent->address;
	return true;
}

void parent_endow(struct adopter *adopter, const struct adopter_call *call, int client)
{
	struct parent *parent = parent_find(adopter, call->cookie);
	struct inherit_options options;

	if (!parent) {
		inherit_read(call->listener, &options);
		inherit_give(&options, client, adopter->ledger->usual);
		return;
	}
	if (!parent->options.has)
		inherit_read(call->listener, &parent->options);
	inherit_give(&parent->options, client, adopter->ledger->usual);
}

void parent_learn(struct adopter *adopter, const struct adopter_call *call, bool anew)
{
	struct parent *parent = parent_find(adopter, call->cookie);

	if (parent && (anew || !parent->options.has))
		inherit_read(call->listener, &parent->options);
}

/* By the descriptor that it had last: false where that is another file now, or none. */
static bool parent_ask(struct adopter *adopter, struct parent *parent)
{
	_cleanup_fd_ int fd = tasks_descriptor_again(adopter->tasks, parent->tid, parent->number);
	uint64_t cookie;

	if (fd < 0 || parent_cookie(fd, &cookie) < 0 || cookie != parent->cookie)
		return false;
	inherit_read(fd, &parent->options);
	if (!parent->sure)
		parent->sure = listener_address(adopter, fd, &parent->address);
	return true;
}

void parents_come(struct adopter *adopter, const struct place *place, bool ask)
{
	struct parent *parent, *serves = NULL;

	TAILQ_FOREACH(parent, &adopter->parents, entry) {
		parent->options.has = 0;
		if (listener_serves(adopter, &parent->address, &place->at))
			serves = parent;
	}
	/* of several, each in its own call: they would have the app wait for us now */
	if (ask && serves && !parent_ask(adopter, serves))
		parent_forget(adopter, serves);
}

void parents_doubt(struct adopter *adopter)
{
	struct parent *parent;

	TAILQ_FOREACH(parent, &adopter->parents, entry) {
		parent->sure = false;
		parent->options.has = 0;
	}
}

void parents_forget_all(struct adopter *adopter)
{
	while (!TAILQ_EMPTY(&adopter->parents))
		parent_forget(adopter, TAILQ_FIRST(&adopter->parents));
}
