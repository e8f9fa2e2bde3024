// SPDX-License-Identifier: Apache-2.0
/* The governed ports, and the sockets that listen in their place. */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "userspace/dataplane_internal.h"

int dataplane_set_listener(struct dataplane *dataplane, const struct listener *listener)
{
	struct tag tag = { .state = STATE_HANDSHAKE };
	__u32 key = 2 * listener->slot + listener->ipv6;
	__u64 value = (__u64)listener->fd;

	if (bpf_map_update_elem(bpf_map__fd(dataplane->skel->maps.tags), &listener->fd, &tag,
				BPF_ANY) < 0)
		return -errno;
	if (bpf_map_update_elem(bpf_map__fd(dataplane->skel->maps.listeners), &key, &value,
				BPF_ANY) < 0)
		return -errno;
	return 0;
}

/* what the map of ports is to hold */
struct dataplane_ports {
	struct port_key keys[LW_PORTS_MAX];
	size_t count;
};

static bool dataplane_keep_port(const void *key, const void *arg)
{
	const struct dataplane_ports *keep = arg;
	size_t i;

	for (i = 0; i < keep->count; i++)
		if (!memcmp(&keep->keys[i], key, sizeof(keep->keys[i])))
			return true;
	return false;
}

static int dataplane_write_port(struct dataplane *dataplane, struct dataplane_ports *ports,
				struct port_key key, struct port_rule rule)
{
	if (ports->count == LW_PORTS_MAX)
		return -E2BIG;
	if (bpf_map_update_elem(bpf_map__fd(dataplane->skel->maps.ports), &key, &rule, BPF_ANY) < 0)
		return -errno;
	ports->keys[ports->count++] = key;
	return 0;
}

/* Where connect() sends what a namespace's lines claim: its outlet, in each family. */
static int dataplane_write_outlets(struct dataplane *dataplane, const struct listeners *listeners)
{
	struct outlet outlets[LW_NAMESPACES_MAX] = { 0 };
	int map = bpf_map__fd(dataplane->skel->maps.outlets);
	const struct listener *entry;
	__u32 netns;
	size_t i;

	for (i = 0; i < listeners->count; i++) {
		entry = &listeners->entries[i];
		if (listeners->ports[entry->slot].direction != DIRECTION_OUTBOUND)
			continue;
		if (entry->ipv6)
			outlets[entry->netns].port6 = entry->bound;
		else
			outlets[entry->netns].port4 = entry->bound;
	}
	for (netns = 0; netns < LW_NAMESPACES_MAX; netns++)
		if (bpf_map_update_elem(map, &netns, &outlets[netns], BPF_ANY) < 0)
			return -errno;
	return 0;
}

int dataplane_write_ports(struct dataplane *dataplane, const struct listeners *listeners,
			  const struct config *config)
{
	struct dataplane_ports keep = { .count = 0 };
	const struct listener_port *port;
	const struct listener *entry;
	struct port_rule rule;
	struct port_key key;
	int err = 0;
	size_t i;

	for (i = 0; !err && i < listeners->count; i++) {
		entry = &listeners->entries[i];
		port = &listeners->ports[entry->slot];
		key = (struct port_key){ .netns = port->netns, .port = port->port };
		if (!key.port)
			key.port = entry->bound;
		else if (entry->ipv6)
			continue; /* the same port as with IPv4 */
		rule = (struct port_rule){ ACTION_STEER, entry->slot, port->direction };
		err = dataplane_write_port(dataplane, &keep, key, rule);
	}
	for (i = 0; !err && i < config->closed_port_count; i++) {
		key = (struct port_key){
			.netns = config->closed_ports[i].netns,
			.port = config->closed_ports[i].port,
		};
		rule = (struct port_rule){ .action = ACTION_DROP };
		err = dataplane_write_port(dataplane, &keep, key, rule);
	}
	if (!err)
		err = dataplane_write_outlets(dataplane, listeners);
	if (!err)
		dataplane_prune(bpf_map__fd(dataplane->skel->maps.ports), sizeof(struct port_key),
				dataplane_keep_port, &keep);
	return err;
}
