// SPDX-License-Identifier: Apache-2.0
/* The operator's deny list: on top of every level, for every certificate of the chain. */
#include <stdlib.h>
#include <string.h>

#include "policy/denied.h"
#include "tests/harness.h"
#include "tests/policy/maker.h"

/* what is on the list */
enum denied_what { DENIED_NOBODY, DENIED_OTHER, DENIED_LEAF, DENIED_SENT, DENIED_ROOT };

FIXTURE(denied)
{
	const struct made *root, *ca, *leaf, *other;
	struct store *store;
};

FIXTURE_VARIANT(denied)
{
	enum denied_what what;
	bool ca_in_store; /* and not sent along */
	bool refused;
};

FIXTURE_VARIANT_ADD(denied, nobody) { .what = DENIED_NOBODY };
FIXTURE_VARIANT_ADD(denied, somebody_else) { .what = DENIED_OTHER };
FIXTURE_VARIANT_ADD(denied, leaf) { .what = DENIED_LEAF, .refused = true };
FIXTURE_VARIANT_ADD(denied, intermediate) { .what = DENIED_SENT, .refused = true };
FIXTURE_VARIANT_ADD(denied, root) { .what = DENIED_ROOT, .refused = true };
FIXTURE_VARIANT_ADD(denied, stored_intermediate) {
	.what = DENIED_SENT, .ca_in_store = true, .refused = true
};

FIXTURE_SETUP(denied)
{
	self->root = make(NULL, (struct recipe){ .name = "Root", .ca = true });
	self->ca = make(self->root, (struct recipe){ .name = "CA", .ca = true });
	self->leaf = make(self->ca, (struct recipe){ .name = "leaf" });
	self->other = make(self->ca, (struct recipe){ .name = "other" });
	self->store = variant->ca_in_store ? make_store(self->root, self->ca) :
					     make_store(self->root);
}

FIXTURE_TEARDOWN(denied)
{
}

static int denied_order(const void *a, const void *b)
{
	return memcmp(a, b, DENIED_SHA256);
}

/* a list with one that matters between others */
static void denied_list(const struct made *made, uint8_t list[3][DENIED_SHA256])
{
	memset(list[0], 0x00, DENIED_SHA256);
	memset(list[1], 0xff, DENIED_SHA256);
	memset(list[2], 0x80, DENIED_SHA256);
	if (made)
		ASSERT_EQ(1, X509_digest(made->certificate, EVP_sha256(), list[2], NULL));
	qsort(list, 3, DENIED_SHA256, denied_order);
}

/* a level's rule alone says what is asked for; the list is asked besides */
TEST_F(denied, at_every_level_that_the_path_is_known_of)
{
	const struct made *const who[] = {
		[DENIED_NOBODY] = NULL, [DENIED_OTHER] = self->other, [DENIED_LEAF] = self->leaf,
		[DENIED_SENT] = self->ca, [DENIED_ROOT] = self->root,
	};
	uint8_t list[3][DENIED_SHA256];
	const struct denied denied = { (const uint8_t(*)[DENIED_SHA256])list, 3 };
	struct evidence evidence = {
		.store = self->store,
		.leaf = self->leaf->certificate,
		.untrusted = variant->ca_in_store ? make_stack(self->leaf) :
						    make_stack(self->leaf, self->ca),
		.denied = &denied,
	};

	denied_list(who[variant->what], list);
	for (enum level level = LEVEL_NONE; level <= LEVEL_MEDIUM; level++) {
		struct rule rule = { .level = level, .peer = PEER_SERVER };
		struct verdict verdict;

		evidence.denied = &denied;
		make_check(&evidence, &rule, MAKER_NOW, &verdict, NULL);
		EXPECT_EQ(!variant->refused, verdict.accepted) {
			TH_LOG("%s: %s", level_name(level), verdict.reason);
		}
		EXPECT_EQ(CHECK_NOT_DENIED, verdict.results[1].check);
		if (variant->refused)
			EXPECT_EQ(REFUSAL_REVOKED, verdict.refusal);
		/* without a list there is not even the row */
		evidence.denied = NULL;
		make_check(&evidence, &rule, MAKER_NOW, &verdict, NULL);
		EXPECT_TRUE(verdict.accepted);
		EXPECT_EQ(CHECK_IN_DATE, verdict.results[1].check);
	}
}

/* neither an exception nor a set of checks of one's own leaves it out */
TEST_F(denied, whatever_the_rule)
{
	uint8_t list[3][DENIED_SHA256];
	const struct denied denied = { (const uint8_t(*)[DENIED_SHA256])list, 3 };
	const struct evidence evidence = { .leaf = self->leaf->certificate, .denied = &denied };
	struct rule rule = make_rule(CHECK_BIT(CHECK_KEY_1024));
	struct verdict verdict;

	rule.options = RULE_ACCEPT_SERVER_AUTH_CLIENT | RULE_ACCEPT_MISSING_KEY_USAGE;
	denied_list(self->leaf, list);
	make_check(&evidence, &rule, MAKER_NOW, &verdict, NULL);
	EXPECT_FALSE(verdict.accepted);
	EXPECT_EQ(CHECK_NOT_DENIED, verdict.failed);
	EXPECT_STREQ("it is on the operator's deny list", verdict.reason);
}

/* it says more than that the certificate has run out, and comes first */
TEST_F(denied, before_its_end)
{
	uint8_t list[3][DENIED_SHA256];
	const struct denied denied = { (const uint8_t(*)[DENIED_SHA256])list, 3 };
	const struct evidence evidence = { .leaf = self->leaf->certificate, .denied = &denied };
	struct rule rule = { .level = LEVEL_NONE, .peer = PEER_SERVER };
	struct verdict verdict;

	denied_list(self->leaf, list);
	make_check(&evidence, &rule, MAKER_NOW + 2 * MAKER_YEAR, &verdict, NULL);
	EXPECT_EQ(REFUSAL_REVOKED, verdict.refusal);
}
