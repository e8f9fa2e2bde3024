/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system calls of a wrapped app that somebody else answers: seccomp(2), user notification.
 *
 * This is no security boundary (seccomp_unotify(2)): an app that escapes it meets its clients
 * by relay, and the gate all the same.
 */
#ifndef USERSPACE_WRAP_FILTER_H
#define USERSPACE_WRAP_FILTER_H

#include <seccomp.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * A filter for an architecture, SCMP_ARCH_X86_64 or SCMP_ARCH_AARCH64: accept(), accept4(),
 * listen() and bind() are notified, and with connects connect(), too; io_uring, which could accept unseen, does not exist (ENOSYS); a call of another architecture kills the process; all else
 * is as before. *out is the caller's, for seccomp_release(). -EOPNOTSUPP: another architecture;
 * -ENOMEM.
 */
int wrap_filter_new(uint32_t arch, bool connects, scmp_filter_ctx *out);

/*
 * Puts this process under a filter for good, and whatever it executes and forks. *notify, the
 * caller's and close-on-exec, has the notifications: while nobody takes them the notified calls
 * hang, and once its last copy is closed they fail with ENOSYS.
 *
 * Without CAP_SYS_ADMIN no_new_privs is set, which the kernel asks for then: no program that it
 * executes gains privileges any more.
 *
 * -EBUSY: this process is under a filter with notifications already, of which there can be one
 * (kernel/seccomp.c, has_duplicate_listener); -errno of seccomp(), memfd_create();
 * -E2BIG: a filter with more than there is room for.
 */
int wrap_filter_load(scmp_filter_ctx filter, int *notify);

#endif
