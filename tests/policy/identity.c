// SPDX-License-Identifier: Apache-2.0
/* Who the peer is, with certificates: names, our own certificate, the store; and bytes in. */
#include <errno.h>
#include <string.h>

#include "tests/harness.h"
#include "tests/policy/maker.h"

static struct verdict check_own(const struct store *store, const struct made *leaf,
				const struct made *own, check_set checks, struct facts *facts)
{
	struct rule rule = make_rule(checks);
	const struct evidence evidence = {
		.store = store,
		.leaf = leaf->certificate,
		.own = (const X509 *[]){ own ? own->certificate : NULL },
		.own_count = 1,
	};
	struct verdict verdict;

	make_check(&evidence, &rule, MAKER_NOW, &verdict, facts);
	return verdict;
}

TEST(identity_reflected)
{
	const check_set checks = CHECK_BIT(CHECK_NOT_REFLECTED);
	const struct made *own = make(NULL, (struct recipe){ .name = "own" });
	const struct made *peer = make(NULL, (struct recipe){ .name = "peer" });
	const struct made *cousin = make(NULL, (struct recipe){ .name = "peer", .same_key = own });
	struct verdict verdict;

	EXPECT_FALSE(check_own(NULL, own, own, checks, NULL).accepted);
	EXPECT_TRUE(check_own(NULL, peer, own, checks, NULL).accepted);

	/* another certificate over our key is accepted, and named */
	verdict = check_own(NULL, cousin, own, checks, NULL);
	EXPECT_TRUE(verdict.accepted);
	ASSERT_EQ(1, verdict.note_count);
	EXPECT_STREQ("another certificate over our own public key", verdict.notes[0]);

	verdict = check_own(NULL, own, NULL, checks, NULL);
	EXPECT_TRUE(verdict.accepted);
	EXPECT_EQ(OUTCOME_NOT_APPLICABLE, verdict.results[1].outcome);
}

/* the host's identity and a function's: either one given back is refused, on whatever line */
TEST(identity_reflected_of_two)
{
	const struct made *host = make(NULL, (struct recipe){ .name = "host" });
	const struct made *phone = make(NULL, (struct recipe){ .name = "phone" });
	const struct made *cousin = make(NULL, (struct recipe){ .name = "x", .same_key = phone });
	const struct made *twin = make(NULL, (struct recipe){ .name = "y", .same_key = host });
	const struct made *peer = make(NULL, (struct recipe){ .name = "peer" });
	const struct {
		const struct made *leaf;
		bool accepted;
		size_t notes;
	} cases[] = {
		{ host, false, 0 }, { phone, false, 0 }, { cousin, true, 1 },
		{ twin, true, 1 },  { peer, true, 0 },
	};
	const X509 *const own[] = { host->certificate, NULL, phone->certificate };
	struct rule rule = make_rule(CHECK_BIT(CHECK_NOT_REFLECTED));
	struct verdict verdict;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct evidence evidence = { .leaf = cases[i].leaf->certificate, .own = own,
					     .own_count = 3 };

		make_check(&evidence, &rule, MAKER_NOW, &verdict, NULL);
		EXPECT_EQ(cases[i].accepted, verdict.accepted) { TH_LOG("%zu", i); }
		EXPECT_EQ(cases[i].notes, verdict.note_count) { TH_LOG("%zu", i); }
		if (cases[i].accepted)
			EXPECT_EQ(OUTCOME_PASSED, verdict.results[1].outcome);

		/* none given: not applicable, whatever the peer has */
		evidence.own_count = 0;
		make_check(&evidence, &rule, MAKER_NOW, &verdict, NULL);
		EXPECT_EQ(OUTCOME_NOT_APPLICABLE, verdict.results[1].outcome);
	}
}

TEST(identity_in_store)
{
	const check_set checks = CHECK_BIT(CHECK_IN_STORE);
	struct recipe recipe = { .name = "peer" };
	const struct made *peer = make(NULL, recipe);

	recipe.same_key = peer;
	const struct made *renewed = make(NULL, recipe);
	struct store *store = make_store(peer);

	EXPECT_TRUE(check_own(store, peer, NULL, checks, NULL).accepted);
	/* pinned is the certificate, not its name and key */
	EXPECT_FALSE(check_own(store, renewed, NULL, checks, NULL).accepted);
	EXPECT_FALSE(check_own(NULL, peer, NULL, checks, NULL).accepted);
}

/* signed by its own key, whatever the names say */
TEST(identity_self_signed)
{
	const check_set checks = CHECK_BIT(CHECK_NOT_SELF_SIGNED);
	const struct made *root = make(NULL, (struct recipe){ .name = "root" });
	struct recipe recipe = { .name = "root" };
	const struct made *self_issued = make(root, recipe);

	recipe.name = "other";
	recipe.same_key = root;
	const struct made *own_key = make(root, recipe);

	EXPECT_FALSE(check_own(NULL, root, NULL, checks, NULL).accepted);
	EXPECT_TRUE(check_own(NULL, self_issued, NULL, checks, NULL).accepted);
	EXPECT_FALSE(check_own(NULL, own_key, NULL, checks, NULL).accepted);
}

TEST(identity_facts)
{
	struct facts facts _cleanup_(facts_release) = { 0 };
	const struct made *ca = make(NULL, (struct recipe){ .name = "CA", .ca = true });
	const struct made *leaf = make(ca, (struct recipe){
						   .name = "leaf",
						   .key_type = "RSA:1024",
						   .names = "DNS:a.example,IP:192.0.2.7,"
							    "URI:sip:b.example,email:c@d.example",
					   });
	struct verdict verdict = check_own(make_store(ca), leaf, NULL, MAKER_CHAIN, &facts);
	uint8_t sha256[FACTS_SHA256];

	EXPECT_TRUE(verdict.accepted)
	{
		TH_LOG("%s", verdict.reason);
	}
	EXPECT_TRUE(facts.examined);
	EXPECT_STREQ("CN=leaf", facts.leaf.subject);
	EXPECT_STREQ("CN=CA", facts.leaf.issuer);
	EXPECT_STREQ("CN=CA", facts.path.root);
	EXPECT_EQ(MAKER_NOW - MAKER_YEAR, facts.leaf.not_before);
	EXPECT_EQ(MAKER_NOW + MAKER_YEAR, facts.leaf.not_after);
	EXPECT_EQ(4, facts.san.count);
	EXPECT_EQ(4, facts.san.common_name_len);
	EXPECT_EQ(1024, facts.path.weakest.rsa_bits);
	EXPECT_STREQ("CN=leaf", facts.path.weakest_subject);
	X509_digest(leaf->certificate, EVP_sha256(), sha256, NULL);
	EXPECT_MEMEQ(sha256, facts.leaf.sha256, sizeof(sha256));
}

static bool accepts_names(const struct made *leaf, const char *host, const char *domain)
{
	struct rule rule = make_rule(CHECK_BIT(CHECK_REMOTE_NAME) | CHECK_BIT(CHECK_SIP_DOMAIN));

	rule.hosts = &host;
	rule.host_count = host ? 1 : 0;
	rule.sip = domain;
	rule.sip_domains = &domain;
	rule.sip_domain_count = domain ? 1 : 0;
	return make_verdict(NULL, leaf, NULL, &rule).accepted;
}

TEST(identity_names)
{
	const struct made *leaf =
		make(NULL, (struct recipe){ .name = "cn.example",
					    .names = "DNS:a.example,DNS:*.w.example,IP:192.0.2.7,"
						     "IP:2001:db8::7,URI:sip:sip.example" });

	EXPECT_TRUE(accepts_names(leaf, "a.example", NULL));
	EXPECT_TRUE(accepts_names(leaf, "x.w.example", NULL));
	EXPECT_TRUE(accepts_names(leaf, "192.0.2.7", NULL));
	EXPECT_TRUE(accepts_names(leaf, "2001:DB8:0::7", NULL));
	EXPECT_TRUE(accepts_names(leaf, NULL, "sip.example"));
	EXPECT_TRUE(accepts_names(leaf, "a.example", "sip.example"));
	EXPECT_FALSE(accepts_names(leaf, "cn.example", NULL));
	EXPECT_FALSE(accepts_names(leaf, "192.0.2.8", NULL));
	EXPECT_FALSE(accepts_names(leaf, "sip.example", NULL));
	EXPECT_FALSE(accepts_names(leaf, NULL, "a.example"));
	EXPECT_FALSE(accepts_names(leaf, "b.example", "sip.example"));
	/* nothing to compare with is no match */
	EXPECT_FALSE(accepts_names(leaf, NULL, NULL));
}

/* the CN of a certificate without subjectAltName: a SIP domain, never a host */
TEST(identity_common_name)
{
	const struct made *leaf = make(NULL, (struct recipe){ .name = "cn.example" });

	EXPECT_FALSE(accepts_names(leaf, "cn.example", NULL));
	EXPECT_TRUE(accepts_names(leaf, NULL, "cn.example"));
}

static const struct {
	const char *constraints, *names;
	bool accepted;
} constraint_pairs[] = {
	{ "permitted;DNS:example.com", "DNS:a.example.com", true },
	{ "permitted;DNS:example.com", "DNS:a.example.org", false },
	{ "permitted;DNS:example.com", "DNS:a.example.com,IP:192.0.2.7", true },
	{ "excluded;DNS:example.com", "DNS:a.example.com", false },
	{ "excluded;DNS:a.example.com", "DNS:*.example.com", false },
	{ "excluded;DNS:A.Example.com", "DNS:*.example.COM", false },
	{ "excluded;DNS:a.b.example.com", "DNS:*.example.com", true },
	{ "excluded;DNS:a.example.org", "DNS:*.example.com", true },
	{ "permitted;DNS:example.com", "DNS:.example.com", false },
	{ "permitted;IP:192.0.2.0/255.255.255.0", "IP:192.0.2.7", true },
	{ "permitted;IP:192.0.2.0/255.255.255.0", "IP:192.0.3.7", false },
	{ "permitted;email:example.com", "email:a@example.com", true },
	{ "permitted;email:example.com", "email:a@b@example.com", false },
	{ "excluded;URI:example.com", "URI:https://x:y@example.com/", false },
	{ "permitted;URI:example.com", "URI:sip:example.com", false },
};

TEST(identity_name_constraints)
{
	const struct made *root = make(NULL, (struct recipe){ .name = "Root", .ca = true });
	struct rule rule = make_rule(MAKER_CHAIN);

	for (size_t i = 0; i < sizeof(constraint_pairs) / sizeof(constraint_pairs[0]); i++) {
		const struct made *ca =
			make(root, (struct recipe){
					   .name = "CA",
					   .ca = true,
					   .name_constraints = constraint_pairs[i].constraints,
				   });
		const struct made *leaf = make(
			ca, (struct recipe){ .name = "x", .names = constraint_pairs[i].names });
		struct verdict verdict =
			make_verdict(make_store(root), leaf, make_stack(ca), &rule);

		EXPECT_EQ(constraint_pairs[i].accepted, verdict.accepted)
		{
			TH_LOG("%s, %s: %s", constraint_pairs[i].constraints,
			       constraint_pairs[i].names, verdict.reason);
		}
	}
}

FIXTURE(identity_bytes)
{
	const struct made *ca, *leaf;
	struct store *store;
	struct rule rule;
	char pem[8192];
};

FIXTURE_SETUP(identity_bytes)
{
	self->ca = make(NULL, (struct recipe){ .name = "CA", .ca = true });
	self->leaf = make(self->ca, (struct recipe){ .name = "leaf", .names = "DNS:a.example" });
	self->store = make_store(self->ca);
	self->rule = make_rule(MAKER_CHAIN);
	make_pem(self->leaf, self->pem, sizeof(self->pem));
	make_pem(self->ca, self->pem, sizeof(self->pem));
}

FIXTURE_TEARDOWN(identity_bytes)
{
}

static int check_bytes(FIXTURE_DATA(identity_bytes) * self, const void *bytes, size_t len,
		       struct verdict *verdict)
{
	struct policy_bytes chain = { .chain = bytes, .chain_len = len };

	return policy_check_bytes(self->store, &chain, &self->rule, MAKER_NOW, verdict, NULL);
}

TEST_F(identity_bytes, pem_and_der)
{
	struct verdict verdict;
	unsigned char der[8192], *at = der;

	EXPECT_OK(check_bytes(self, self->pem, strlen(self->pem), &verdict));
	EXPECT_TRUE(verdict.accepted)
	{
		TH_LOG("%s", verdict.reason);
	}
	i2d_X509(self->leaf->certificate, &at);
	i2d_X509(self->ca->certificate, &at);
	EXPECT_OK(check_bytes(self, der, (size_t)(at - der), &verdict));
	EXPECT_TRUE(verdict.accepted)
	{
		TH_LOG("%s", verdict.reason);
	}
	EXPECT_OK(check_bytes(self, NULL, 0, &verdict));
	EXPECT_FALSE(verdict.accepted);
	EXPECT_EQ(REFUSAL_NO_CERTIFICATE, verdict.refusal);
}

TEST_F(identity_bytes, refused)
{
	struct verdict verdict;

	EXPECT_EQ(-EBADMSG, check_bytes(self, "nothing", 7, &verdict));
	EXPECT_EQ(REFUSAL_BAD_CERTIFICATE, verdict.refusal);
	EXPECT_STREQ("the peer's certificates: no certificate", verdict.reason);
	EXPECT_EQ(-E2BIG, check_bytes(self, self->pem, POLICY_CHAIN_BYTES_MAX + 1, &verdict));
	EXPECT_FALSE(verdict.accepted);
}

/* a byte anywhere is another: whatever comes of it, it is an answer, and never acceptance
 * by a certificate that its CA did not sign */
TEST_F(identity_bytes, damaged)
{
	unsigned char der[8192], *at = der;

	i2d_X509(self->leaf->certificate, &at);

	size_t len = (size_t)(at - der);

	for (size_t i = 0; i < len; i++) {
		for (int bit = 0; bit < 8; bit++) {
			struct verdict verdict;

			der[i] ^= (unsigned char)(1 << bit);
			int err = check_bytes(self, der, len, &verdict);

			EXPECT_TRUE(err == 0 || err == -EBADMSG || err == -E2BIG);
			EXPECT_FALSE(verdict.accepted)
			{
				TH_LOG("byte %zu bit %d", i, bit);
			}
			EXPECT_LT(0, strlen(verdict.reason));
			der[i] ^= (unsigned char)(1 << bit);
		}
	}
	for (size_t i = 1; i < len; i++) {
		struct verdict verdict;

		EXPECT_EQ(-EBADMSG, check_bytes(self, der, i, &verdict));
		EXPECT_FALSE(verdict.accepted);
	}
}

/* a CA that certifies its own key under another name: signed by itself, whatever the names say */
TEST(identity_self_signed_under_another_name)
{
	const struct made *ca = make(NULL, (struct recipe){ .name = "CA", .ca = true });
	const struct made *same = make(ca, (struct recipe){ .name = "leaf", .same_key = ca });
	const struct made *leaf = make(ca, (struct recipe){ .name = "leaf" });
	const struct store *store = make_store(ca);
	const check_set checks = CHECK_BIT(CHECK_NOT_SELF_SIGNED);

	EXPECT_FALSE(check_own(store, same, NULL, checks, NULL).accepted);
	EXPECT_FALSE(check_own(NULL, same, NULL, checks, NULL).accepted);
	EXPECT_TRUE(check_own(store, leaf, NULL, checks, NULL).accepted);
	EXPECT_TRUE(check_own(NULL, leaf, NULL, checks, NULL).accepted);
}
