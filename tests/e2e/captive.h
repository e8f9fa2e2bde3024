/* SPDX-License-Identifier: Apache-2.0 */
/* What another process has open, taken from outside. */
#ifndef TESTS_E2E_CAPTIVE_H
#define TESTS_E2E_CAPTIVE_H

#include <sys/types.h>

/* captive_channel - a worker's to the main process; the caller's to close, -1: none */
int captive_channel(pid_t pid);

/* captive_socket - that is connected to a client ("127.0.0.1:4711"); the same */
int captive_socket(pid_t pid, const char *client);

#endif
