/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses as the test programs write them: 127.0.0.1:5061, [::1]:5061, or without a port. */
#ifndef TESTS_PEER_ADDRESS_H
#define TESTS_PEER_ADDRESS_H

#include <sys/socket.h>

enum { ADDRESS_MAX = 64 };

/* address_parse - numeric alone; 0, -EINVAL */
int address_parse(const char *text, struct sockaddr_storage *address, socklen_t *size);

/* address_format - the same with a port; "none" where it is no such address */
void address_format(const struct sockaddr_storage *address, socklen_t size, char text[ADDRESS_MAX]);

#endif
