/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's own messages, to standard error: what an administrator of the host reads. */
#ifndef USERSPACE_LOG_H
#define USERSPACE_LOG_H

#include <syslog.h>

/*
 * Writes one line. priority: LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO. Under systemd
 * the line starts with <priority> (sd-daemon(3)), on a terminal with the program's name.
 */
void log_line(int priority, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
