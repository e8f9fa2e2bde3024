// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "userspace/identity.h"

/* The certificate is identified by all of its bytes. */
static bool chain_has(const STACK_OF(X509) *chain, const X509 *certificate)
{
	for (int i = 0; i < sk_X509_num(chain); i++) {
		if (X509_cmp(sk_X509_value(chain, i), certificate) == 0)
			return true;
	}
	return false;
}

int identity_complete_chain(struct identity *identity, const struct store *store)
{
	int own = sk_X509_num(identity->chain), rc;
	X509 *last = own ? sk_X509_value(identity->chain, own - 1) : identity->certificate;
	STACK_OF(X509) *issuers = NULL;

	rc = store_chain(store, last, &issuers);
	if (rc < 0)
		return rc;
	for (int i = 0; i < sk_X509_num(issuers); i++) {
		X509 *issuer = sk_X509_value(issuers, i);

		/* a file's own chain may end anywhere, also below where it began */
		if (X509_cmp(issuer, identity->certificate) == 0 ||
		    chain_has(identity->chain, issuer))
			break;
		if (!sk_X509_push(identity->chain, issuer)) {
			rc = -ENOMEM;
			break;
		}
		X509_up_ref(issuer);
	}
	sk_X509_pop_free(issuers, X509_free);
	return rc;
}

int identity_drop_chain(struct identity *identity)
{
	STACK_OF(X509) *none = sk_X509_new_null();

	if (!none)
		return -ENOMEM;
	sk_X509_pop_free(identity->chain, X509_free);
	identity->chain = none;
	identity->chain_own = 0;
	return 0;
}
