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
		.netns = dataplane_number(dataplane, port->netns),
		.port = port->port,
	};
	struct port_counters sum;

	dataplane_sum(dataplane, bpf_map__fd(dataplane->skel->maps.port_counters), &key,
		      (uint64_t *)&sum, sizeof(sum) / sizeof(uint64_t));
	return sum;
}
