// SPDX-License-Identifier: Apache-2.0
/* What the daemon writes into the maps, and reads of them. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "userspace/dataplane_internal.h"
#include "userspace/lengths.h"
#include "userspace/netns.h"
#include "userspace/route.h"

/* the ABI's levels are the policy's */
_Static_assert((int)LW_LEVEL_UNSET == (int)LEVEL_UNSET && (int)LW_LEVEL_NONE == (int)LEVEL_NONE &&
		       (int)LW_LEVEL_LOW == (int)LEVEL_LOW &&
		       (int)LW_LEVEL_MEDIUM == (int)LEVEL_MEDIUM &&
		       (int)LW_LEVEL_HIGH == (int)LEVEL_HIGH &&
		       (int)LW_LEVEL_MEDIUM_REMOTE == (int)LEVEL_MEDIUM_REMOTE &&
		       (int)LW_LEVEL_HIGH_REMOTE == (int)LEVEL_HIGH_REMOTE &&
		       (int)LW_LEVEL_COUNT == (int)LEVEL_COUNT,
	       "enum lw_level and enum level are the same");

#define DATAPLANE_KEY_MAX 72
_Static_assert(sizeof(struct verdict_key) <= DATAPLANE_KEY_MAX, "every key fits");

/* Deletes every key of a map for which keep (NULL: for none) does not say true. */
static void dataplane_prune(int map, size_t key_size, bool (*keep)(const void *key, const void *arg),
		     const void *arg)
{
	unsigned char key[DATAPLANE_KEY_MAX], next[DATAPLANE_KEY_MAX];
	bool more = bpf_map_get_next_key(map, NULL, next) == 0;

	while (more) {
		memcpy(key, next, key_size);
		more = bpf_map_get_next_key(map, key, next) == 0;
		if (!keep || !keep(key, arg))
			bpf_map_delete_elem(map, key);
	}
}

/*
 * Where connections to a range come from, for the app that asks before the agent has made
 * one: the kernel's choice for the range's first host. Zero where there is no way to it now.
 */
static void dataplane_find_source(const struct config_prefix *prefix, __u8 source[16])
{
	struct endpoint to = { .port = 1 }, from;

	memset(source, 0, 16);
	memcpy(to.addr, prefix->addr, sizeof(to.addr));
	if (prefix->length < 128)
		to.addr[15] |= 1;
	if (!route_source(&to, &from))
		memcpy(source, from.addr, 16);
}

static int dataplane_write_prefix(struct dataplane *dataplane, const struct config_line *line,
				  const struct config_prefix *prefix, uint32_t id)
{
	struct line_key key = lengths_line_key(line, prefix);
	struct line_match match = { .line = id };

	if (line->direction == DIRECTION_OUTBOUND)
		dataplane_find_source(prefix, match.source);
	return bpf_map_update_elem(bpf_map__fd(dataplane->skel->maps.line_prefixes), &key, &match,
				   BPF_ANY) < 0 ?
		       -errno :
		       0;
}

static int dataplane_write_line(struct dataplane *dataplane, const struct config_line *line,
				uint32_t id)
{
	struct line value = {
		.id = id,
		.function = line->function,
		.level = (enum lw_level)line->rule.level,
		.port = line->port,
	};
	size_t i;
	int err = 0;

	snprintf(value.name, sizeof(value.name), "%s", line->name);
	if (bpf_map_update_elem(bpf_map__fd(dataplane->skel->maps.lines), &id, &value, BPF_ANY) < 0)
		return -errno;
	for (i = 0; !err && i < line->prefix_count; i++)
		err = dataplane_write_prefix(dataplane, line, &line->prefixes[i], id);
	return err;
}

/* The number of a namespace, and its lines; routes are those of the namespace. */
static int dataplane_write_namespace(struct dataplane *dataplane, const struct config *config,
				     uint32_t netns)
{
	int map = bpf_map__fd(dataplane->skel->maps.namespaces), back, err;
	uint64_t cookie;
	size_t i;

	err = netns_enter(config->namespaces[netns].path, &back);
	if (err)
		return err;
	err = netns_cookie(&cookie);
	if (!err && bpf_map_update_elem(map, &cookie, &netns, BPF_NOEXIST) < 0)
		err = -errno; /* -EEXIST: two names of one namespace */
	for (i = 0; !err && i < config->line_count; i++)
		if (config->lines[i].netns == netns)
			err = dataplane_write_line(dataplane, &config->lines[i], (uint32_t)i + 1);
	netns_leave(back);
	return err;
}

int dataplane_write_lines(struct dataplane *dataplane, const struct config *config)
{
	struct lengths_table lengths = { 0 };
	uint32_t i;
	int err;

	dataplane_prune(bpf_map__fd(dataplane->skel->maps.namespaces), sizeof(__u64), NULL, NULL);
	dataplane_prune(bpf_map__fd(dataplane->skel->maps.sessions), sizeof(__u64), NULL, NULL);
	dataplane_prune(bpf_map__fd(dataplane->skel->maps.relays), sizeof(struct relay_key), NULL,
			NULL);
	dataplane_prune(bpf_map__fd(dataplane->skel->maps.line_prefixes), sizeof(struct line_key),
			NULL, NULL);
	dataplane_prune(bpf_map__fd(dataplane->skel->maps.lines), sizeof(__u32), NULL, NULL);
	/* counters go by the line's number, which another configuration gives to another line;
	 * they all start with the daemon, and the audit log has what was before */
	dataplane_prune(bpf_map__fd(dataplane->skel->maps.line_counters), sizeof(__u32), NULL,
			NULL);
	dataplane_prune(bpf_map__fd(dataplane->skel->maps.port_counters), sizeof(struct port_key),
			NULL, NULL);
	dataplane_prune(bpf_map__fd(dataplane->skel->maps.verdicts), sizeof(struct verdict_key),
			NULL, NULL);
	lengths_add(&lengths, config->lines, config->line_count);
	err = lengths_write(&lengths, bpf_map__fd(dataplane->skel->maps.line_lengths));
	for (i = 0; !err && i < config->namespace_count; i++)
		err = dataplane_write_namespace(dataplane, config, i);
	return err;
}

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

int dataplane_tag(int tags_fd, int socket, struct tag *out)
{
	return bpf_map_lookup_elem(tags_fd, &socket, out) < 0 ? -errno : 0;
}

int dataplane_target(int targets_fd, int socket, struct destination *out)
{
	return bpf_map_lookup_elem(targets_fd, &socket, out) < 0 ? -errno : 0;
}

int dataplane_depart(struct dataplane *dataplane, int socket, uint64_t cookie,
		     const struct config_line *line, uint32_t id)
{
	struct tag tag = {
		.cookie = cookie,
		.line = id,
		.function = line->function,
		.level = (enum lw_level)line->rule.level,
		.state = STATE_HANDSHAKE,
	};

	return bpf_map_update_elem(bpf_map__fd(dataplane->skel->maps.tags), &socket, &tag,
				   BPF_NOEXIST) < 0 ?
		       -errno :
		       0;
}

int dataplane_verify(struct dataplane *dataplane, int socket)
{
	int map = bpf_map__fd(dataplane->skel->maps.tags);
	struct tag tag;
	int err;

	err = dataplane_tag(map, socket, &tag);
	if (err)
		return err;
	if (tag.state != STATE_HANDSHAKE || !tag.line)
		return -EPERM;
	tag.state = STATE_VERIFIED;
	return bpf_map_update_elem(map, &socket, &tag, BPF_EXIST) < 0 ? -errno : 0;
}

int dataplane_session_add(struct dataplane *dataplane, uint64_t cookie,
			  const struct session *session)
{
	return bpf_map_update_elem(bpf_map__fd(dataplane->skel->maps.sessions), &cookie, session,
				   BPF_ANY) < 0 ?
		       -errno :
		       0;
}

void dataplane_session_remove(struct dataplane *dataplane, uint64_t cookie)
{
	bpf_map_delete_elem(bpf_map__fd(dataplane->skel->maps.sessions), &cookie);
}

unsigned int dataplane_sessions(const struct dataplane *dataplane,
				void (*visit)(uint64_t cookie, const struct session *session,
					      void *arg),
				void *arg)
{
	int map = bpf_map__fd(dataplane->skel->maps.sessions);
	struct session session;
	unsigned int count = 0;
	__u64 key, next;
	bool more = bpf_map_get_next_key(map, NULL, &next) == 0;

	while (more) {
		key = next;
		more = bpf_map_get_next_key(map, &key, &next) == 0;
		if (bpf_map_lookup_elem(map, &key, &session) < 0)
			continue; /* ended meanwhile */
		count++;
		visit(key, &session, arg);
	}
	return count;
}

int dataplane_session(const struct dataplane *dataplane, uint64_t cookie, struct session *out)
{
	return bpf_map_lookup_elem(bpf_map__fd(dataplane->skel->maps.sessions), &cookie, out) < 0 ?
		       -errno :
		       0;
}

int dataplane_relay_add(struct dataplane *dataplane, uint32_t netns,
			const struct endpoint *source, uint16_t port,
			const struct endpoint *client, uint32_t worker)
{
	struct relay_key key = { .netns = netns, .sport = source->port, .dport = port };
	struct origin origin = { .port = client->port, .worker = (__u16)worker };

	memcpy(key.addr, source->addr, sizeof(key.addr));
	memcpy(origin.addr, client->addr, sizeof(origin.addr));
	return bpf_map_update_elem(bpf_map__fd(dataplane->skel->maps.relays), &key, &origin,
				   BPF_ANY) < 0 ?
		       -errno :
		       0;
}

/* Deletes the relays of a worker; all of them, or those from one source. */
static void dataplane_relays_delete(struct dataplane *dataplane, const struct endpoint *source,
				    uint32_t worker)
{
	int map = bpf_map__fd(dataplane->skel->maps.relays);
	struct relay_key key, next;
	struct origin origin;
	bool more = bpf_map_get_next_key(map, NULL, &next) == 0;

	while (more) {
		key = next;
		more = bpf_map_get_next_key(map, &key, &next) == 0;
		if (source && (key.sport != source->port ||
			       memcmp(key.addr, source->addr, sizeof(key.addr)) != 0))
			continue;
		if (bpf_map_lookup_elem(map, &key, &origin) == 0 && origin.worker == worker)
			bpf_map_delete_elem(map, &key);
	}
}

void dataplane_relay_remove(struct dataplane *dataplane, const struct endpoint *source,
			    uint32_t worker)
{
	dataplane_relays_delete(dataplane, source, worker);
}

void dataplane_relays_forget(struct dataplane *dataplane, uint32_t worker)
{
	dataplane_relays_delete(dataplane, NULL, worker);
}

void dataplane_count_verdict(struct dataplane *dataplane, const struct record *record)
{
	int map = bpf_map__fd(dataplane->skel->maps.verdicts);
	struct verdict_key key = { 0 };
	__u64 count = 0;

	snprintf(key.line, sizeof(key.line), "%s", record->line);
	snprintf(key.reason, sizeof(key.reason), "%s", record_reason_key(record));
	key.direction = record->direction;
	bpf_map_lookup_elem(map, &key, &count);
	count++;
	/* full: the audit log still has every verdict */
	bpf_map_update_elem(map, &key, &count, BPF_ANY);
}

uint64_t dataplane_verdicts(const struct dataplane *dataplane, const struct config_line *line,
			    const char *reason)
{
	struct verdict_key key = { .direction = line->direction };
	__u64 count = 0;

	snprintf(key.line, sizeof(key.line), "%s", line->name);
	snprintf(key.reason, sizeof(key.reason), "%s", reason);
	bpf_map_lookup_elem(bpf_map__fd(dataplane->skel->maps.verdicts), &key, &count);
	return count;
}

/* Sums the CPUs' values, which are arrays of words u64. */
static void dataplane_sum(const struct dataplane *dataplane, int map, const void *key,
			  uint64_t *sum, size_t words)
{
	uint64_t *values = calloc((size_t)dataplane->cpus, words * sizeof(*values));
	size_t i, n = (size_t)dataplane->cpus;

	memset(sum, 0, words * sizeof(*sum));
	if (values && bpf_map_lookup_elem(map, key, values) == 0)
		for (i = 0; i < n * words; i++)
			sum[i % words] += values[i];
	free(values);
}

struct line_counters dataplane_line_counters(const struct dataplane *dataplane, uint32_t line)
{
	struct line_counters sum;

	dataplane_sum(dataplane, bpf_map__fd(dataplane->skel->maps.line_counters), &line,
		      (uint64_t *)&sum, sizeof(sum) / sizeof(uint64_t));
	return sum;
}

struct port_counters dataplane_port_counters(const struct dataplane *dataplane,
					     const struct listener_port *port)
{
	struct port_key key = { .netns = port->netns, .port = port->port };
	struct port_counters sum;

	dataplane_sum(dataplane, bpf_map__fd(dataplane->skel->maps.port_counters), &key,
		      (uint64_t *)&sum, sizeof(sum) / sizeof(uint64_t));
	return sum;
}
