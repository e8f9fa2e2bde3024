/* SPDX-License-Identifier: Apache-2.0 */
/* Network namespaces: setns(2). For a process with one thread. */
#ifndef USERSPACE_NETNS_H
#define USERSPACE_NETNS_H

#include <stdint.h>

/*
 * Enters a namespace. path: as in /run/netns/NAME; NULL: stays where it is.
 * 0 and *back for netns_leave(), or -errno with nothing changed. Takes CAP_SYS_ADMIN.
 */
int netns_enter(const char *path, int *back);

/* Returns to where netns_enter() was called. A process that cannot is aborted. */
void netns_leave(int back);

/* The cookie of the caller's namespace, by which BPF programs know it (SO_NETNS_COOKIE). -errno. */
int netns_cookie(uint64_t *out);

#endif
