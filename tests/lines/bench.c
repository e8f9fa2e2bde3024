// SPDX-License-Identifier: Apache-2.0
/*
 * What it costs a BPF program to find a connection's line among 10, 1,000 and 10,000 of them:
 * bpf/line.bpf.h, and then the line itself. The lines are hosts and ranges of
 * both families, the peers are drawn from them. A harness program for its checks, but no test.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "bpf/abi.h"
#include "tests/harness.h"
#include "tests/lines/lookup.h"
#include "tests/lines/lookup.skel.h"
#include "userspace/lengths.h"

enum { REPEAT = 2000 };

/* the same numbers in every run */
static uint32_t bench_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed;
}

/* A line of its own: by turns an IPv4 host, a /24, an IPv6 host and a /48. */
static struct config_prefix bench_prefix(uint32_t i, uint32_t *seed)
{
	static const unsigned int lengths[] = { 128, 120, 128, 48 };
	struct config_prefix prefix = {
		.family = i % 4 < 2 ? AF_INET : AF_INET6,
		.length = lengths[i % 4],
	};
	uint32_t a = htonl(bench_random(seed)), b = htonl(bench_random(seed));

	if (prefix.family == AF_INET) {
		prefix.addr[10] = prefix.addr[11] = 0xff;
		memcpy(prefix.addr + 12, &a, 4);
		if (i % 4 == 1)
			prefix.addr[15] = 0;
		return prefix;
	}
	prefix.addr[0] = 0x20;
	prefix.addr[1] = 0x01;
	memcpy(prefix.addr + 2, &a, 4);
	if (i % 4 == 2)
		memcpy(prefix.addr + 12, &b, 4);
	return prefix;
}

static void bench_fill(struct lookup *skel, uint32_t count)
{
	static struct config_line lines[LW_LINES_MAX];
	static struct config_prefix prefixes[LW_LINES_MAX];
	struct lengths_table table = { 0 };
	int map = bpf_map__fd(skel->maps.lines);
	uint32_t seed = 1, i, id;

	for (i = 0; i < count; i++) {
		struct line line = { .id = i + 1, .function = FUNCTION_SIP_LINE };
		struct line_match match = { .line = i + 1 };
		struct line_key key;

		id = i + 1;
		prefixes[i] = bench_prefix(i, &seed);
		lines[i] = (struct config_line){
			.port = LOOKUP_PORT, .prefixes = &prefixes[i], .prefix_count = 1,
		};
		key = lengths_line_key(0, &lines[i], &prefixes[i]);
		lengths_add(&table, &lines[i]);
		ASSERT_OK(bpf_map_update_elem(bpf_map__fd(skel->maps.line_prefixes), &key, &match,
					      BPF_ANY));
		ASSERT_OK(bpf_map_update_elem(map, &id, &line, BPF_ANY));
	}
	ASSERT_OK(lengths_write(&table, 0, bpf_map__fd(skel->maps.line_lengths)));
	/* spread over all of them */
	for (i = 0; i < LOOKUP_PEERS; i++)
		memcpy(skel->bss->peers[i], prefixes[(uint64_t)i * count / LOOKUP_PEERS].addr, 16);
}

static double bench_run(uint32_t count)
{
	unsigned char packet[64] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = sizeof(packet),
		    .repeat = REPEAT);
	struct lookup *skel = lookup__open_and_load();

	ASSERT_NOT_NULL(skel);
	bench_fill(skel, count);
	ASSERT_OK(bpf_prog_test_run_opts(bpf_program__fd(skel->progs.lookup), &opts));
	EXPECT_EQ(LOOKUP_PEERS, skel->bss->found);
	lookup__destroy(skel);
	return (double)opts.duration / LOOKUP_PEERS;
}

TEST_TIMEOUT(bench, 300)
{
	static const uint32_t counts[] = { 10, 1000, 10000 };

	printf("%-10s %s\n", "lines", "ns a look-up");
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
		printf("%-10u %.0f\n", counts[i], bench_run(counts[i]));
}

HARNESS_MAIN
