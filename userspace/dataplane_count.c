// SPDX-License-Identifier: Apache-2.0
/* Counters. */
#include <bpf/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/dataplane_internal.h"

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
	struct port_key key = {
		.netns = dataplane_number_in_force(dataplane, port->netns),
		.port = port->port,
	};
	struct port_counters sum;

	dataplane_sum(dataplane, bpf_map__fd(dataplane->skel->maps.port_counters), &key,
		      (uint64_t *)&sum, sizeof(sum) / sizeof(uint64_t));
	return sum;
}

static void dataplane_carry(const struct dataplane *dataplane, int map, const void *from,
			    const void *to, size_t size)
{
	void *values = calloc((size_t)dataplane->cpus, size);

	if (values && bpf_map_lookup_elem(map, from, values) == 0)
		bpf_map_update_elem(map, to, values, BPF_ANY);
	free(values);
}

/* What is counted under the new number by then is lost: some connections of a moment. */
static void dataplane_carry_lines(struct dataplane *dataplane, const struct config *before,
				  const struct config *now)
{
	int map = bpf_map__fd(dataplane->skel->maps.line_counters);
	const struct config_line *line;
	uint32_t from, to;
	size_t i;

	for (i = 0; i < now->line_count; i++) {
		line = config_line_like(before, &now->lines[i]);
		if (!line)
			continue;
		from = config_line_number(before, line);
		to = config_line_number(now, &now->lines[i]);
		dataplane_carry(dataplane, map, &from, &to, sizeof(struct line_counters));
	}
}

void dataplane_carry_counters(struct dataplane *dataplane, const struct config *before,
			      const struct config *now)
{
	int ports = bpf_map__fd(dataplane->skel->maps.ports);
	int map = bpf_map__fd(dataplane->skel->maps.port_counters);
	struct port_key key, next, old;
	bool more = bpf_map_get_next_key(ports, NULL, &next) == 0;

	dataplane_carry_lines(dataplane, before, now);
	while (more) {
		key = next;
		more = bpf_map_get_next_key(ports, &key, &next) == 0;
		if (key.netns < dataplane->bank || key.netns >= dataplane->bank + LW_NAMESPACES_MAX)
			continue;
		old = key;
		old.netns = (key.netns + LW_NAMESPACES_MAX) % LW_NETNS_NUMBERS;
		dataplane_carry(dataplane, map, &old, &key, sizeof(struct port_counters));
	}
}
