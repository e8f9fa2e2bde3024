// SPDX-License-Identifier: Apache-2.0
/* The namespaces and lines, as the programs find them. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stddef.h>
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

struct dataplane_bank {
	uint32_t bank;
	size_t offset;
	bool ours;
};

static bool dataplane_keep_bank(const void *key, const void *arg)
{
	const struct dataplane_bank *bank = arg;
	uint32_t number;
	bool ours;

	memcpy(&number, (const char *)key + bank->offset, sizeof(number));
	ours = number >= bank->bank && number < bank->bank + LW_NAMESPACES_MAX;
	return ours != bank->ours;
}

void dataplane_prune_bank(const struct dataplane *dataplane, int map, size_t key_size,
			  size_t offset, bool ours)
{
	const struct dataplane_bank bank = { dataplane->bank, offset, ours };

	dataplane_prune(map, key_size, dataplane_keep_bank, &bank);
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

static int dataplane_write_prefix(struct dataplane *dataplane, const struct config *config,
				  const struct config_line *line,
				  const struct config_prefix *prefix)
{
	uint32_t netns = dataplane_number(dataplane, line->netns);
	struct line_key key = lengths_line_key(netns, line, prefix);
	struct line_match match = {
		.line = config_line_number(config, line),
		.generation = config->generation,
	};

	if (line->direction == DIRECTION_OUTBOUND)
		dataplane_find_source(prefix, match.source);
	return bpf_map_update_elem(bpf_map__fd(dataplane->skel->maps.line_prefixes), &key, &match,
				   BPF_ANY) < 0 ?
		       -errno :
		       0;
}

static int dataplane_write_line(struct dataplane *dataplane, const struct config *config,
				const struct config_line *line)
{
	struct line value = {
		.id = config_line_number(config, line),
		.function = line->function,
		.level = (enum lw_level)line->rule.level,
		.port = line->port,
	};
	size_t i;
	int err = 0;

	snprintf(value.name, sizeof(value.name), "%s", line->name);
	if (bpf_map_update_elem(bpf_map__fd(dataplane->skel->maps.lines), &value.id, &value,
				BPF_ANY) < 0)
		return -errno;
	for (i = 0; !err && i < line->prefix_count; i++)
		err = dataplane_write_prefix(dataplane, config, line, &line->prefixes[i]);
	return err;
}

/* What is in a namespace; routes are those of the namespace. */
static int dataplane_write_namespace(struct dataplane *dataplane, const struct config *config,
				     uint32_t netns)
{
	struct lengths_table lengths = { 0 };
	const struct config_line *line;
	int back, err;
	size_t i;

	err = netns_enter(config->namespaces[netns].path, &back);
	if (err)
		return err;
	for (i = 0; !err && i < config->line_count; i++) {
		line = &config->lines[i];
		if (line->netns != netns)
			continue;
		lengths_add(&lengths, line);
		err = dataplane_write_line(dataplane, config, line);
	}
	netns_leave(back);
	if (err)
		return err;
	return lengths_write(&lengths, dataplane_number(dataplane, netns),
			     bpf_map__fd(dataplane->skel->maps.line_lengths));
}

/* Of this daemon's half of the numbers, or of the other one. */
static void dataplane_prune_lines(struct dataplane *dataplane, bool ours)
{
	dataplane_prune_bank(dataplane, bpf_map__fd(dataplane->skel->maps.line_prefixes),
			     sizeof(struct line_key), offsetof(struct line_key, netns), ours);
	dataplane_prune_bank(dataplane, bpf_map__fd(dataplane->skel->maps.line_lengths),
			     sizeof(struct lengths_key), offsetof(struct lengths_key, netns), ours);
	dataplane_prune_bank(dataplane, bpf_map__fd(dataplane->skel->maps.ports),
			     sizeof(struct port_key), offsetof(struct port_key, netns), ours);
	dataplane_prune_bank(dataplane, bpf_map__fd(dataplane->skel->maps.outlets), sizeof(__u32), 0,
			     ours);
}

/* Also line 0, which is none: it has counters. */
static bool dataplane_keep_line(const void *key, const void *arg)
{
	uint32_t number;

	memcpy(&number, key, sizeof(number));
	return !number || config_line_of(arg, number);
}

/* What an app or a carrier has goes on without us. */
static bool dataplane_keep_foreign(const void *key, const void *arg)
{
	struct session session;
	uint64_t cookie;

	memcpy(&cookie, key, sizeof(cookie));
	/* and what it was about to end is ended by us */
	return dataplane_session(arg, cookie, &session) == 0 &&
	       (session.worker == LW_WORKER_ADOPTED || session.worker == LW_WORKER_CARRIED ||
		session.worker == LW_WORKER_NONE);
}

void dataplane_forget_before(struct dataplane *dataplane)
{
	dataplane_prune(bpf_map__fd(dataplane->skel->maps.sessions), sizeof(__u64),
			dataplane_keep_foreign, dataplane);
	dataplane_prune(bpf_map__fd(dataplane->skel->maps.relays), sizeof(struct relay_key), NULL,
			NULL);
	/* counters go by the line's number, which another configuration gives to another line;
	 * they all start with the daemon, and the audit log has what was before */
	dataplane_prune(bpf_map__fd(dataplane->skel->maps.line_counters), sizeof(__u32), NULL,
			NULL);
	dataplane_prune(bpf_map__fd(dataplane->skel->maps.port_counters), sizeof(struct port_key),
			NULL, NULL);
	dataplane_prune(bpf_map__fd(dataplane->skel->maps.verdicts), sizeof(struct verdict_key),
			NULL, NULL);
}

void dataplane_begin(struct dataplane *dataplane)
{
	dataplane->bank = dataplane_other_bank(dataplane);
	dataplane->writing = true;
}

void dataplane_abandon(struct dataplane *dataplane, const struct config *running)
{
	dataplane_prune_lines(dataplane, true);
	dataplane->bank = dataplane_other_bank(dataplane);
	dataplane->writing = false;
	dataplane_prune(bpf_map__fd(dataplane->skel->maps.lines), sizeof(__u32), dataplane_keep_line,
			running);
}

int dataplane_write_lines(struct dataplane *dataplane, struct config *config)
{
	uint32_t i;
	int err = 0;

	/* 0 is no line, in either half */
	config->generation = config_generation(config);
	config->first_line = (dataplane->bank ? LW_LINES_MAX : 0) + 1;
	/* of one that did not get as far as dataplane_switch() */
	dataplane_prune_lines(dataplane, true);
	for (i = 0; !err && i < config->namespace_count; i++)
		err = dataplane_write_namespace(dataplane, config, i);
	return err;
}

struct dataplane_cookies {
	uint64_t cookies[LW_NAMESPACES_MAX];
	size_t count;
};

static bool dataplane_keep_cookie(const void *key, const void *arg)
{
	const struct dataplane_cookies *known = arg;
	uint64_t cookie;
	size_t i;

	memcpy(&cookie, key, sizeof(cookie));
	for (i = 0; i < known->count; i++)
		if (known->cookies[i] == cookie)
			return true;
	return false;
}

static int dataplane_find_cookies(const struct config *config, struct dataplane_cookies *out)
{
	uint64_t cookie;
	int back, err;
	size_t i;

	for (i = 0; i < config->namespace_count; i++) {
		err = netns_enter(config->namespaces[i].path, &back);
		if (err)
			return err;
		err = netns_cookie(&cookie);
		netns_leave(back);
		if (err)
			return err;
		if (dataplane_keep_cookie(&cookie, out))
			return -EEXIST; /* two names of one namespace */
		out->cookies[out->count++] = cookie;
	}
	return 0;
}

int dataplane_switch(struct dataplane *dataplane, const struct config *config)
{
	int map = bpf_map__fd(dataplane->skel->maps.namespaces), err;
	int steering = bpf_map__fd(dataplane->skel->maps.steering);
	struct dataplane_cookies cookies = { .count = 0 };
	uint32_t i, number;

	err = dataplane_find_cookies(config, &cookies);
	memcpy(dataplane->cookies, cookies.cookies, sizeof(dataplane->cookies));
	for (i = 0; !err && i < cookies.count; i++) {
		number = dataplane_number(dataplane, i);
		if (bpf_map_update_elem(steering, &i, &number, BPF_ANY) < 0 ||
		    bpf_map_update_elem(map, &cookies.cookies[i], &number, BPF_ANY) < 0)
			err = -errno;
	}
	if (!err)
		dataplane_prune(map, sizeof(__u64), dataplane_keep_cookie, &cookies);
	dataplane->writing = false;
	return err;
}

void dataplane_forget_old(struct dataplane *dataplane, const struct config *config)
{
	dataplane_prune_lines(dataplane, false);
	dataplane_prune_bank(dataplane, bpf_map__fd(dataplane->skel->maps.port_counters),
			     sizeof(struct port_key), offsetof(struct port_key, netns), false);
	dataplane_prune(bpf_map__fd(dataplane->skel->maps.lines), sizeof(__u32), dataplane_keep_line,
			config);
	dataplane_prune(bpf_map__fd(dataplane->skel->maps.line_counters), sizeof(__u32),
			dataplane_keep_line, config);
}

int dataplane_refresh_sources(struct dataplane *dataplane, const struct config *config)
{
	const struct config_line *line;
	int back, err = 0;
	size_t i, k;

	/* the lines in force are about to be others, and are looked up then */
	if (dataplane->writing)
		return 0;
	for (i = 0; !err && i < config->line_count; i++) {
		line = &config->lines[i];
		if (line->direction != DIRECTION_OUTBOUND)
			continue;
		err = netns_enter(config->namespaces[line->netns].path, &back);
		if (err)
			return err;
		for (k = 0; !err && k < line->prefix_count; k++)
			err = dataplane_write_prefix(dataplane, config, line, &line->prefixes[k]);
		netns_leave(back);
	}
	return err;
}
