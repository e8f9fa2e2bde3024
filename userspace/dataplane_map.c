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

/* the ABI's levels are the policy's */
_Static_assert((int)LW_LEVEL_UNSET == (int)LEVEL_UNSET && (int)LW_LEVEL_NONE == (int)LEVEL_NONE &&
		       (int)LW_LEVEL_LOW == (int)LEVEL_LOW &&
		       (int)LW_LEVEL_MEDIUM == (int)LEVEL_MEDIUM &&
		       (int)LW_LEVEL_HIGH == (int)LEVEL_HIGH &&
		       (int)LW_LEVEL_MEDIUM_REMOTE == (int)LEVEL_MEDIUM_REMOTE &&
		       (int)LW_LEVEL_HIGH_REMOTE == (int)LEVEL_HIGH_REMOTE &&
		       (int)LW_LEVEL_COUNT == (int)LEVEL_COUNT,
	       "enum lw_level and enum level are the same");

#define DATAPLANE_KEY_MAX 64
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

static int dataplane_write_line(struct dataplane *dataplane, const struct config_line *line,
				uint32_t id)
{
	struct line value = {
		.id = id,
		.function = line->function,
		.level = (enum lw_level)line->rule.level,
		.port = line->port,
	};
	const struct config_prefix *prefix;
	struct line_key key;
	size_t i;

	snprintf(value.name, sizeof(value.name), "%s", line->name);
	if (bpf_map_update_elem(bpf_map__fd(dataplane->skel->maps.lines), &id, &value, BPF_ANY) < 0)
		return -errno;
	for (i = 0; i < line->prefix_count; i++) {
		prefix = &line->prefixes[i];
		key = (struct line_key){
			.prefixlen = LW_LINE_KEY_FIXED_BITS + prefix->length,
			.port = htons(line->port),
			.ipv6 = prefix->family == AF_INET6,
			.direction = DIRECTION_INBOUND,
		};
		memcpy(key.addr, prefix->addr, sizeof(key.addr));
		if (bpf_map_update_elem(bpf_map__fd(dataplane->skel->maps.line_prefixes), &key,
					&id, BPF_ANY) < 0)
			return -errno;
	}
	return 0;
}

int dataplane_write_lines(struct dataplane *dataplane, const struct config *config)
{
	size_t i;
	int err;

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
	dataplane_prune(bpf_map__fd(dataplane->skel->maps.port_counters), sizeof(__u16), NULL,
			NULL);
	dataplane_prune(bpf_map__fd(dataplane->skel->maps.verdicts), sizeof(struct verdict_key),
			NULL, NULL);
	for (i = 0; i < config->line_count; i++) {
		err = dataplane_write_line(dataplane, &config->lines[i], (uint32_t)i + 1);
		if (err)
			return err;
	}
	return 0;
}

int dataplane_set_listener(struct dataplane *dataplane, uint32_t index, int fd, bool ipv6)
{
	struct tag tag = { .state = STATE_HANDSHAKE };
	__u32 key = 2 * index + ipv6;
	__u64 value = (__u64)fd;

	if (bpf_map_update_elem(bpf_map__fd(dataplane->skel->maps.tags), &fd, &tag, BPF_ANY) < 0)
		return -errno;
	if (bpf_map_update_elem(bpf_map__fd(dataplane->skel->maps.listeners), &key, &value,
				BPF_ANY) < 0)
		return -errno;
	return 0;
}

struct dataplane_ports {
	const uint16_t *ports;
	uint32_t count;
};

static bool dataplane_keep_port(const void *key, const void *arg)
{
	const struct dataplane_ports *keep = arg;
	uint32_t i;
	__u16 port;

	memcpy(&port, key, sizeof(port));
	for (i = 0; i < keep->count; i++)
		if (keep->ports[i] == port)
			return true;
	return false;
}

int dataplane_write_ports(struct dataplane *dataplane, const uint16_t *ports, uint32_t count)
{
	const struct dataplane_ports keep = { ports, count };
	int map = bpf_map__fd(dataplane->skel->maps.ports);
	uint32_t i;

	for (i = 0; i < count; i++) {
		struct port_rule rule = { .action = ACTION_STEER, .slot = i };

		if (bpf_map_update_elem(map, &ports[i], &rule, BPF_ANY) < 0)
			return -errno;
	}
	dataplane_prune(map, sizeof(__u16), dataplane_keep_port, &keep);
	return 0;
}

int dataplane_tag(int tags_fd, int socket, struct tag *out)
{
	return bpf_map_lookup_elem(tags_fd, &socket, out) < 0 ? -errno : 0;
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

int dataplane_relay_add(struct dataplane *dataplane, const struct endpoint *source, uint16_t port,
			const struct endpoint *client, uint32_t worker)
{
	struct relay_key key = { .sport = source->port, .dport = port };
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
	bpf_map_lookup_elem(map, &key, &count);
	count++;
	/* full: the audit log still has every verdict */
	bpf_map_update_elem(map, &key, &count, BPF_ANY);
}

uint64_t dataplane_verdicts(const struct dataplane *dataplane, const char *line,
			    const char *reason)
{
	struct verdict_key key = { 0 };
	__u64 count = 0;

	snprintf(key.line, sizeof(key.line), "%s", line);
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

struct port_counters dataplane_port_counters(const struct dataplane *dataplane, uint16_t port)
{
	struct port_counters sum;

	dataplane_sum(dataplane, bpf_map__fd(dataplane->skel->maps.port_counters), &port,
		      (uint64_t *)&sum, sizeof(sum) / sizeof(uint64_t));
	return sum;
}
