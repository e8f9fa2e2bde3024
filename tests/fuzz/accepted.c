// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/accepted.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "policy/bundle.h"
#include "policy/cleanup.h"
#include "tests/fuzz/fixed.h"
#include "tests/fuzz/target.h"

/* a rule that asks less accepts what one that asks more does */
static void accepted_require_less(const struct chain *chain, check_set checks)
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
		chain_check(chain, &less, chain->now, &verdict, &facts);
		REQUIRE(verdict.accepted);
	}
}

/* an issuer by name and key, among what was sent and what is in the store */
static bool accepted_has_issuer(const struct chain *chain, X509 *leaf, const struct bundle *bundle)
{
	const X509_NAME *name = X509_get_issuer_name(leaf);
	X509 *issuer;
	size_t index = 0;

	while ((issuer = store_find_subject(chain->store, name, &index))) {
		if (X509_verify(leaf, X509_get0_pubkey(issuer)) == 1)
			return true;
	}
	for (int i = 0; i < sk_X509_num(bundle->certificates); i++) {
		issuer = sk_X509_value(bundle->certificates, i);
		if (X509_NAME_cmp(X509_get_subject_name(issuer), name) == 0 &&
		    X509_verify(leaf, X509_get0_pubkey(issuer)) == 1)
			return true;
	}
	return false;
}

static void accepted_require_dates(const struct chain *chain, const X509 *leaf)
{
	time_t now = chain->now;

	/* the comparison is -2 for a time that cannot be read */
	REQUIRE(ASN1_TIME_cmp_time_t(X509_get0_notAfter(leaf), now) >= 0);
	REQUIRE(ASN1_TIME_cmp_time_t(X509_get0_notBefore(leaf), now) <= 0);
	REQUIRE(ASN1_TIME_cmp_time_t(X509_get0_notBefore(leaf), now) != -2);
}

/* what libcrypto itself says of the peer's certificate */
static void accepted_require_leaf(const struct chain *chain, check_set checks, X509 *leaf)
{
	int bits = EVP_PKEY_get_security_bits(X509_get0_pubkey(leaf));

	if (checks & CHECK_BIT(CHECK_IN_DATE))
		accepted_require_dates(chain, leaf);
	if (checks & CHECK_BIT(CHECK_KEY_1024))
		REQUIRE(bits >= 80);
	if (checks & CHECK_BIT(CHECK_KEY_2048))
		REQUIRE(bits >= 112);
	if (checks & CHECK_BIT(CHECK_KEY_USAGE) &&
	    !(chain->rule.options & RULE_ACCEPT_MISSING_KEY_USAGE))
		REQUIRE(X509_get_ext_by_NID(leaf, NID_key_usage, -1) >= 0);
	if (checks & CHECK_BIT(CHECK_NOT_SELF_SIGNED))
		REQUIRE(X509_verify(leaf, X509_get0_pubkey(leaf)) != 1);
	if (checks & CHECK_BIT(CHECK_NOT_REFLECTED))
		REQUIRE(chain->head->own % CHAIN_OWN_COUNT != CHAIN_OWN_PEER);
	if (checks & CHECK_BIT(CHECK_IN_STORE))
		REQUIRE(X509_cmp(leaf, fixed_certificate(FIXED_GOOD)) == 0 ||
			X509_cmp(leaf, fixed_certificate(FIXED_SELF_SIGNED)) == 0 ||
			X509_cmp(leaf, fixed_certificate(FIXED_ROOT)) == 0);
}

/* nobody is trusted whom a list of the store revokes, or of whom too little is known */
static void accepted_require_status(const struct chain *chain, X509 *leaf,
				    const struct facts *facts)
{
	const struct revocation_facts *revocation = &facts->path.revocation;
	X509 *server = fixed_certificate(FIXED_SERVER);
	bool stapled = revocation->staple.state == STAPLE_GOOD;

	if (rule_revocation(&chain->rule) == CRL_REQUIRE && facts->path.length > 1)
		REQUIRE(revocation->proven + stapled >= facts->path.length - 1);
	if (rule_revocation(&chain->rule) == CRL_OFF)
		return;
	REQUIRE(revocation->staple.state != STAPLE_REVOKED);
	/* an authority that is signed anew may have lost its right to sign lists */
	if (chain->head->lists & 1 && !(chain->head->resign & CHAIN_RESIGN_CHAIN))
		REQUIRE(X509_NAME_cmp(X509_get_issuer_name(leaf), X509_get_issuer_name(server)) ||
			ASN1_INTEGER_cmp(X509_get_serialNumber(leaf),
					 X509_get_serialNumber(server)));
}

void accepted_require(const struct chain *chain, const struct facts *facts)
{
	check_set checks = rule_checks(&chain->rule) | CHECK_BIT(CHECK_CERTIFICATE_PRESENT);
	struct bundle bundle _cleanup_(bundle_release) = { 0 };

	accepted_require_less(chain, checks);
	if (!facts->present)
		return;
	REQUIRE(bundle_parse(chain->bytes.chain, chain->bytes.chain_len,
			     POLICY_CHAIN_CERTIFICATES_MAX, &bundle, NULL, 0) == 0);

	X509 *leaf = sk_X509_value(bundle.certificates, 0);

	accepted_require_leaf(chain, checks, leaf);
	if (checks & CHECK_BIT(CHECK_TRUST_CHAIN)) {
		REQUIRE(store_has(chain->store, leaf) || accepted_has_issuer(chain, leaf, &bundle));
		accepted_require_status(chain, leaf, facts);
	}
	ERR_clear_error();
}
