// SPDX-License-Identifier: Apache-2.0
/* The namespaces and lines, as the programs find them. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

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

void dataplane_prune(int map, size_t key_size, bool (*keep)(const void *key, const void *arg),
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
