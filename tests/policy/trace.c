// SPDX-License-Identifier: Apache-2.0
/* What a search tells of its paths: every one that was tried, as far as there is room. */
#include <string.h>

#include "policy/trace.h"
#include "tests/harness.h"
#include "tests/policy/maker.h"

static const struct recipe root_recipe = { .name = "Root", .ca = true };
static const struct recipe ca_recipe = { .name = "CA", .ca = true };
static const struct recipe leaf_recipe = { .name = "leaf" };

static bool trace_chain(const struct store *store, const struct made *leaf,
			STACK_OF(X509) *untrusted, struct trace *trace)
{
	const struct rule rule = make_rule(MAKER_CHAIN);
	const struct evidence evidence = {
		.store = store,
		.leaf = leaf->certificate,
		.untrusted = untrusted,
		.trace = trace,
	};
	struct verdict verdict;

	memset(trace, 0, sizeof(*trace));
	make_check(&evidence, &rule, MAKER_NOW, &verdict, NULL);
	return verdict.accepted;
}

TEST(trace_found)
{
	const struct made *root = make(NULL, root_recipe), *ca = make(root, ca_recipe);
	struct trace trace;

	ASSERT_TRUE(trace_chain(make_store(root), make(ca, leaf_recipe), make_stack(ca), &trace));
	EXPECT_EQ(0, trace.failed_count);
	ASSERT_EQ(3, trace.found.length);
	EXPECT_EQ(PATH_TRUSTED, trace.found.state);
	EXPECT_STREQ("CN=leaf", trace.found.subjects[0]);
	EXPECT_STREQ("CN=CA", trace.found.subjects[1]);
	EXPECT_STREQ("CN=Root", trace.found.subjects[2]);
	EXPECT_STREQ("", trace.found.detail);
}

/* the issuer that was refused is named though it never stood in the candidate */
TEST(trace_failed_beside_found)
{
	const struct made *root = make(NULL, root_recipe), *ca = make(root, ca_recipe);
	struct recipe recipe = ca_recipe;

	recipe.same_key = ca;
	recipe.unknown_critical = "1.2.3.4";
	const struct made *odd = make(root, recipe);
	struct trace trace;

	ASSERT_TRUE(trace_chain(make_store(root, odd), make(ca, leaf_recipe), make_stack(ca),
				&trace));
	ASSERT_EQ(3, trace.found.length);
	ASSERT_EQ(1, trace.failed_count);
	EXPECT_EQ(PATH_CRITICAL, trace.failed[0].state);
	EXPECT_EQ(1, trace.failed[0].depth);
	ASSERT_EQ(2, trace.failed[0].length);
	EXPECT_STREQ("CN=CA", trace.failed[0].subjects[1]);
	EXPECT_STREQ("unknown critical extension 1.2.3.4", trace.failed[0].detail);
}

TEST(trace_dead_end)
{
	const struct made *root = make(NULL, root_recipe), *ca = make(root, ca_recipe);
	struct trace trace;

	ASSERT_FALSE(trace_chain(make_store(root), make(ca, leaf_recipe), NULL, &trace));
	EXPECT_EQ(0, trace.found.length);
	ASSERT_EQ(1, trace.failed_count);
	EXPECT_EQ(PATH_NO_ISSUER, trace.failed[0].state);
	EXPECT_EQ(0, trace.failed[0].depth);
	EXPECT_EQ(1, trace.failed[0].length);
}

/* the path that was found has its place, however many failed before */
TEST(trace_is_bounded)
{
	const struct made *root = make(NULL, root_recipe), *ca = make(root, ca_recipe);
	STACK_OF(X509) *stack = make_stack(NULL);
	struct trace trace;

	for (int i = 0; i < TRACE_FAILED_MAX + 3; i++) {
		struct recipe recipe = ca_recipe;

		recipe.same_key = ca;
		recipe.unknown_critical = "1.2.3.4";
		ASSERT_LT(0, sk_X509_push(stack, make(root, recipe)->certificate));
	}
	ASSERT_LT(0, sk_X509_push(stack, ca->certificate));
	ASSERT_TRUE(trace_chain(make_store(root), make(ca, leaf_recipe), stack, &trace));
	EXPECT_EQ(3, trace.found.length);
	EXPECT_EQ(TRACE_FAILED_MAX, trace.failed_count);
	EXPECT_EQ(3, trace.omitted);
}
