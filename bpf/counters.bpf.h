/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BPF_COUNTERS_BPF_H
#define BPF_COUNTERS_BPF_H

#include "bpf/maps.bpf.h"

/* This CPU's counters of a line; NULL only when the map is full. */
static __always_inline struct line_counters *counters_of(__u32 line)
{
	struct line_counters *c = bpf_map_lookup_elem(&line_counters, &line);
	struct line_counters zero = {};

	if (c)
		return c;
	bpf_map_update_elem(&line_counters, &line, &zero, BPF_NOEXIST);
	return bpf_map_lookup_elem(&line_counters, &line);
}

#endif
