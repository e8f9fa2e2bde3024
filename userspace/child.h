/* SPDX-License-Identifier: Apache-2.0 */
/* How a process begins that is a fork() of the keeper, and outlives it. */
#ifndef USERSPACE_CHILD_H
#define USERSPACE_CHILD_H

/* No signal is blocked, those that end the keeper are ignored; ps(1) shows its name. */
void child_begin(const char *name);

#endif
