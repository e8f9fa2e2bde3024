// SPDX-License-Identifier: Apache-2.0
/*
 * What a hostile peer can send costs a bounded time, and ends in a refusal. Time is the process's
 * own, so that a busy machine does not matter.
 */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/harness.h"
#include "tests/policy/maker.h"

enum { BOUND_MS = 50 };

#if defined(__SANITIZE_ADDRESS__)
enum { BOUND_SCALE = 10 };
#else
enum { BOUND_SCALE = 1 };
#endif

static const struct recipe same_recipe = { .name = "Same", .ca = true, .no_key_ids = true };

/* an emulated machine is slow: the harness says by how much */
static long bound(void)
{
	const char *scale = getenv("HARNESS_TIME_SCALE");
	long factor = scale ? atol(scale) : 1;

	return (long)BOUND_MS * BOUND_SCALE * (factor > 1 ? factor : 1);
}

static long cpu_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void expect_bounded(const struct store *store, const struct made *leaf,
			   STACK_OF(X509) *stack)
{
	struct rule rule = make_rule(CHECK_ALL & ~CHECK_BIT(CHECK_REMOTE_NAME));
	struct facts facts _cleanup_(facts_release) = { 0 };
	const struct evidence evidence = {
		.store = store,
		.leaf = leaf->certificate,
		.untrusted = stack,
	};
	struct verdict verdict;
	long start = cpu_ms();

	ASSERT_OK(policy_check_chain(&evidence, &rule, MAKER_NOW, &verdict, &facts));

	long took = cpu_ms() - start;

	EXPECT_GE(bound(), took);
	EXPECT_FALSE(verdict.accepted);
	EXPECT_NE(PATH_TRUSTED, facts.path.state);
	TH_LOG("%ld ms, %u signatures, %u candidates: %s", took, facts.path.signatures,
	       facts.path.candidates, path_state_name(facts.path.state));
}

/* every certificate has the name of every other, and none signed another */
static STACK_OF(X509) *stack_of_strangers(const char *key_type, int count)
{
	STACK_OF(X509) *stack = make_stack(NULL);
	struct recipe recipe = same_recipe;

	recipe.key_type = key_type;
	for (int i = 0; i < count; i++)
		ASSERT_LT(0, sk_X509_push(stack, make(NULL, recipe)->certificate));
	return stack;
}

TEST(bounds_strangers)
{
	const struct made *leaf = make(make(NULL, same_recipe), same_recipe);

	expect_bounded(make_store(make(NULL, same_recipe)), leaf, stack_of_strangers("P-256", 64));
}

TEST(bounds_strangers_slow_keys)
{
	const struct made *leaf = make(make(NULL, same_recipe), same_recipe);

	expect_bounded(make_store(make(NULL, same_recipe)), leaf,
		       stack_of_strangers("brainpoolP512r1", 64));
}

/* every certificate's name and key certifies every other: as many paths as there are orders */
static void expect_mesh_bounded(const char *key_type)
{
	enum { KEYS = 8 };
	const struct made *root[KEYS];
	STACK_OF(X509) *stack = make_stack(NULL);

	for (int i = 0; i < KEYS; i++) {
		char name[] = "A";

		name[0] = (char)('A' + i);
		root[i] = make(NULL, (struct recipe){ .name = name,
						      .key_type = key_type,
						      .ca = true,
						      .no_key_ids = true });
	}
	for (int i = 0; i < KEYS; i++) {
		for (int j = 0; j < KEYS; j++) {
			char name[] = "A";

			name[0] = (char)('A' + j);
			if (i != j)
				ASSERT_LT(0, sk_X509_push(stack, make(root[i],
								      (struct recipe){
									      .name = name,
									      .ca = true,
									      .same_key = root[j],
									      .no_key_ids = true,
								      })
									 ->certificate));
		}
	}
	expect_bounded(make_store(make(NULL, same_recipe)),
		       make(root[0], (struct recipe){ .name = "leaf" }), stack);
}

TEST_TIMEOUT(bounds_mesh, 120)
{
	expect_mesh_bounded("P-256");
}

TEST_TIMEOUT(bounds_mesh_slow_keys, 120)
{
	expect_mesh_bounded("brainpoolP512r1");
}

/* the way up is longer than will be followed */
TEST(bounds_long_chain)
{
	const struct made *root = make(NULL, (struct recipe){ .name = "0", .ca = true });
	const struct made *last = root;
	STACK_OF(X509) *stack = make_stack(NULL);

	for (int i = 1; i < 60; i++) {
		char name[8];

		snprintf(name, sizeof(name), "%d", i);
		last = make(last, (struct recipe){ .name = name, .ca = true });
		ASSERT_LT(0, sk_X509_push(stack, last->certificate));
	}
	expect_bounded(make_store(root), make(last, (struct recipe){ .name = "leaf" }), stack);
}

/* thousands of names against thousands of constraints */
TEST(bounds_names_and_constraints)
{
	enum { COUNT = 1200, TEXT = COUNT * 40 };
	char *names _cleanup_free_ = calloc(1, TEXT), *constraints _cleanup_free_ = calloc(1, TEXT);
	size_t n = 0, c = 0;
	const struct made *root = make(NULL, (struct recipe){ .name = "Root", .ca = true });

	for (int i = 0; i < COUNT; i++) {
		n += (size_t)snprintf(names + n, TEXT - n, "%sDNS:a%d.example", i ? "," : "", i);
		c += (size_t)snprintf(constraints + c, TEXT - c, "%sexcluded;DNS:b%d.example",
				      i ? "," : "", i);
	}

	const struct made *ca = make(
		root, (struct recipe){ .name = "CA", .ca = true, .name_constraints = constraints });

	expect_bounded(make_store(root),
		       make(ca, (struct recipe){ .name = "leaf", .names = names }), make_stack(ca));
}

/* a certificate as large as a handshake allows, in every place at once */
TEST(bounds_large_certificates)
{
	enum { COUNT = 4000, TEXT = COUNT * 24 };
	char *usages _cleanup_free_ = calloc(1, TEXT);
	STACK_OF(X509) *stack = make_stack(NULL);
	struct recipe recipe = same_recipe;
	size_t n = 0;

	for (int i = 0; i < COUNT; i++)
		n += (size_t)snprintf(usages + n, TEXT - n, "%s1.3.6.1.4.1.%d", i ? "," : "", i);
	recipe.extended_key_usage = usages;
	for (int i = 0; i < 6; i++)
		ASSERT_LT(0, sk_X509_push(stack, make(NULL, recipe)->certificate));
	expect_bounded(make_store(make(NULL, same_recipe)), make(NULL, recipe), stack);
}

/* an RSA key whose public exponent is as long as its modulus verifies as slowly as it signs */
static EVP_PKEY *slow_rsa_key(void)
{
	EVP_PKEY *key = NULL;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *modulus = BN_new(), *exponent = BN_new();
	OSSL_PARAM *params;

	/* nobody will sign with it: any odd number does for a modulus */
	ASSERT_EQ(1, BN_rand(modulus, 3072, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD));
	BN_rshift1(exponent, modulus);
	BN_set_bit(exponent, 0);
	OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus);
	OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent);
	params = OSSL_PARAM_BLD_to_param(build);
	ASSERT_EQ(1, EVP_PKEY_fromdata_init(ctx));
	ASSERT_EQ(1, EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params));
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	BN_free(modulus);
	BN_free(exponent);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

TEST(bounds_public_exponent)
{
	const struct made *root = make(NULL, same_recipe);
	struct made slow = { .key = slow_rsa_key() };
	STACK_OF(X509) *stack = make_stack(NULL);
	struct recipe recipe = same_recipe;

	for (int i = 0; i < 32; i++) {
		recipe.same_key = &slow;
		ASSERT_LT(0, sk_X509_push(stack, make(root, recipe)->certificate));
		EVP_PKEY_free(slow.key);
		slow.key = slow_rsa_key();
	}
	EVP_PKEY_free(slow.key);

	/* signed by an RSA key, so that the signature is long enough to be tried */
	recipe = same_recipe;
	recipe.key_type = "RSA:3072";
	expect_bounded(make_store(make(NULL, same_recipe)), make(make(NULL, recipe), same_recipe),
		       stack);
}
