// SPDX-License-Identifier: Apache-2.0
#include "userspace/child.h"

#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>

void child_begin(const char *name)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_NAME, name, 0, 0, 0);
}
