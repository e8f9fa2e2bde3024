// SPDX-License-Identifier: Apache-2.0
/* Ends live sessions: `linewarden kill`. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/agent.h"
#include "userspace/destroy.h"
#include "userspace/netns.h"

static int kill_socket(const struct agent *agent, uint64_t cookie, const struct session *session)
{
	struct endpoint local, peer;
	uint32_t netns;
	int back, err;

	if (endpoint_parse(session->local, &local) < 0 || endpoint_parse(session->peer, &peer) < 0)
		return -EINVAL;
	err = dataplane_netns(agent->dataplane, agent->config, session->netns, &netns);
	if (!err)
		err = netns_enter(agent->config->namespaces[netns].path, &back);
	if (err)
		return err;
	err = destroy_connection(&local, &peer, cookie);
	netns_leave(back);
	return err;
}

/* In the kernel its end is nobody's to tell of while we end it; else it is listed as it was. */
static int kill_and_record(struct agent *agent, uint64_t cookie, const struct session *session)
{
	struct session mine = *session;
	int err;

	mine.worker = LW_WORKER_NONE;
	err = dataplane_session_change(agent->dataplane, cookie, &mine);
	if (err)
		return err;
	err = kill_socket(agent, cookie, session);
	if (err)
		dataplane_session_change(agent->dataplane, cookie, session);
	else
		monitor_end_cookie(agent, cookie, "ended by the operator");
	return err;
}

static json_t *kill_error(const char *why)
{
	return json_pack("{s:s}", "error", why);
}

json_t *kill_session(struct agent *agent, const char *argument)
{
	struct session session;
	char *end = NULL;
	uint64_t cookie;
	int err;

	errno = 0;
	cookie = argument ? strtoull(argument, &end, 10) : 0;
	if (!argument || !*argument || *end || errno)
		return kill_error("name a session by its cookie, a number");
	if (dataplane_session(agent->dataplane, cookie, &session) < 0)
		return kill_error("no session has that cookie");
	err = kill_and_record(agent, cookie, &session);
	if (err == -ENOENT || err == -ESTALE)
		return kill_error("the kernel does not find its connection");
	if (err)
		return kill_error(strerror(-err));
	return json_pack("{s:I, s:s, s:s}", "cookie", (json_int_t)cookie, "line", session.line,
			 "peer", session.peer);
}
