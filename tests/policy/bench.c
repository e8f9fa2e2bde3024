// SPDX-License-Identifier: Apache-2.0
/*
 * What a decision costs: a chain with two intermediates over P-256 at High + Remote Checks, with
 * and without the cache, next to the signature checks that no program could do without. The
 * peer's certificates are parsed anew for every round, as they are in a handshake; that
 * is libssl's work and not counted. Time is the process's own. A harness program for its
 * checks, but no test: a machine that is too slow is not a broken one. The bars are for the
 * least of many rounds, which is what the code costs and not what its neighbours do.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "policy/cache.h"
#include "tests/harness.h"
#include "tests/policy/maker.h"

enum {
	ROUNDS = 2000,
	CHAIN = 3, /* the certificates that a peer sends */
	BAR_NS = 60 * 1000, /* beyond the signature checks */
	BAR_CACHED_NS = 10 * 1000, /* in all */
};

struct bench {
	const struct made *made[CHAIN + 1]; /* the peer's own first, the root last */
	const X509 *own;
	struct evidence evidence;
	struct rule rule;
	uint8_t der[CHAIN][2048];
	long der_len[CHAIN];
};

static int64_t bench_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static int bench_compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void bench_prepare(struct bench *bench)
{
	static const char *const hosts[] = { "pbx.example.com" };
	struct recipe ca = { .name = "Bench CA 1", .ca = true };

	bench->made[3] = make(NULL, (struct recipe){ .name = "Bench Root", .ca = true });
	bench->made[2] = make(bench->made[3], ca);
	ca.name = "Bench CA 2";
	bench->made[1] = make(bench->made[2], ca);
	bench->made[0] = make(bench->made[1], (struct recipe){
						      .name = "pbx.example.com",
						      .names = "DNS:pbx.example.com,DNS:pbx",
						      .extended_key_usage = "serverAuth,clientAuth",
					      });
	bench->own = make(bench->made[1], (struct recipe){ .name = "own" })->certificate;
	bench->evidence.store = make_store(bench->made[3], bench->made[0]);
	bench->evidence.own = &bench->own;
	bench->evidence.own_count = 1;
	bench->rule = (struct rule){
		.level = LEVEL_HIGH_REMOTE,
		.peer = PEER_CLIENT,
		.hosts = hosts,
		.host_count = 1,
	};
	for (int i = 0; i < CHAIN; i++) {
		uint8_t *at = bench->der[i];

		bench->der_len[i] = i2d_X509(bench->made[i]->certificate, &at);
	}
}

/* what a handshake has parsed: the whole chain, the peer's own first */
static STACK_OF(X509) *bench_parse(const struct bench *bench)
{
	STACK_OF(X509) *stack = sk_X509_new_null();

	for (int i = 0; i < CHAIN; i++) {
		const uint8_t *at = bench->der[i];

		sk_X509_push(stack, d2i_X509(NULL, &at, bench->der_len[i]));
	}
	return stack;
}

static void bench_decide(struct bench *bench, STACK_OF(X509) *stack)
{
	static struct verdict verdict;
	struct facts facts;

	bench->evidence.leaf = sk_X509_value(stack, 0);
	bench->evidence.untrusted = stack;
	policy_check_chain(&bench->evidence, &bench->rule, MAKER_NOW, &verdict, &facts);
	facts_release(&facts);
	ASSERT_TRUE(verdict.accepted) { TH_LOG("%s", verdict.reason); }
}

static void bench_verify(struct bench *bench, STACK_OF(X509) *stack)
{
	for (int i = 0; i < CHAIN; i++) {
		X509 *issuer = i + 1 < CHAIN ? sk_X509_value(stack, i + 1) :
					       bench->made[CHAIN]->certificate;

		ASSERT_EQ(1, X509_verify(sk_X509_value(stack, i), X509_get0_pubkey(issuer)));
	}
}

typedef void bench_fn(struct bench *bench, STACK_OF(X509) *stack);

/* the ways that are compared, in turn, so that a busy machine slows all of them down alike */
static struct bench_way {
	const char *what;
	bench_fn *run;
	bool cached;
	int64_t took[ROUNDS], median, least; /* ns */
} bench_ways[] = {
	{ .what = "the three signature checks alone", .run = bench_verify },
	{ .what = "decision", .run = bench_decide },
	{ .what = "decision, chain known to the cache", .run = bench_decide, .cached = true },
};

enum { BENCH_SIGNATURES, BENCH_DECISION, BENCH_CACHED, BENCH_WAYS };

static void bench_run(struct bench *bench, struct cache *cache)
{
	for (int i = 0; i < BENCH_WAYS * ROUNDS; i++) {
		struct bench_way *way = &bench_ways[i % BENCH_WAYS];
		STACK_OF(X509) *stack = bench_parse(bench);

		bench->evidence.cache = way->cached ? cache : NULL;

		int64_t start = bench_clock();

		way->run(bench, stack);
		way->took[i / BENCH_WAYS] = bench_clock() - start;
		sk_X509_pop_free(stack, X509_free);
	}
	for (int i = 0; i < BENCH_WAYS; i++) {
		struct bench_way *way = &bench_ways[i];

		qsort(way->took, ROUNDS, sizeof(way->took[0]), bench_compare);
		way->least = way->took[0];
		way->median = way->took[ROUNDS / 2];
	}
}

static void bench_show(const char *what, int64_t median, int64_t least, int64_t bar)
{
	printf("%-44s %10.1f %10.1f", what, (double)median / 1000, (double)least / 1000);
	if (bar)
		printf(" %8.1f %s", (double)bar / 1000, least < bar ? "kept" : "MISSED");
	putchar('\n');
}

static void bench_show_way(const struct bench_way *way, int64_t bar)
{
	bench_show(way->what, way->median, way->least, bar);
}

static void bench_show_difference(const char *what, const struct bench_way *way,
				  const struct bench_way *less, int64_t bar)
{
	bench_show(what, way->median - less->median, way->least - less->least, bar);
}

TEST_TIMEOUT(bench, 120)
{
	const struct bench_way *signatures = &bench_ways[BENCH_SIGNATURES];
	const struct bench_way *decision = &bench_ways[BENCH_DECISION];
	const struct bench_way *cached = &bench_ways[BENCH_CACHED];
	struct cache *cache _cleanup_(cleanup_cache_free) = cache_new(16, 1 << 20);
	static struct bench bench;

	ASSERT_NOT_NULL(cache);
	bench_prepare(&bench);
	bench_run(&bench, cache);

	printf("%-44s %10s %10s %8s\n", "high+remote, P-256, two intermediates", "median us",
	       "least us", "bar us");
	bench_show_way(decision, 0);
	bench_show_way(signatures, 0);
	bench_show_difference("beyond the signature checks", decision, signatures, BAR_NS);
	bench_show_way(cached, BAR_CACHED_NS);
	bench_show_difference("what the cache saves a handshake", decision, cached, 0);
	fflush(stdout);
	EXPECT_LT(decision->least - signatures->least, BAR_NS);
	EXPECT_LT(cached->least, BAR_CACHED_NS);
}

HARNESS_MAIN
