// SPDX-License-Identifier: Apache-2.0
/* Ends live sessions: `linewarden kill`. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/agent.h"
#include "userspace/session_end.h"

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
	err = session_end_one(agent, cookie, "ended by the operator");
	if (err == -ENOENT || err == -ESTALE)
		return kill_error("the kernel does not find its connection");
	if (err)
		return kill_error(strerror(-err));
	return json_pack("{s:I, s:s, s:s}", "cookie", (json_int_t)cookie, "line", session.line,
			 "peer", session.peer);
}
