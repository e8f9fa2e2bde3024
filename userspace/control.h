/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control socket: run-path/control, for root and one group (the file's mode says so).
 * A client sends one line, the name of a question, and gets one JSON document; one that says
 * "watch" gets audit records from then on: audience.h.
 */
#ifndef USERSPACE_CONTROL_H
#define USERSPACE_CONTROL_H

#include "userspace/agent.h"

struct control;

/* Makes the folder and the socket; one that a dead daemon left is replaced. -errno. */
int control_open(struct agent *agent, struct control **out);

/* Closes and removes it. NULL is fine. */
void control_close(struct control *control);

#endif
