// SPDX-License-Identifier: Apache-2.0
/* The trust store: certificates and revocation lists as an administrator adds them. */
#include <errno.h>
#include <openssl/err.h>
#include <string.h>

#include "policy/bundle.h"
#include "policy/cleanup.h"
#include "policy/crl.h"
#include "policy/store.h"
#include "policy/verdict.h"
#include "tests/fuzz/fixed.h"
#include "tests/fuzz/outcome.h"
#include "tests/fuzz/store.h"
#include "tests/fuzz/target.h"

DEFINE_CLEANUP(STACK_OF(X509) *, sk_X509_free);

enum { STORE_CHAINS_MAX = 2 };

/* the CAs are of the store, none is a root, and each issued the one before */
static void store_require_chain(const struct store *store, X509 *certificate)
{
	STACK_OF(X509) *chain;

	REQUIRE(store_chain(store, certificate, &chain) == 0);
	REQUIRE(sk_X509_num(chain) <= STORE_CHAIN_MAX);
	for (int i = 0; i < sk_X509_num(chain); i++) {
		X509 *issuer = sk_X509_value(chain, i);

		REQUIRE(store_has(store, issuer));
		REQUIRE(X509_self_signed(issuer, 1) != 1);
		REQUIRE(X509_verify(certificate, X509_get0_pubkey(issuer)) == 1);
		certificate = issuer;
	}
	sk_X509_pop_free(chain, X509_free);
}

static void store_require_whole(const struct store *store)
{
	for (size_t i = 0; i < store_count(store); i++) {
		X509 *certificate = store_certificate(store, i);
		size_t index = 0;

		REQUIRE(certificate && store_has(store, certificate));
		REQUIRE(store_certificate_name(store, i));
		REQUIRE(store_find_subject(store, X509_get_subject_name(certificate), &index));
		REQUIRE(index <= i + 1);
		if (i < STORE_CHAINS_MAX)
			store_require_chain(store, certificate);
	}
	REQUIRE(!store_certificate(store, store_count(store)));
	REQUIRE(!store_certificate_name(store, store_count(store)));
}

/* all or nothing, and nothing twice */
static void store_require_added(struct store *store, const void *bytes, size_t len)
{
	char error[STORE_ERROR_MAX] = "";
	size_t before = store_count(store);
	int added = store_add_bytes(store, "first", bytes, len, error, sizeof(error));

	REQUIRE(!ERR_peek_error());
	if (added < 0) {
		REQUIRE(added == -EINVAL || added == -EBADMSG || added == -E2BIG);
		REQUIRE_TEXT(error);
		REQUIRE(store_count(store) == before);
		REQUIRE(store_add_bytes(store, "again", bytes, len, NULL, 0) == added);
	} else {
		REQUIRE(store_count(store) == before + (size_t)added);
		REQUIRE(store_add_bytes(store, "again", bytes, len, error, sizeof(error)) == 0);
		REQUIRE(store_count(store) == before + (size_t)added);
	}
}

/*
 * A list of the store, signed by the intermediate, revokes a certificate of it. Another
 * intermediate of the same name, which may not sign lists, could stand in its place.
 */
static bool store_revokes(const struct store *store, X509 *certificate)
{
	X509 *issuer = fixed_certificate(FIXED_INTERMEDIATE);
	const struct crl *crl;
	size_t index = 0;

	if (store_find_subject(store, X509_get_subject_name(issuer), &index))
		return false;
	index = 0;
	while ((crl = store_find_crl(store, X509_get_subject_name(issuer), &index))) {
		if (crl_lists(crl, certificate) &&
		    X509_CRL_verify(crl->list, X509_get0_pubkey(issuer)) == 1)
			return true;
	}
	return false;
}

/* a chain under the store that came of it */
static void store_require_verdict(const struct store *store, enum level level, enum rule_crl crl)
{
	X509 *leaf = fixed_certificate(FIXED_GOOD);
	struct facts facts _cleanup_(facts_release) = { 0 };
	struct rule rule = { .level = level, .peer = PEER_CLIENT, .crl = crl };
	STACK_OF(X509) *sent _cleanup_(cleanup_sk_X509_free) = sk_X509_new_null();
	struct verdict verdict;
	const struct evidence evidence = { .store = store, .leaf = leaf, .untrusted = sent };

	sk_X509_push(sent, fixed_certificate(FIXED_INTERMEDIATE));

	int err = policy_check_chain(&evidence, &rule, FIXED_NOW, &verdict, &facts);

	REQUIRE(err == 0);
	outcome_require(err, &rule, FIXED_NOW, &verdict, &facts);
	if (rule_revocation(&rule) != CRL_OFF && store_revokes(store, leaf))
		REQUIRE(!verdict.accepted);
	ERR_clear_error();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct store *store _cleanup_(cleanup_store_free) = NULL;
	char *resigned _cleanup_free_ = NULL;
	struct store_head head;

	target_take(&data, &len, &head, sizeof(head));
	store = head.filled & 1 ? fixed_store_new() : store_new(1);
	REQUIRE(store);
	if (head.resign & 1)
		data = (uint8_t *)(resigned = fixed_resign(data, len, &len));
	store_require_added(store, data, len);
	store_require_whole(store);
	ERR_clear_error();
	store_require_verdict(store, LEVEL_NONE + head.level % (LEVEL_COUNT - LEVEL_NONE),
			      head.crl % CRL_COUNT);
	return 0;
}
