/* SPDX-License-Identifier: Apache-2.0 */
/* One packet of a SOCK_SEQPACKET socket with descriptors beside it: unix(7), SCM_RIGHTS. */
#ifndef USERSPACE_PACKET_H
#define USERSPACE_PACKET_H

#include <stddef.h>

enum { PACKET_FDS_MAX = 4 };

/*
 * Sends one, with descriptors, which stay the caller's. Blocks only where the socket does.
 * -EINVAL: too many descriptors; -errno of sendmsg().
 */
int packet_send(int socket, const void *bytes, size_t size, const int *fds, size_t fd_count);

/*
 * Receives one, without blocking. 0: *size bytes (at most max) and *fd_count descriptors, which
 * are the caller's then; the unused ones of fds are -1. -EAGAIN; -EPIPE: the other side is gone;
 * -EBADMSG: more bytes or descriptors than there is room for (they are closed).
 */
int packet_receive(int socket, void *bytes, size_t max, size_t *size, int fds[PACKET_FDS_MAX],
		   size_t *fd_count);

/* packet_drop_fds - closes what packet_receive() gave, and sets it to -1 */
void packet_drop_fds(int fds[PACKET_FDS_MAX]);

#endif
