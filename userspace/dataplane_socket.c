// SPDX-License-Identifier: Apache-2.0
/* What the kernel keeps of single connections: tags, sessions, relays. */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "userspace/dataplane_internal.h"

int dataplane_tag(int tags_fd, int socket, struct tag *out)
{
	return bpf_map_lookup_elem(tags_fd, &socket, out) < 0 ? -errno : 0;
}

int dataplane_target(int targets_fd, int socket, struct destination *out)
{
	return bpf_map_lookup_elem(targets_fd, &socket, out) < 0 ? -errno : 0;
}

void dataplane_adopter_maps(const struct dataplane *dataplane, int maps[HANDOVER_MAP_COUNT])
{
	maps[HANDOVER_MAP_NAMESPACES] = bpf_map__fd(dataplane->skel->maps.namespaces);
	maps[HANDOVER_MAP_PORTS] = bpf_map__fd(dataplane->skel->maps.ports);
	maps[HANDOVER_MAP_RELAYS] = bpf_map__fd(dataplane->skel->maps.relays);
	maps[HANDOVER_MAP_ORIGINS] = bpf_map__fd(dataplane->skel->maps.origins);
}

uint64_t dataplane_cookie(const struct dataplane *dataplane, uint32_t netns)
{
	return dataplane->cookies[netns];
}

int dataplane_netns(const struct dataplane *dataplane, const struct config *config,
		    uint64_t cookie, uint32_t *out)
{
	for (*out = 0; *out < config->namespace_count; ++*out)
		if (dataplane->cookies[*out] == cookie)
			return 0;
	return -ENOENT;
}

struct ring_buffer *dataplane_endings(const struct dataplane *dataplane,
				      int (*ended)(void *arg, void *ending, size_t size), void *arg)
{
	return ring_buffer__new(bpf_map__fd(dataplane->skel->maps.endings), ended, arg, NULL);
}

static struct tag dataplane_handshake(uint64_t cookie, const struct config *config,
				      const struct config_line *line)
{
	return (struct tag){
		.cookie = cookie,
		.line = config_line_number(config, line),
		.function = line->function,
		.level = (enum lw_level)line->rule.level,
		.state = STATE_HANDSHAKE,
		.generation = config->generation,
	};
}

int dataplane_depart(struct dataplane *dataplane, int socket, uint64_t cookie,
		     const struct config *config, uint32_t number, bool in_place)
{
	struct tag tag = dataplane_handshake(cookie, config, config_line_of(config, number));

	tag.in_place = in_place;
	return bpf_map_update_elem(bpf_map__fd(dataplane->skel->maps.tags), &socket, &tag,
				   BPF_NOEXIST) < 0 ?
		       -errno :
		       0;
}

int dataplane_retag(struct dataplane *dataplane, int socket, const struct config *config,
		    const struct config_line *line)
{
	int map = bpf_map__fd(dataplane->skel->maps.tags);
	struct tag tag;
	int err;

	err = dataplane_tag(map, socket, &tag);
	if (err)
		return err;
	if (tag.state != STATE_HANDSHAKE)
		return -EPERM;
	if (line)
		tag = dataplane_handshake(tag.cookie, config, line);
	else
		tag.state = STATE_BLOCKED;
	return bpf_map_update_elem(map, &socket, &tag, BPF_EXIST) < 0 ? -errno : 0;
}

int dataplane_retarget(struct dataplane *dataplane, int socket, uint32_t number)
{
	int map = bpf_map__fd(dataplane->skel->maps.targets);
	struct destination target;
	int err;

	err = dataplane_target(map, socket, &target);
	if (err)
		return err;
	target.line = number;
	return bpf_map_update_elem(map, &socket, &target, BPF_EXIST) < 0 ? -errno : 0;
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

int dataplane_session_remove(struct dataplane *dataplane, uint64_t cookie)
{
	return bpf_map_delete_elem(bpf_map__fd(dataplane->skel->maps.sessions), &cookie) < 0 ?
		       -errno :
		       0;
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

static struct relay_key dataplane_relay_key(uint32_t netns, const struct endpoint *source,
					    uint16_t port)
{
	struct relay_key key = {
		.netns = netns,
		.sport = source->port,
		.dport = port,
	};

	memcpy(key.addr, source->addr, sizeof(key.addr));
	return key;
}

bool dataplane_relay_has(struct dataplane *dataplane, uint32_t netns,
			 const struct endpoint *source, uint16_t port)
{
	const struct relay_key key = dataplane_relay_key(netns, source, port);
	struct origin origin;

	return bpf_map_lookup_elem(bpf_map__fd(dataplane->skel->maps.relays), &key, &origin) == 0;
}

int dataplane_relay_add(struct dataplane *dataplane, uint32_t netns,
			const struct endpoint *source, uint16_t port,
			const struct endpoint *client, uint32_t worker)
{
	const struct relay_key key = dataplane_relay_key(netns, source, port);
	struct origin origin = { .port = client->port, .worker = (__u16)worker };

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
