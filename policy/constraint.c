// SPDX-License-Identifier: Apache-2.0
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "policy/cleanup.h"
#include "policy/constraint.h"

DEFINE_CLEANUP(NAME_CONSTRAINTS *, NAME_CONSTRAINTS_free);
DEFINE_CLEANUP(GENERAL_NAMES *, GENERAL_NAMES_free);

/*
 * "*.example.com" stands for a name within the excluded subtree "a.example.com". The
 * subtrees that hold every name of the wildcard are libcrypto's to find.
 */
static bool constraint_meets_wildcard(const GENERAL_NAME *base, const GENERAL_NAME *name)
{
	if (base->type != GEN_DNS || name->type != GEN_DNS)
		return false;

	const char *wild = (const char *)ASN1_STRING_get0_data(name->d.dNSName);
	const char *tree = (const char *)ASN1_STRING_get0_data(base->d.dNSName);
	size_t wild_len = (size_t)ASN1_STRING_length(name->d.dNSName);
	size_t tree_len = (size_t)ASN1_STRING_length(base->d.dNSName);

	if (wild_len < 2 || wild[0] != '*' || wild[1] != '.')
		return false;
	if (tree_len && tree[0] == '.') {
		tree++;
		tree_len--;
	}

	const char *dot = memchr(tree, '.', tree_len);
	size_t rest = dot ? tree_len - (size_t)(dot - tree) : 0;

	return dot && rest == wild_len - 1 && strncasecmp(dot, wild + 1, rest) == 0;
}

static bool constraint_excludes(const NAME_CONSTRAINTS *constraints, const GENERAL_NAMES *names)
{
	for (int i = 0; i < sk_GENERAL_SUBTREE_num(constraints->excludedSubtrees); i++) {
		const GENERAL_SUBTREE *tree =
			sk_GENERAL_SUBTREE_value(constraints->excludedSubtrees, i);

		for (int j = 0; j < sk_GENERAL_NAME_num(names); j++) {
			if (constraint_meets_wildcard(tree->base, sk_GENERAL_NAME_value(names, j)))
				return true;
		}
	}
	return false;
}

/* sk_..._num() of an absent stack is -1 */
static unsigned int constraint_number(int count)
{
	return count > 0 ? (unsigned int)count : 0;
}

enum constraint_result constraint_check(X509 *ca, X509 *certificate)
{
	NAME_CONSTRAINTS *constraints _cleanup_(cleanup_NAME_CONSTRAINTS_free) =
		X509_get_ext_d2i(ca, NID_name_constraints, NULL, NULL);

	if (!constraints)
		return CONSTRAINT_HOLDS;

	GENERAL_NAMES *names _cleanup_(cleanup_GENERAL_NAMES_free) =
		X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	uint64_t subtrees =
		constraint_number(sk_GENERAL_SUBTREE_num(constraints->permittedSubtrees)) +
		constraint_number(sk_GENERAL_SUBTREE_num(constraints->excludedSubtrees));
	uint64_t count = constraint_number(sk_GENERAL_NAME_num(names)) +
			 constraint_number(X509_NAME_entry_count(X509_get_subject_name(certificate)));

	if (subtrees * count > CONSTRAINT_COMPARISONS_MAX)
		return CONSTRAINT_LIMIT;
	return constraint_excludes(constraints, names) ? CONSTRAINT_EXCLUDED : CONSTRAINT_HOLDS;
}
