/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's listening sockets, one of each address family, bound to a loopback port of
 * their own: for every governed port, whose connections sk_lookup hands them whatever
 * address these were made to; and in every namespace with outbound lines an outlet, where
 * intercepted connections are sent.
 */
#ifndef USERSPACE_LISTENER_H
#define USERSPACE_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/config.h"

struct listener {
	int fd;
	uint32_t port; /* index of listeners.ports */
	uint32_t slot; /* that of the kernel's map for its port */
	uint32_t netns;
	uint16_t bound; /* its own port */
	bool ipv6;
};

struct listener_port {
	uint32_t netns;
	uint16_t port; /* 0: an outlet, whose ports are those that it is bound to */
	enum direction direction;
	uint32_t slot; /* the kernel's; a port that stays keeps it */
};

struct listeners {
	struct listener *entries;
	size_t count;
	struct listener_port *ports; /* each once */
	uint32_t port_count;
};

struct listener_keep;

/*
 * Opens them for the lines, or takes those that are there: before has those of the configuration in
 * force, of which these are duplicates then (NULL: there is none), keep those of a daemon before
 * this one. A host without IPv6 has those of IPv4 alone. On failure why says what to do, and
 * nothing stays open.
 * 0, -ENOMEM, -errno; -E2BIG: more than LW_PORTS_MAX ports.
 */
int listeners_open(const struct config *config, const struct listeners *before,
		   struct listener_keep *keep, struct listeners **out, char *why, size_t why_len);

/* The one of that port and family; NULL: there is none. An outlet's port is 0. */
const struct listener *listeners_find(const struct listeners *listeners,
				      const struct listener_port *port, bool ipv6);

/* Closes them. NULL is fine. */
void listeners_free(struct listeners *listeners);

#endif
