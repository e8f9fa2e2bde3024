// SPDX-License-Identifier: Apache-2.0
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "policy/cleanup.h"
#include "policy/constraint.h"
#include "policy/name.h"

DEFINE_CLEANUP(GENERAL_NAMES *, GENERAL_NAMES_free);

static const char *const constraint_result_texts[] = {
	[CONSTRAINT_HOLDS] = "its names are allowed",
	[CONSTRAINT_EXCLUDED] = "a CA's name constraints exclude a name of it",
	[CONSTRAINT_MALFORMED] = "a name that a CA's name constraints apply to is malformed",
	[CONSTRAINT_LIMIT] = "more names and name constraints than will be compared",
};
_Static_assert(sizeof(constraint_result_texts) / sizeof(constraint_result_texts[0]) ==
		       CONSTRAINT_RESULT_COUNT,
	       "a text a result");

const char *constraint_result_text(enum constraint_result result)
{
	if ((unsigned int)result >= CONSTRAINT_RESULT_COUNT)
		return NULL;
	return constraint_result_texts[result];
}

/* the three kinds of name that are text */
static const ASN1_STRING *constraint_text(const GENERAL_NAME *name)
{
	if (name->type != GEN_DNS && name->type != GEN_EMAIL && name->type != GEN_URI)
		return NULL;
	return name->d.ia5;
}

/*
 * "*.example.com" stands for a name within the excluded subtree "a.example.com". The
 * subtrees that hold every name of the wildcard are libcrypto's to find.
 */
static bool constraint_meets_wildcard(const ASN1_STRING *base, const ASN1_STRING *name)
{
	const char *wild = (const char *)ASN1_STRING_get0_data(name);
	const char *tree = (const char *)ASN1_STRING_get0_data(base);
	size_t wild_len = (size_t)ASN1_STRING_length(name);
	size_t tree_len = (size_t)ASN1_STRING_length(base);

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

static bool constraint_excludes(const GENERAL_NAME *base, const GENERAL_NAME *name)
{
	const ASN1_STRING *tree = constraint_text(base);

	if (!tree || base->type != name->type)
		return false;
	/* an empty base is the whole tree; libcrypto does not take it so for a URI */
	if (!ASN1_STRING_length(tree))
		return true;
	return base->type == GEN_DNS && constraint_meets_wildcard(tree, constraint_text(name));
}

/* a local part, in quotes when it holds an '@' itself, and a host */
static bool constraint_is_email(const uint8_t *bytes, size_t len)
{
	const uint8_t *at = memrchr(bytes, '@', len);
	size_t local = at ? (size_t)(at - bytes) : 0;
	bool quoted = local > 2 && bytes[0] == '"' && bytes[local - 1] == '"';

	if (!local || (!quoted && memchr(bytes, '@', local)))
		return false;
	return name_is_presented_dns(at + 1, len - local - 1, false);
}

/*
 * libcrypto refuses a URI without a host, but takes what stands before the first ':' for the
 * host, which is the user's name in "https://user:secret@host".
 */
static bool constraint_is_uri(const uint8_t *bytes, size_t len)
{
	return !memchr(bytes, '@', len);
}

static bool constraint_is_well_formed(const GENERAL_NAME *name)
{
	const ASN1_STRING *text = constraint_text(name);
	const uint8_t *bytes = text ? ASN1_STRING_get0_data(text) : NULL;
	size_t len = text ? (size_t)ASN1_STRING_length(text) : 0;

	if (name->type == GEN_DNS)
		return name_is_presented_dns(bytes, len, true);
	if (name->type == GEN_EMAIL)
		return constraint_is_email(bytes, len);
	if (name->type == GEN_URI)
		return constraint_is_uri(bytes, len);
	return true;
}

static enum constraint_result constraint_check_tree(const GENERAL_SUBTREE *tree, bool excluded,
						    const GENERAL_NAMES *names)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type == tree->base->type && !constraint_is_well_formed(name))
			return CONSTRAINT_MALFORMED;
		if (excluded && constraint_excludes(tree->base, name))
			return CONSTRAINT_EXCLUDED;
	}
	return CONSTRAINT_HOLDS;
}

static enum constraint_result constraint_check_trees(const STACK_OF(GENERAL_SUBTREE) *trees,
						     bool excluded, const GENERAL_NAMES *names)
{
	enum constraint_result result = CONSTRAINT_HOLDS;

	for (int i = 0; !result && i < sk_GENERAL_SUBTREE_num(trees); i++)
		result = constraint_check_tree(sk_GENERAL_SUBTREE_value(trees, i), excluded, names);
	return result;
}

/* sk_..._num() of an absent stack is -1 */
static uint64_t constraint_number(int count)
{
	return count > 0 ? (uint64_t)count : 0;
}

enum constraint_result constraint_check(const NAME_CONSTRAINTS *constraints, X509 *certificate)
{
	GENERAL_NAMES *names _cleanup_(cleanup_GENERAL_NAMES_free) =
		X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	const X509_NAME *subject = X509_get_subject_name(certificate);
	uint64_t trees = constraint_number(sk_GENERAL_SUBTREE_num(constraints->permittedSubtrees)) +
			 constraint_number(sk_GENERAL_SUBTREE_num(constraints->excludedSubtrees));
	uint64_t count = constraint_number(sk_GENERAL_NAME_num(names)) +
			 constraint_number(X509_NAME_entry_count(subject));

	if (trees * count > CONSTRAINT_COMPARISONS_MAX)
		return CONSTRAINT_LIMIT;

	enum constraint_result result =
		constraint_check_trees(constraints->permittedSubtrees, false, names);

	if (result)
		return result;
	return constraint_check_trees(constraints->excludedSubtrees, true, names);
}
