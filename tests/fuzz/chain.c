// SPDX-License-Identifier: Apache-2.0
/*
 * Certificates as a peer sends them, under every kind of rule: chain, facts, verdict. What is
 * accepted is compared with what libcrypto says of the same bytes.
 */
#include "tests/fuzz/chain.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "policy/bundle.h"
#include "policy/cleanup.h"
#include "policy/verdict.h"
#include "tests/fuzz/fixed.h"
#include "tests/fuzz/outcome.h"
#include "tests/fuzz/shortage.h"
#include "tests/fuzz/target.h"

enum { CHAIN_NAMES = 4, CHAIN_YEAR = 365 * 24 * 60 * 60 };

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
	FIXED_NOW + 30LL * CHAIN_YEAR,
	FIXED_NOW - 30LL * CHAIN_YEAR,
	INT64_MIN,
	INT64_MAX,
};

struct chain {
	const struct chain_head *head;
	struct rule rule;
	struct policy_bytes bytes;
	int64_t now;
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
		.sip = head->sip & 1,
		.checks = head->checks[0] | (check_set)head->checks[1] << 8,
	};
	chain_choose_names(chain_hosts, head->host, &rule->hosts, &rule->host_count);
	chain_choose_names(chain_domains, head->domain, &rule->sip_domains,
			   &rule->sip_domain_count);
}

static void chain_check(const struct chain *chain, const struct rule *rule,
			struct verdict *verdict, struct facts *facts)
{
	int err =
		policy_check_bytes(fixed_store(), &chain->bytes, rule, chain->now, verdict, facts);

	outcome_require(err, rule, chain->now, verdict, facts);
}

/* a rule that asks less accepts what one that asks more does */
static void chain_require_less(const struct chain *chain, check_set checks)
{
	const struct rule *rule = &chain->rule;

	for (enum check check = CHECK_CERTIFICATE_PRESENT + 1; check < CHECK_COUNT; check++) {
		struct facts facts _cleanup_(facts_release) = { 0 };
		struct verdict verdict;
		struct rule less = *rule;

		if (!(checks & CHECK_BIT(check)))
			continue;
		/* on a SIP line the domain stands in for the host's name */
		if (check == CHECK_SIP_DOMAIN && rule->sip && !rule->host_count)
			continue;
		less.checks = checks & ~CHECK_BIT(check);
		chain_check(chain, &less, &verdict, &facts);
		REQUIRE(verdict.accepted);
	}
}

/* an issuer by name and key, among what was sent and what is in the store */
static bool chain_has_issuer(X509 *leaf, const struct bundle *bundle)
{
	X509 *issuer;
	size_t index = 0;

	while ((issuer = store_find_subject(fixed_store(), X509_get_issuer_name(leaf), &index))) {
		if (X509_verify(leaf, X509_get0_pubkey(issuer)) == 1)
			return true;
	}
	for (int i = 0; i < sk_X509_num(bundle->certificates); i++) {
		issuer = sk_X509_value(bundle->certificates, i);
		if (X509_NAME_cmp(X509_get_subject_name(issuer), X509_get_issuer_name(leaf)) == 0 &&
		    X509_verify(leaf, X509_get0_pubkey(issuer)) == 1)
			return true;
	}
	return false;
}

/* what libcrypto itself says of a certificate that was accepted */
static void chain_require_leaf(const struct chain *chain, check_set checks,
			       const struct bundle *bundle)
{
	X509 *leaf = sk_X509_value(bundle->certificates, 0);
	time_t now = chain->now;
	int bits = EVP_PKEY_get_security_bits(X509_get0_pubkey(leaf));

	if (checks & CHECK_BIT(CHECK_IN_DATE)) {
		/* the comparison is -2 for a time that cannot be read */
		REQUIRE(ASN1_TIME_cmp_time_t(X509_get0_notAfter(leaf), now) >= 0);
		REQUIRE(ASN1_TIME_cmp_time_t(X509_get0_notBefore(leaf), now) <= 0);
		REQUIRE(ASN1_TIME_cmp_time_t(X509_get0_notBefore(leaf), now) != -2);
	}
	if (checks & CHECK_BIT(CHECK_KEY_1024))
		REQUIRE(bits >= 80);
	if (checks & CHECK_BIT(CHECK_KEY_2048))
		REQUIRE(bits >= 112);
	if (checks & CHECK_BIT(CHECK_KEY_USAGE) &&
	    !(chain->rule.options & RULE_ACCEPT_MISSING_KEY_USAGE))
		REQUIRE(X509_get_extension_flags(leaf) & EXFLAG_KUSAGE && X509_get_key_usage(leaf));
	if (checks & CHECK_BIT(CHECK_NOT_SELF_SIGNED))
		REQUIRE(X509_verify(leaf, X509_get0_pubkey(leaf)) != 1);
	if (checks & CHECK_BIT(CHECK_NOT_REFLECTED))
		REQUIRE(chain->head->own % CHAIN_OWN_COUNT != CHAIN_OWN_PEER);
	if (checks & CHECK_BIT(CHECK_IN_STORE))
		REQUIRE(X509_cmp(leaf, fixed_certificate(FIXED_GOOD)) == 0 ||
			X509_cmp(leaf, fixed_certificate(FIXED_SELF_SIGNED)) == 0 ||
			X509_cmp(leaf, fixed_certificate(FIXED_ROOT)) == 0);
	if (checks & CHECK_BIT(CHECK_TRUST_CHAIN))
		REQUIRE(store_has(fixed_store(), leaf) || chain_has_issuer(leaf, bundle));
}

static void chain_require_accepted(const struct chain *chain, const struct facts *facts)
{
	check_set checks = rule_checks(&chain->rule) | CHECK_BIT(CHECK_CERTIFICATE_PRESENT);
	struct bundle bundle _cleanup_(bundle_release) = { 0 };

	chain_require_less(chain, checks);
	if (!facts->present)
		return;
	REQUIRE(bundle_parse(chain->bytes.chain, chain->bytes.chain_len,
			     POLICY_CHAIN_CERTIFICATES_MAX, &bundle, NULL, 0) == 0);
	chain_require_leaf(chain, checks, &bundle);
	ERR_clear_error();
}

/* where memory runs out, nobody is accepted who would not be with enough of it */
static void chain_require_shortage(const struct chain *chain, bool accepted)
{
	const uint8_t *shortage = chain->head->shortage;
	struct facts facts _cleanup_(facts_release) = { 0 };
	struct verdict verdict;

	shortage_begin(shortage[0] | (unsigned int)shortage[1] << 8);

	int err = policy_check_bytes(fixed_store(), &chain->bytes, &chain->rule, chain->now,
				     &verdict, &facts);

	shortage_end();
	ERR_clear_error();
	outcome_require_texts(&verdict);
	REQUIRE(!verdict.accepted || (accepted && !err));
}

static void chain_choose_own(struct chain *chain, const unsigned char *server, int server_len)
{
	switch (chain->head->own % CHAIN_OWN_COUNT) {
	case CHAIN_OWN_SERVER:
		chain->bytes.own = server;
		chain->bytes.own_len = (size_t)server_len;
		break;
	case CHAIN_OWN_PEER:
		chain->bytes.own = chain->bytes.chain;
		chain->bytes.own_len = chain->bytes.chain_len;
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct facts facts _cleanup_(facts_release) = { 0 };
	char *resigned _cleanup_free_ = NULL;
	unsigned char *server = NULL;
	int server_len = i2d_X509(fixed_certificate(FIXED_SERVER), &server);
	struct verdict verdict;
	struct chain_head head;
	struct chain chain = { .head = &head };

	target_take(&data, &len, &head, sizeof(head));
	chain.bytes = (struct policy_bytes){ .chain = data, .chain_len = len };
	if (head.resign & 1)
		chain.bytes.chain = resigned = fixed_resign(data, len, &chain.bytes.chain_len);
	chain_choose_own(&chain, server, server_len);
	chain_choose_rule(&head, &chain.rule);
	chain.now = chain_times[head.when % (sizeof(chain_times) / sizeof(chain_times[0]))];

	chain_check(&chain, &chain.rule, &verdict, &facts);
	if (verdict.accepted)
		chain_require_accepted(&chain, &facts);
	if (head.shortage[0] || head.shortage[1])
		chain_require_shortage(&chain, verdict.accepted);
	OPENSSL_free(server);
	return 0;
}
