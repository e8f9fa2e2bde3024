/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's listening sockets: for every governed port one of each address family,
 * bound to a loopback port of their own. sk_lookup hands them the connections of the
 * governed port whatever address these were made to.
 */
#ifndef USERSPACE_LISTENER_H
#define USERSPACE_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/config.h"

struct listener {
	int fd;
	uint32_t index; /* of its port in listeners.ports */
	bool ipv6;
};

struct listeners {
	struct listener *entries;
	size_t count;
	uint16_t *ports; /* governed ones, each once */
	uint32_t port_count;
};

/*
 * Opens them for the ports of the lines. A host without IPv6 has those of IPv4 alone.
 * 0, -ENOMEM, -errno; -E2BIG: more than LW_PORTS_MAX ports. On error nothing stays open.
 */
int listeners_open(const struct config *config, struct listeners *out);

/* Closes them; a zeroed struct is fine. */
void listeners_close(struct listeners *listeners);

#endif
