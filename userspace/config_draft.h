/* SPDX-License-Identifier: Apache-2.0 */
/* One section "line" while it is read: what its keys' readers work on. */
#ifndef USERSPACE_CONFIG_DRAFT_H
#define USERSPACE_CONFIG_DRAFT_H

#include "userspace/config.h"
#include "userspace/config_syntax.h"

struct config_draft {
	const struct config_syntax *syntax;
	cfg_t *section;
	struct config *config; /* everything that is not a line has been read into it */
	struct config_line line; /* both directions' */
	bool inbound, outbound;
	uint16_t remote_port; /* outbound: of the peer */
};

/*
 * Each of these reads some keys of the section, in this order, and returns 0, -EINVAL with
 * the message set, or -ENOMEM.
 */

/* config_direction_read - "direction", "port" and "remote-port"; the function is known */
int config_direction_read(struct config_draft *draft);

/* config_service_read - "service-security" and "plain-port": of admin lines alone */
int config_service_read(struct config_draft *draft);

/* config_level_read - "level", or the setting that is in force for the function */
int config_level_read(struct config_draft *draft);

/* config_names_read - "host-names" and "sip-domains"; the level and the direction are known */
int config_names_read(struct config_draft *draft);

/* config_namespace_read - "namespace"; adds it to the configuration where it is new */
int config_namespace_read(struct config_draft *draft);

/**
 * config_direction_split - what the section makes: a line for each direction
 * @lines: two zeroed ones; those that were made are to be freed with config_line_free()
 * @count: 1 or 2, the inbound one first
 *
 * Returns 0 or -ENOMEM.
 */
int config_direction_split(struct config_draft *draft, struct config_line lines[2],
			   size_t *count);

/**
 * config_names_copy - copies of a rule's names, in place of the borrowed ones
 *
 * Returns 0, or -ENOMEM with the rule's names empty.
 */
int config_names_copy(struct rule *rule);

/* config_names_free - releases a rule's names, and leaves none */
void config_names_free(struct rule *rule);

/**
 * config_names_server - the name to send as SNI: ASCII, never an address
 * @out: to be freed; NULL where the names hold none
 *
 * SIP: the SIP domain (RFC 5922 section 7.8) before any host name.
 *
 * Returns 0 or -ENOMEM.
 */
int config_names_server(const struct rule *rule, char **out);

#endif
