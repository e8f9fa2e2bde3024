// SPDX-License-Identifier: Apache-2.0
/*
 * Certificates, and a stapled response, as a peer sends them, under every kind of rule: chain,
 * facts, verdict. What is accepted is looked at once more in accepted.c.
 */
#include "tests/fuzz/chain.h"

#include <openssl/err.h>
#include <string.h>

#include "policy/cleanup.h"
#include "policy/trace.h"
#include "policy/verdict.h"
#include "tests/fuzz/accepted.h"
#include "tests/fuzz/cached.h"
#include "tests/fuzz/fixed.h"
#include "tests/fuzz/outcome.h"
#include "tests/fuzz/shortage.h"
#include "tests/fuzz/status.h"
#include "tests/fuzz/target.h"

enum { CHAIN_NAMES = 4 };

#define CHAIN_GENERATION INT64_C(946080000) /* 30 years */

static const char *const chain_hosts[CHAIN_NAMES] = {
	"good.example.test",
	"b\303\274cher.example",
	"192.0.2.1",
	"2001:db8::1",
};

static const char *const chain_domains[CHAIN_NAMES] = {
	"example.test",
	"good.example.test",
	"names.example.test",
	"xn--bcher-kva.example",
};

static const int64_t chain_times[] = {
	FIXED_NOW,
	FIXED_NOW + CHAIN_GENERATION,
	FIXED_NOW - CHAIN_GENERATION,
	FIXED_NOW + 2 * STATUS_DAY,
	INT64_MIN,
	INT64_MAX,
};

/* 0: no name; else one of them, or with the last choice all */
static void chain_choose_names(const char *const *names, uint8_t choice, const char *const **out,
			       size_t *count)
{
	choice %= CHAIN_NAMES + 2;
	*out = choice == 0 || choice > CHAIN_NAMES ? names : names + choice - 1;
	*count = choice == 0 ? 0 : choice > CHAIN_NAMES ? CHAIN_NAMES : 1;
}

static void chain_choose_rule(const struct chain_head *head, struct rule *rule)
{
	*rule = (struct rule){
		.level = head->level % (LEVEL_COUNT + 1),
		.peer = head->peer % (PEER_CLIENT + 1),
		.ask = head->ask % (ASK_NONE + 1),
		.options = head->options,
		.crl = head->crl % CRL_COUNT,
		.sip = head->sip & 1,
		.checks = head->checks[0] | (check_set)head->checks[1] << 8,
	};
	chain_choose_names(chain_hosts, head->host, &rule->hosts, &rule->host_count);
	chain_choose_names(chain_domains, head->domain, &rule->sip_domains,
			   &rule->sip_domain_count);
}

/* with lists: a current one of the root, and one of the intermediate that revokes our own */
static const struct store *chain_choose_store(bool lists)
{
	static struct store *stores[2];
	static const enum fixed_id revoked[][2] = {
		{ FIXED_ROOT, FIXED_POLICED },
		{ FIXED_INTERMEDIATE, FIXED_SERVER },
	};

	if (stores[lists])
		return stores[lists];
	stores[lists] = fixed_store_new();
	for (size_t i = 0; lists && i < sizeof(revoked) / sizeof(revoked[0]); i++) {
		X509_CRL *list = status_list(revoked[i][0], revoked[i][1], STATUS_DAY, NULL);
		unsigned char *der = NULL;
		int len = i2d_X509_CRL(list, &der);

		REQUIRE(store_add_bytes(stores[lists], "list", der, (size_t)len, NULL, 0) == 0);
		OPENSSL_free(der);
		X509_CRL_free(list);
	}
	return stores[lists];
}

/* the end of what follows the head is the stapled response */
static void chain_choose_bytes(struct chain *chain, const uint8_t *data, size_t len)
{
	const struct chain_head *head = chain->head;
	size_t staple = head->staple[0] | (size_t)head->staple[1] << 8;

	staple = staple < len ? staple : len;
	chain->bytes.chain = data;
	chain->bytes.chain_len = len - staple;
	chain->bytes.staple.bytes = data + len - staple;
	chain->bytes.staple.len = staple;
	if (head->resign & CHAIN_RESIGN_CHAIN)
		chain->bytes.chain = chain->chain =
			fixed_resign(data, len - staple, &chain->bytes.chain_len);
	if (!(head->resign & CHAIN_RESIGN_STAPLE))
		return;
	chain->staple = status_resign(chain->bytes.staple.bytes, staple,
				      head->resign & CHAIN_RESIGN_RESPONDER ? FIXED_RESPONDER :
									       FIXED_INTERMEDIATE,
				      &chain->bytes.staple.len);
	chain->bytes.staple.bytes = chain->staple;
	ERR_clear_error();
}

static void chain_choose_own(struct chain *chain)
{
	int len;

	switch (chain->head->own % CHAIN_OWN_COUNT) {
	case CHAIN_OWN_SERVER:
		len = i2d_X509(fixed_certificate(FIXED_SERVER), &chain->own);
		chain->bytes.own = chain->own;
		chain->bytes.own_len = (size_t)len;
		break;
	case CHAIN_OWN_PEER:
		chain->bytes.own = chain->bytes.chain;
		chain->bytes.own_len = chain->bytes.chain_len;
		break;
	}
}

static void chain_release(struct chain *chain)
{
	free(chain->chain);
	OPENSSL_free(chain->staple);
	OPENSSL_free(chain->own);
}

void chain_check(const struct chain *chain, const struct rule *rule, int64_t now,
		 struct verdict *verdict, struct facts *facts)
{
	int err = policy_check_bytes(chain->store, &chain->bytes, rule, now, verdict, facts);

	outcome_require(err, rule, now, verdict, facts);
}

/* while the time is in the path's window, the search ends the same */
static void chain_require_window(const struct chain *chain, const struct facts *facts)
{
	const int64_t ends[] = { facts->path.window.from, facts->path.window.until };

	for (int i = 0; facts->present && i < 2; i++) {
		struct facts then _cleanup_(facts_release) = { 0 };
		struct verdict verdict;

		chain_check(chain, &chain->rule, ends[i], &verdict, &then);
		REQUIRE(then.path.state == facts->path.state);
	}
}

/* where memory runs out, nobody is accepted who would not be with enough of it */
static void chain_require_shortage(const struct chain *chain, bool accepted)
{
	const uint8_t *shortage = chain->head->shortage;
	struct facts facts _cleanup_(facts_release) = { 0 };
	struct verdict verdict;

	shortage_begin(shortage[0] | (unsigned int)shortage[1] << 8);

	int err = policy_check_bytes(chain->store, &chain->bytes, &chain->rule, chain->now,
				     &verdict, &facts);

	shortage_end();
	ERR_clear_error();
	outcome_require_texts(&verdict);
	REQUIRE(!verdict.accepted || (accepted && !err));
}

static void chain_require_trace(const struct trace *trace, const struct facts *facts)
{
	REQUIRE(trace->failed_count <= TRACE_FAILED_MAX);
	REQUIRE((facts->path.state == PATH_TRUSTED) == (trace->found.length > 0));
	REQUIRE(!trace->found.length || trace->found.length == facts->path.length);
	for (unsigned int i = 0; i <= trace->failed_count; i++) {
		const struct trace_path *path = i ? &trace->failed[i - 1] : &trace->found;

		REQUIRE(path->length <= PATH_DEPTH_MAX && path_state_name(path->state));
		REQUIRE_TEXT_OR_EMPTY(path->detail);
		for (unsigned int j = 0; j < path->length; j++)
			REQUIRE_TEXT(path->subjects[j]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct facts facts _cleanup_(facts_release) = { 0 };
	struct chain_head head;
	struct chain chain _cleanup_(chain_release) = { .head = &head };
	struct trace trace = { 0 };
	struct verdict verdict;

	target_take(&data, &len, &head, sizeof(head));
	chain_choose_bytes(&chain, data, len);
	chain_choose_own(&chain);
	chain_choose_rule(&head, &chain.rule);
	chain.store = chain_choose_store(head.lists & 1);
	chain.now = chain_times[head.when % (sizeof(chain_times) / sizeof(chain_times[0]))];

	chain.bytes.trace = &trace;
	chain_check(&chain, &chain.rule, chain.now, &verdict, &facts);
	chain.bytes.trace = NULL;
	chain_require_trace(&trace, &facts);
	if (verdict.accepted)
		accepted_require(&chain, &facts);
	if (head.window & 1)
		chain_require_window(&chain, &facts);
	if (head.cached & 1)
		cached_require(&chain);
	if (head.shortage[0] || head.shortage[1])
		chain_require_shortage(&chain, verdict.accepted);
	return 0;
}
