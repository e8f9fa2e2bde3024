// SPDX-License-Identifier: Apache-2.0
/*
 * Path building: a peer is accepted when any path holds, and refused for a reason when none
 * does. The paths that do not hold come first wherever the order can be chosen.
 */
#include "tests/harness.h"
#include "tests/policy/maker.h"

static struct verdict check_chain(const struct store *store, const struct made *leaf,
				  STACK_OF(X509) *untrusted)
{
	struct rule rule = make_rule(MAKER_CHAIN);

	return make_verdict(store, leaf, untrusted, &rule);
}

static void expect_accepted(const struct store *store, const struct made *leaf,
			    STACK_OF(X509) *untrusted)
{
	struct verdict verdict = check_chain(store, leaf, untrusted);

	EXPECT_TRUE(verdict.accepted) { TH_LOG("%s", verdict.reason); }
}

static void expect_refused(const struct store *store, const struct made *leaf,
			   STACK_OF(X509) *untrusted, enum refusal refusal)
{
	struct verdict verdict = check_chain(store, leaf, untrusted);

	EXPECT_FALSE(verdict.accepted);
	EXPECT_EQ(refusal, verdict.refusal) { TH_LOG("%s", verdict.reason); }
}

static const struct recipe root_recipe = { .name = "Root", .ca = true };
static const struct recipe ca_recipe = { .name = "CA", .ca = true };
static const struct recipe leaf_recipe = { .name = "leaf", .extended_key_usage = "serverAuth" };

FIXTURE(path)
{
	const struct made *root, *ca, *leaf;
	struct store *store;
};

FIXTURE_SETUP(path)
{
	self->root = make(NULL, root_recipe);
	self->ca = make(self->root, ca_recipe);
	self->leaf = make(self->ca, leaf_recipe);
	self->store = make_store(self->root);
}

FIXTURE_TEARDOWN(path)
{
}

TEST_F(path, plain)
{
	expect_accepted(self->store, self->leaf, make_stack(self->leaf, self->ca));
	/* the root is sent along too, or the order is turned round */
	expect_accepted(self->store, self->leaf, make_stack(self->root, self->ca));
}

TEST_F(path, missing_intermediate)
{
	expect_refused(self->store, self->leaf, NULL, REFUSAL_UNKNOWN_CA);
	expect_refused(make_store(NULL), self->leaf, make_stack(self->ca, self->root),
		       REFUSAL_UNKNOWN_CA);
	expect_refused(NULL, self->leaf, make_stack(self->ca, self->root), REFUSAL_UNKNOWN_CA);
}

TEST_F(path, intermediate_in_store)
{
	expect_accepted(make_store(self->root, self->ca), self->leaf, NULL);
}

/* a CA whose issuer is not in the store ends a path, and the record says so */
TEST_F(path, store_without_root)
{
	struct verdict verdict = check_chain(make_store(self->ca), self->leaf, NULL);

	EXPECT_TRUE(verdict.accepted) { TH_LOG("%s", verdict.reason); }
	ASSERT_EQ(1, verdict.note_count);
	EXPECT_STREQ("the chain ends at a CA whose own issuer is not in the store: CN=CA",
		     verdict.notes[0]);
}

/* self-issued, but by another key of its name: what its identifier says makes it no root */
TEST(path_self_issued_is_no_root)
{
	const struct made *older = make(NULL, root_recipe);
	const struct made *newer = make(older, root_recipe);
	const struct made *leaf = make(newer, leaf_recipe);

	expect_refused(make_store(newer), leaf, NULL, REFUSAL_UNKNOWN_CA);
	expect_accepted(make_store(newer, older), leaf, NULL);
	expect_accepted(make_store(older), leaf, make_stack(newer));
}

/* where the store has the root, the root has to hold */
TEST_F(path, store_with_expired_root)
{
	struct recipe recipe = root_recipe;

	recipe.same_key = self->root;
	recipe.end = MAKER_NOW - 1;
	const struct made *expired = make(NULL, recipe);

	expect_refused(make_store(self->ca, expired), self->leaf, NULL, REFUSAL_EXPIRED);
	/* and two roots of one name and key are two chances, in either order */
	expect_accepted(make_store(expired, self->root), self->leaf,
			make_stack(self->ca));
	expect_accepted(make_store(self->root, expired), self->leaf,
			make_stack(self->ca));
}

TEST_F(path, expired_intermediate_beside_a_good_one)
{
	struct recipe recipe = ca_recipe;

	recipe.same_key = self->ca;
	recipe.end = MAKER_NOW - 1;
	const struct made *expired = make(self->root, recipe);

	expect_accepted(self->store, self->leaf, make_stack(expired, self->ca));
	expect_accepted(self->store, self->leaf, make_stack(self->ca, expired));
	expect_accepted(make_store(self->root, expired), self->leaf,
			make_stack(self->ca));
	expect_refused(self->store, self->leaf, make_stack(expired), REFUSAL_EXPIRED);
}

/* the CA is certified by an unknown root too: the way up has to be the other */
TEST_F(path, cross_signed)
{
	const struct made *other = make(NULL, (struct recipe){ .name = "Other", .ca = true });
	struct recipe recipe = ca_recipe;

	recipe.same_key = self->ca;
	const struct made *cross = make(other, recipe);

	expect_accepted(self->store, self->leaf, make_stack(cross, other, self->ca));
	expect_accepted(make_store(other), self->leaf, make_stack(self->ca, cross));
	expect_refused(self->store, self->leaf, make_stack(cross, other), REFUSAL_UNKNOWN_CA);
}

/* same name, another key: only its signature tells which one it was */
TEST_F(path, same_name_other_key)
{
	const struct made *impostor_root = make(NULL, root_recipe);
	const struct made *impostor_ca = make(impostor_root, ca_recipe);

	expect_accepted(make_store(impostor_root, self->root), self->leaf,
			make_stack(impostor_ca, self->ca));
	expect_refused(make_store(impostor_root), self->leaf, make_stack(self->ca),
		       REFUSAL_BAD_CERTIFICATE);
}

/* key identifiers are hints: without any, and with a wrong one */
TEST(path_key_identifiers)
{
	struct recipe recipe = root_recipe;

	recipe.no_key_ids = true;
	const struct made *root = make(NULL, recipe), *impostor = make(NULL, recipe);

	recipe = ca_recipe;
	recipe.no_key_ids = true;
	const struct made *ca = make(root, recipe);
	const struct made *leaf = make(ca, leaf_recipe);

	expect_accepted(make_store(impostor, root), leaf, make_stack(ca));

	/* the leaf's identifier is that of the root's older key; the CA is now another */
	const struct made *old = make(NULL, root_recipe);
	struct recipe renewed = root_recipe;

	renewed.same_key = old;
	renewed.no_key_ids = true;
	expect_accepted(make_store(make(NULL, renewed)), make(old, leaf_recipe), NULL);
}

/* A certifies B, B certifies A, and A is also a root */
TEST_F(path, loop)
{
	struct recipe a_recipe = { .name = "A", .ca = true };
	struct recipe b_recipe = { .name = "B", .ca = true };
	const struct made *a = make(NULL, a_recipe), *b = make(NULL, b_recipe);

	a_recipe.same_key = a;
	b_recipe.same_key = b;
	const struct made *a_by_b = make(b, a_recipe), *b_by_a = make(a, b_recipe);
	const struct made *leaf = make(a, leaf_recipe);

	expect_accepted(make_store(a), leaf, make_stack(a_by_b, b_by_a));
	expect_accepted(make_store(b), leaf, make_stack(b_by_a, a_by_b));
	expect_refused(self->store, leaf, make_stack(a_by_b, b_by_a), REFUSAL_UNKNOWN_CA);
}

TEST_F(path, irrelevant_certificates)
{
	STACK_OF(X509) *stack = make_stack(NULL);

	for (int i = 0; i < 40; i++) {
		struct recipe recipe = i % 2 ? ca_recipe : root_recipe;

		ASSERT_LT(0, sk_X509_push(stack, make(NULL, recipe)->certificate));
	}
	ASSERT_LT(0, sk_X509_push(stack, self->ca->certificate));
	expect_accepted(self->store, self->leaf, stack);
}

TEST_F(path, bad_signature)
{
	struct recipe recipe = leaf_recipe;

	recipe.bad_signature = true;
	expect_refused(self->store, make(self->ca, recipe), make_stack(self->ca),
		       REFUSAL_BAD_CERTIFICATE);
}

/* forged by nobody here, but it could be; SHA-1 is named only */
TEST_F(path, weak_digests)
{
	struct recipe recipe = ca_recipe;

	recipe.key_type = "RSA:2048";
	const struct made *ca = make(self->root, recipe);

	recipe = leaf_recipe;
	recipe.digest = "MD5";
	expect_refused(self->store, make(ca, recipe), make_stack(ca), REFUSAL_BAD_CERTIFICATE);
	recipe.digest = "SHA1";

	struct verdict verdict =
		check_chain(self->store, make(ca, recipe), make_stack(ca));

	EXPECT_TRUE(verdict.accepted) { TH_LOG("%s", verdict.reason); }
	ASSERT_LT(0, verdict.note_count);
	EXPECT_STREQ("signature over SHA-1: CN=leaf", verdict.notes[0]);
}

TEST_F(path, self_signed_leaf)
{
	const struct made *leaf = make(NULL, leaf_recipe);

	expect_refused(self->store, leaf, NULL, REFUSAL_UNKNOWN_CA);
	expect_accepted(make_store(leaf), leaf, NULL);
}

FIXTURE(path_ca)
{
	const struct made *root;
	struct store *store;
};

/* one CA between root and leaf, and what is wrong with it */
FIXTURE_VARIANT(path_ca)
{
	struct recipe recipe;
	enum refusal refusal; /* 0: accepted */
};

FIXTURE_VARIANT_ADD(path_ca, good) { .recipe = { .ca = true } };
FIXTURE_VARIANT_ADD(path_ca, no_ca) {
	.recipe = { .key_usage = "keyCertSign" },
	.refusal = REFUSAL_UNKNOWN_CA,
};
FIXTURE_VARIANT_ADD(path_ca, ca_false) {
	.recipe = { .basic_constraints = "CA:FALSE", .key_usage = "keyCertSign" },
	.refusal = REFUSAL_UNKNOWN_CA,
};
FIXTURE_VARIANT_ADD(path_ca, no_cert_sign) {
	.recipe = { .ca = true, .key_usage = "digitalSignature" },
	.refusal = REFUSAL_UNKNOWN_CA,
};
FIXTURE_VARIANT_ADD(path_ca, no_key_usage) { .recipe = { .ca = true, .key_usage = "" } };
FIXTURE_VARIANT_ADD(path_ca, path_length_zero) {
	.recipe = { .ca = true, .basic_constraints = "CA:TRUE,pathlen:0" },
};
FIXTURE_VARIANT_ADD(path_ca, not_yet) {
	.recipe = { .ca = true, .begin = MAKER_NOW + 1 },
	.refusal = REFUSAL_EXPIRED,
};
FIXTURE_VARIANT_ADD(path_ca, first_second) { .recipe = { .ca = true, .begin = MAKER_NOW } };
FIXTURE_VARIANT_ADD(path_ca, last_second) { .recipe = { .ca = true, .end = MAKER_NOW } };
FIXTURE_VARIANT_ADD(path_ca, expired) {
	.recipe = { .ca = true, .end = MAKER_NOW - 1 },
	.refusal = REFUSAL_EXPIRED,
};
FIXTURE_VARIANT_ADD(path_ca, critical) {
	.recipe = { .ca = true, .unknown_critical = "1.2.3.4" },
	.refusal = REFUSAL_UNSUPPORTED,
};
FIXTURE_VARIANT_ADD(path_ca, purpose) {
	.recipe = { .ca = true, .extended_key_usage = "serverAuth" },
};
FIXTURE_VARIANT_ADD(path_ca, other_purpose) {
	.recipe = { .ca = true, .extended_key_usage = "clientAuth" },
	.refusal = REFUSAL_UNSUPPORTED,
};
FIXTURE_VARIANT_ADD(path_ca, any_purpose) {
	.recipe = { .ca = true, .extended_key_usage = "anyExtendedKeyUsage" },
};
/* Netscape's and Microsoft's server-gated crypto */
FIXTURE_VARIANT_ADD(path_ca, gated) {
	.recipe = { .ca = true,
		    .extended_key_usage = "2.16.840.1.113730.4.1,1.3.6.1.4.1.311.10.3.3" },
	.refusal = REFUSAL_UNSUPPORTED,
};

FIXTURE_SETUP(path_ca)
{
	self->root = make(NULL, root_recipe);
	self->store = make_store(self->root);
}

FIXTURE_TEARDOWN(path_ca)
{
}

TEST_F(path_ca, alone)
{
	struct recipe recipe = variant->recipe;

	recipe.name = "CA";
	const struct made *ca = make(self->root, recipe);
	const struct made *leaf = make(ca, leaf_recipe);

	if (variant->refusal)
		expect_refused(self->store, leaf, make_stack(ca), variant->refusal);
	else
		expect_accepted(self->store, leaf, make_stack(ca));
}

/* beside one of the same name and key that holds, whatever is wrong does not matter */
TEST_F(path_ca, beside_a_good_one)
{
	struct recipe recipe = variant->recipe, good = ca_recipe;

	recipe.name = "CA";
	const struct made *ca = make(self->root, recipe);

	good.same_key = ca;
	const struct made *other = make(self->root, good);
	const struct made *leaf = make(ca, leaf_recipe);

	expect_accepted(self->store, leaf, make_stack(ca, other));
	expect_accepted(self->store, leaf, make_stack(other, ca));
	expect_accepted(make_store(ca, self->root), leaf, make_stack(other));
}

TEST_F(path, length_counts_no_self_issued)
{
	struct recipe recipe = { .name = "Top", .ca = true,
				 .basic_constraints = "critical,CA:TRUE,pathlen:1" };
	const struct made *top = make(NULL, recipe);
	struct store *store = make_store(top);
	const struct made *one = make(top, (struct recipe){ .name = "One", .ca = true });
	const struct made *two = make(one, (struct recipe){ .name = "Two", .ca = true });
	const struct made *renewed = make(one, (struct recipe){ .name = "One", .ca = true });

	expect_accepted(store, make(one, leaf_recipe), make_stack(one));
	expect_refused(store, make(two, leaf_recipe), make_stack(one, two),
		       REFUSAL_UNKNOWN_CA);
	expect_accepted(store, make(renewed, leaf_recipe), make_stack(one, renewed));
}
