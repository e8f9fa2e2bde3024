/* SPDX-License-Identifier: Apache-2.0 */
/* File descriptors that close themselves: see policy/cleanup.h for the idea. */
#ifndef USERSPACE_FD_H
#define USERSPACE_FD_H

#include <stddef.h>
#include <unistd.h>

#include "policy/cleanup.h"

static inline void cleanup_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}
#define _cleanup_fd_ _cleanup_(cleanup_fd)

/* Closes every descriptor of the process but these, in any order; -1 stands for none. */
void fd_close_others(const int *keep, size_t count);

/* hands a descriptor on: the cleanup of the variable then finds -1 */
#define TAKE_FD(fd)                                                                                \
	({                                                                                         \
		int take_fd_ = (fd);                                                               \
		(fd) = -1;                                                                         \
		take_fd_;                                                                          \
	})

#endif
