// SPDX-License-Identifier: Apache-2.0
/* Ends live sessions: `linewarden kill`. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/agent.h"
#include "userspace/destroy.h"
#include "userspace/netns.h"

#define KILL_REASON "ended by the operator"

static int kill_socket(const struct agent *agent, uint64_t cookie, const struct session *session)
{
	struct endpoint local, peer;
	int back, err;

	if (session->netns >= agent->config->namespace_count ||
	    endpoint_parse(session->local, &local) < 0 || endpoint_parse(session->peer, &peer) < 0)
		return -EINVAL;
	err = netns_enter(agent->config->namespaces[session->netns].path, &back);
	if (err)
		return err;
	err = destroy_connection(&local, &peer, cookie);
	netns_leave(back);
	return err;
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
		return json_pack("{s:s}", "error", "name a session by its cookie, a number");
	err = dataplane_session(agent->dataplane, cookie, &session);
	if (!err) {
		/* recorded with its reason first: its end is going to be told of otherwise */
		monitor_end_cookie(agent, cookie, KILL_REASON);
		err = kill_socket(agent, cookie, &session);
	}
	if (err)
		return json_pack("{s:s}", "error",
				 err == -ENOENT ? "no session has that cookie" : strerror(-err));
	return json_pack("{s:I, s:s, s:s}", "cookie", (json_int_t)cookie, "line", session.line,
			 "peer", session.peer);
}
