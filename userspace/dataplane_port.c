// SPDX-License-Identifier: Apache-2.0
/* The governed ports, and the sockets that listen in their place. */
#include <bpf/bpf.h>
#include <errno.h>

#include "userspace/dataplane_internal.h"

static __u32 listener_key(const struct listener *listener)
{
	return 2 * listener->slot + listener->ipv6;
}

int dataplane_set_listener(struct dataplane *dataplane, const struct listener *listener)
{
	struct tag tag = { .state = STATE_HANDSHAKE };
	__u32 key = listener_key(listener);
	__u64 value = (__u64)listener->fd;

	if (bpf_map_update_elem(bpf_map__fd(dataplane->skel->maps.tags), &listener->fd, &tag,
				BPF_ANY) < 0)
		return -errno;
	if (bpf_map_update_elem(bpf_map__fd(dataplane->skel->maps.listeners), &key, &value,
				BPF_ANY) < 0)
		return -errno;
	return 0;
}

void dataplane_unset_listener(struct dataplane *dataplane, const struct listener *listener)
{
	__u32 key = listener_key(listener);

	bpf_map_delete_elem(bpf_map__fd(dataplane->skel->maps.listeners), &key);
}

static int dataplane_write_port(struct dataplane *dataplane, uint32_t netns, uint16_t port,
				struct port_rule rule)
{
	struct port_key key = { .netns = dataplane_number(dataplane, netns), .port = port };

	return bpf_map_update_elem(bpf_map__fd(dataplane->skel->maps.ports), &key, &rule, BPF_ANY) <
			       0 ?
		       -errno :
		       0;
}

int dataplane_map_port(struct dataplane *dataplane, uint32_t netns, uint16_t port, bool mapped)
{
	struct port_key key = { .netns = dataplane_number(dataplane, netns), .port = port };
	int map = bpf_map__fd(dataplane->skel->maps.ports);
	struct port_rule rule;

	if (bpf_map_lookup_elem(map, &key, &rule) < 0)
		return -errno;
	if (rule.mapped == mapped)
		return 0;
	rule.mapped = mapped;
	return bpf_map_update_elem(map, &key, &rule, BPF_EXIST) < 0 ? -errno : 0;
}

/* Where connect() sends what a namespace's lines claim: its outlet, in each family. */
static int dataplane_write_outlet(struct dataplane *dataplane, const struct listener *listener)
{
	int map = bpf_map__fd(dataplane->skel->maps.outlets);
	__u32 number = dataplane_number(dataplane, listener->netns);
	struct outlet outlet = { 0 };

	bpf_map_lookup_elem(map, &number, &outlet);
	if (listener->ipv6)
		outlet.port6 = listener->bound;
	else
		outlet.port4 = listener->bound;
	return bpf_map_update_elem(map, &number, &outlet, BPF_ANY) < 0 ? -errno : 0;
}

/*
 * A connect() that was on its way to an outlet of the daemon before: nobody who has taken
 * its port meanwhile is to get what comes.
 */
static int dataplane_close_outlets(struct dataplane *dataplane, uint32_t netns)
{
	uint32_t other = dataplane_other_bank(dataplane), number;
	int map = bpf_map__fd(dataplane->skel->maps.outlets), err = 0;
	const struct port_rule closed = { .action = ACTION_DROP };
	struct outlet outlet;

	for (number = other; !err && number < other + LW_NAMESPACES_MAX; number++) {
		if (bpf_map_lookup_elem(map, &number, &outlet) < 0)
			continue;
		if (outlet.port4)
			err = dataplane_write_port(dataplane, netns, outlet.port4, closed);
		if (!err && outlet.port6)
			err = dataplane_write_port(dataplane, netns, outlet.port6, closed);
	}
	return err;
}

int dataplane_write_ports(struct dataplane *dataplane, const struct listeners *listeners,
			  const struct config *config)
{
	const struct listener_port *port;
	const struct listener *entry;
	struct port_rule rule;
	int err = 0;
	size_t i;

	for (i = 0; !err && i < config->namespace_count; i++)
		err = dataplane_close_outlets(dataplane, (uint32_t)i);
	for (i = 0; !err && i < config->closed_port_count; i++)
		err = dataplane_write_port(dataplane, config->closed_ports[i].netns,
					   config->closed_ports[i].port,
					   (struct port_rule){ .action = ACTION_DROP });
	for (i = 0; !err && i < listeners->count; i++) {
		entry = &listeners->entries[i];
		port = &listeners->ports[entry->port];
		rule = (struct port_rule){ ACTION_STEER, entry->slot, port->direction, 0 };
		err = dataplane_write_port(dataplane, port->netns,
					   port->port ? port->port : entry->bound, rule);
		if (!err && port->direction == DIRECTION_OUTBOUND)
			err = dataplane_write_outlet(dataplane, entry);
	}
	return err;
}
