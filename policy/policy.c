// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <openssl/x509.h>
#include <stdio.h>

#include "policy/bundle.h"
#include "policy/verdict.h"

int policy_check_chain(const struct evidence *evidence, const struct rule *rule, int64_t now,
		       struct verdict *out, struct facts *facts_out)
{
	struct facts facts = { 0 };

	*out = (struct verdict){ 0 };
	int err = facts_extract(evidence, rule, now, &facts);

	if (err)
		snprintf(out->reason, sizeof(out->reason), "%s",
			 err == -EINVAL ? "no rule" : "out of memory");
	else
		policy_decide(&facts, rule, now, out);

	if (facts_out)
		*facts_out = facts;
	else
		facts_release(&facts);
	return err;
}

static int policy_parse(const void *bytes, size_t len, int max, const char *whose,
			struct bundle *bundle, struct verdict *out)
{
	char error[STORE_ERROR_MAX];

	if (!len)
		return 0;

	int err = len > POLICY_CHAIN_BYTES_MAX ?
			  -E2BIG :
			  bundle_parse(bytes, len, max, bundle, error, sizeof(error));

	if (err) {
		out->refusal = err == -ENOMEM ? REFUSAL_UNDECIDED : REFUSAL_BAD_CERTIFICATE;
		snprintf(out->reason, sizeof(out->reason), "%s: %s", whose,
			 len > POLICY_CHAIN_BYTES_MAX ? "too many bytes" : error);
	}
	return err == -EINVAL ? -EBADMSG : err;
}

int policy_check_bytes(const struct store *store, const struct policy_bytes *bytes,
		       const struct rule *rule, int64_t now, struct verdict *out,
		       struct facts *facts_out)
{
	struct bundle chain _cleanup_(bundle_release) = { 0 };
	struct bundle own _cleanup_(bundle_release) = { 0 };

	*out = (struct verdict){ 0 };
	if (facts_out)
		*facts_out = (struct facts){ 0 };

	int err = policy_parse(bytes->chain, bytes->chain_len, POLICY_CHAIN_CERTIFICATES_MAX,
			       "the peer's certificates", &chain, out);

	if (!err)
		err = policy_parse(bytes->own, bytes->own_len, POLICY_CHAIN_CERTIFICATES_MAX,
				   "our own certificate", &own, out);
	if (err)
		return err;

	const X509 *identity = sk_X509_value(own.certificates, 0);
	const struct evidence evidence = {
		.store = store,
		.leaf = sk_X509_value(chain.certificates, 0),
		.untrusted = chain.certificates,
		.staple = bytes->staple,
		.own = &identity,
		.own_count = 1,
		.trace = bytes->trace,
	};

	return policy_check_chain(&evidence, rule, now, out, facts_out);
}
