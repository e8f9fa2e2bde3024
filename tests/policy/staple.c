// SPDX-License-Identifier: Apache-2.0
/* A stapled OCSP response: who may sign one, what it is good for, and what is ignored. */
#include <openssl/ocsp.h>
#include <string.h>

#include "tests/harness.h"
#include "tests/policy/maker.h"

/* a response to make */
struct staple_recipe {
	const struct made *about, *issuer, *signer;
	int status; /* V_OCSP_CERTSTATUS_... */
	int64_t begin, end; /* 0: an hour before and after MAKER_NOW; end -1: none */
	const EVP_MD *digest; /* of the CertID; SHA-1 when NULL */
	bool by_key; /* the responder's ID is its key */
	bool alone; /* the responder's certificate is not in it */
	bool critical; /* it has an unknown critical extension */
	bool bad_signature;
};

static ASN1_GENERALIZEDTIME *staple_time(int64_t seconds)
{
	return ASN1_GENERALIZEDTIME_set(NULL, seconds);
}

static void staple_add_answer(OCSP_BASICRESP *basic, const struct staple_recipe *recipe)
{
	OCSP_CERTID *id = OCSP_cert_to_id(recipe->digest ? recipe->digest : EVP_sha1(),
					  recipe->about->certificate, recipe->issuer->certificate);
	ASN1_GENERALIZEDTIME *begin = staple_time(recipe->begin ? recipe->begin : MAKER_NOW - 3600);
	ASN1_GENERALIZEDTIME *end = staple_time(recipe->end ? recipe->end : MAKER_NOW + 3600);
	OCSP_SINGLERESP *answer = OCSP_basic_add1_status(
		basic, id, recipe->status, 0,
		recipe->status == V_OCSP_CERTSTATUS_REVOKED ? begin : NULL, begin,
		recipe->end == -1 ? NULL : end);

	ASSERT_NOT_NULL(answer);
	if (recipe->critical) {
		ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
		ASN1_OBJECT *object = OBJ_txt2obj("1.2.3.4", 1);
		X509_EXTENSION *extension = X509_EXTENSION_create_by_OBJ(NULL, object, 1, value);

		ASSERT_EQ(1, OCSP_SINGLERESP_add_ext(answer, extension, -1));
		X509_EXTENSION_free(extension);
		ASN1_OBJECT_free(object);
		ASN1_OCTET_STRING_free(value);
	}
	OCSP_CERTID_free(id);
	ASN1_GENERALIZEDTIME_free(begin);
	ASN1_GENERALIZEDTIME_free(end);
}

static struct staple make_staple(struct staple_recipe recipe)
{
	static unsigned char bytes[8192];
	OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
	unsigned char *at = bytes;

	staple_add_answer(basic, &recipe);
	ASSERT_EQ(1, OCSP_basic_sign(basic, recipe.signer->certificate, recipe.signer->key,
				     EVP_sha256(), NULL,
				     OCSP_NOTIME | (recipe.by_key ? OCSP_RESPID_KEY : 0) |
					     (recipe.alone ? OCSP_NOCERTS : 0)));
	if (recipe.bad_signature)
		((unsigned char *)ASN1_STRING_get0_data(OCSP_resp_get0_signature(basic)))[10] ^= 1;

	OCSP_RESPONSE *response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
	int len = i2d_OCSP_RESPONSE(response, NULL);

	ASSERT_LT(0, len);
	ASSERT_LT(len, (int)sizeof(bytes));
	i2d_OCSP_RESPONSE(response, &at);
	OCSP_RESPONSE_free(response);
	OCSP_BASICRESP_free(basic);
	return (struct staple){ bytes, (size_t)len };
}

/* a peer and what it is checked against */
struct site {
	const struct made *root, *ca, *leaf;
	struct store *store;
	struct staple_recipe good; /* a response that holds */
	struct verdict verdict;
};

static void site_make(struct site *site)
{
	site->root = make(NULL, (struct recipe){ .name = "Root", .ca = true });
	site->ca = make(site->root, (struct recipe){ .name = "CA", .ca = true });
	site->leaf = make(site->ca, (struct recipe){ .name = "leaf" });
	site->store = make_store(site->root);
	/* of the CA there is a list, of the leaf only what is stapled */
	make_crl(site->store, site->root, (struct crl_recipe){ 0 });
	site->good = (struct staple_recipe){
		.about = site->leaf,
		.issuer = site->ca,
		.signer = site->ca,
	};
}

FIXTURE(staple)
{
	struct site site;
};

FIXTURE_SETUP(staple)
{
	site_make(&self->site);
}

FIXTURE_TEARDOWN(staple)
{
}

static bool staple_accepts_at(struct site *site, struct staple staple, enum rule_crl setting,
			      enum level level, int64_t now)
{
	const struct rule rule = { .level = level, .peer = PEER_CLIENT, .crl = setting };
	const struct evidence evidence = {
		.store = site->store,
		.leaf = site->leaf->certificate,
		.untrusted = make_stack(site->ca),
		.staple = staple,
	};

	make_check(&evidence, &rule, now, &site->verdict, NULL);
	return site->verdict.accepted;
}

static bool staple_accepts(struct site *site, struct staple staple, enum rule_crl setting,
			   enum level level)
{
	return staple_accepts_at(site, staple, setting, level, MAKER_NOW);
}

/* good: enough for the leaf under require */
static void expect_good(struct site *site, struct staple staple)
{
	EXPECT_TRUE(staple_accepts(site, staple, CRL_REQUIRE, LEVEL_MEDIUM)) {
		TH_LOG("%s", site->verdict.reason);
	}
	EXPECT_TRUE(staple_accepts(site, staple, CRL_PREFER, LEVEL_MEDIUM));
	EXPECT_STREQ("stapled OCSP response: not revoked", site->verdict.notes[0]);
}

/* ignored with a note under prefer, refused under require, and not even looked at else */
static void expect_unusable(struct site *site, struct staple staple, const char *why)
{
	char note[VERDICT_NOTE_MAX];

	snprintf(note, sizeof(note), "stapled OCSP response ignored: %s", why);
	EXPECT_TRUE(staple_accepts(site, staple, CRL_PREFER, LEVEL_MEDIUM));
	EXPECT_EQ(1, site->verdict.note_count);
	EXPECT_STREQ(note, site->verdict.notes[0]);
	EXPECT_FALSE(staple_accepts(site, staple, CRL_REQUIRE, LEVEL_MEDIUM));
	EXPECT_EQ(REFUSAL_NOT_ALLOWED, site->verdict.refusal);
	EXPECT_NOT_NULL(strstr(site->verdict.reason, why)) {
		TH_LOG("%s", site->verdict.reason);
	}
	EXPECT_TRUE(staple_accepts(site, staple, CRL_OFF, LEVEL_MEDIUM));
	EXPECT_EQ(0, site->verdict.note_count);
	EXPECT_TRUE(staple_accepts(site, staple, CRL_REQUIRE, LEVEL_LOW));
	EXPECT_EQ(0, site->verdict.note_count);
}

TEST_F(staple, good)
{
	struct site *site = &self->site;

	EXPECT_FALSE(staple_accepts(site, (struct staple){ 0 }, CRL_REQUIRE, LEVEL_MEDIUM));
	expect_good(site, make_staple(site->good));
	site->good.by_key = true;
	expect_good(site, make_staple(site->good));
	site->good.digest = EVP_sha256();
	expect_good(site, make_staple(site->good));
	site->good.end = MAKER_NOW;
	expect_good(site, make_staple(site->good));
}

TEST_F(staple, revoked)
{
	struct site *site = &self->site;
	struct staple staple;

	site->good.status = V_OCSP_CERTSTATUS_REVOKED;
	for (int i = 0; i < 2; i++) {
		staple = make_staple(site->good);
		EXPECT_FALSE(staple_accepts(site, staple, CRL_PREFER, LEVEL_MEDIUM));
		EXPECT_EQ(REFUSAL_REVOKED, site->verdict.refusal);
		EXPECT_FALSE(staple_accepts(site, staple, CRL_REQUIRE, LEVEL_MEDIUM));
		EXPECT_EQ(REFUSAL_REVOKED, site->verdict.refusal);
		EXPECT_TRUE(staple_accepts(site, staple, CRL_OFF, LEVEL_MEDIUM));
		EXPECT_TRUE(staple_accepts(site, staple, CRL_PREFER, LEVEL_LOW));
		/* out of date it still revokes */
		site->good.end = MAKER_NOW - 1;
	}
}

/* a list that revokes is not outdone by a response */
TEST_F(staple, good_and_listed)
{
	struct site *site = &self->site;

	make_crl(site->store, site->ca, (struct crl_recipe){ .revoked = site->leaf });
	EXPECT_FALSE(staple_accepts(site, make_staple(site->good), CRL_REQUIRE, LEVEL_MEDIUM));
	EXPECT_EQ(REFUSAL_REVOKED, site->verdict.refusal);
}

/* it speaks for the peer's own certificate only */
TEST_F(staple, does_not_cover_the_ca)
{
	struct site *site = &self->site;

	site->store = make_store(site->root);
	EXPECT_FALSE(staple_accepts(site, make_staple(site->good), CRL_REQUIRE, LEVEL_MEDIUM));
	EXPECT_NOT_NULL(strstr(site->verdict.reason, "CN=CA (no current revocation list"));
}

TEST_F(staple, unusable)
{
	struct site *site = &self->site;
	struct staple_recipe recipe = site->good;

	recipe.about = make(site->ca, (struct recipe){ .name = "leaf" });
	expect_unusable(site, make_staple(recipe), "it is about another certificate");
	recipe = site->good;
	recipe.issuer = site->root;
	expect_unusable(site, make_staple(recipe), "it is about another certificate");
	recipe = site->good;
	recipe.digest = EVP_sha384();
	expect_unusable(site, make_staple(recipe), "it is about another certificate");
	recipe = site->good;
	recipe.bad_signature = true;
	expect_unusable(site, make_staple(recipe), "its signature is wrong");
	recipe.status = V_OCSP_CERTSTATUS_REVOKED;
	expect_unusable(site, make_staple(recipe), "its signature is wrong");
	recipe = site->good;
	recipe.critical = true;
	expect_unusable(site, make_staple(recipe), "it has an unknown critical extension");
	recipe = site->good;
	recipe.alone = true;
	expect_good(site, make_staple(recipe));
	recipe.signer = make(site->ca, (struct recipe){ .name = "Responder",
							.extended_key_usage = "OCSPSigning" });
	expect_unusable(site, make_staple(recipe), "whoever signed it is not known");
	recipe = site->good;
	recipe.status = V_OCSP_CERTSTATUS_UNKNOWN;
	expect_unusable(site, make_staple(recipe), "the responder does not know the certificate");
}

TEST_F(staple, dates)
{
	struct site *site = &self->site;
	static const char why[] = "it is out of date, not valid yet, or says no end";
	struct staple_recipe recipe = site->good;

	recipe.end = MAKER_NOW - 1;
	expect_unusable(site, make_staple(recipe), why);
	recipe.end = -1;
	expect_unusable(site, make_staple(recipe), why);
	recipe = site->good;
	recipe.begin = MAKER_NOW + 1;
	expect_unusable(site, make_staple(recipe), why);
}

/* a peer is accepted no longer than what speaks for it, or than whoever signed that may */
static void expect_until(struct site *site, struct staple staple, int64_t until)
{
	for (int i = 0; i < 3; i++) {
		int64_t now = i ? until + i - 1 : MAKER_NOW;

		EXPECT_EQ(i < 2, staple_accepts_at(site, staple, CRL_REQUIRE, LEVEL_MEDIUM, now)) {
			TH_LOG("%d: %s", i, site->verdict.reason);
		}
		if (i < 2)
			EXPECT_EQ(until, site->verdict.holds_until);
	}
	EXPECT_TRUE(staple_accepts(site, staple, CRL_PREFER, LEVEL_MEDIUM));
	EXPECT_EQ(MAKER_NOW + MAKER_YEAR, site->verdict.holds_until);
}

TEST_F(staple, holds_until)
{
	struct site *site = &self->site;
	struct staple_recipe recipe = site->good;

	recipe.end = MAKER_NOW + 20;
	expect_until(site, make_staple(recipe), MAKER_NOW + 20);
	/* the list about the CA above it ends first: that of site_make() */
	recipe.end = MAKER_NOW + 7200;
	expect_until(site, make_staple(recipe), MAKER_NOW + 3600);
	recipe.signer = make(site->ca, (struct recipe){ .name = "Responder",
							.extended_key_usage = "OCSPSigning",
							.end = MAKER_NOW + 10 });
	expect_until(site, make_staple(recipe), MAKER_NOW + 10);

	/* out of date it would refuse, though a list proves the same for longer */
	make_crl(site->store, site->ca, (struct crl_recipe){ .end = MAKER_NOW + 100 });
	expect_until(site, make_staple(recipe), MAKER_NOW + 10);
}

TEST_F(staple, malformed)
{
	struct site *site = &self->site;
	static const unsigned char later[] = { 0x30, 0x03, 0x0a, 0x01, 0x03 }; /* tryLater */
	/* successful, of a type that nobody knows */
	static const unsigned char other[] = { 0x30, 0x0e, 0x0a, 0x01, 0x00, 0xa0, 0x09, 0x30, 0x07,
					       0x06, 0x03, 0x2a, 0x03, 0x04, 0x04, 0x00 };
	struct staple staple = make_staple(site->good);

	staple.len--;
	expect_unusable(site, staple, "it cannot be read");
	staple.len += 2;
	expect_unusable(site, staple, "it cannot be read");
	expect_unusable(site, (struct staple){ (const uint8_t *)"x", 1 }, "it cannot be read");
	expect_unusable(site, (struct staple){ later, sizeof(later) },
			"the responder had no answer");
	expect_unusable(site, (struct staple){ other, sizeof(other) }, "it cannot be read");
	staple.len = STAPLE_BYTES_MAX + 1;
	expect_unusable(site, staple, "it is too long");
}

FIXTURE(staple_signer)
{
	struct site site;
};

/* a responder that the CA certified, or pretends to be */
FIXTURE_VARIANT(staple_signer)
{
	struct recipe recipe;
	bool of_root, of_stranger;
	bool accepted;
};

FIXTURE_VARIANT_ADD(staple_signer, delegate)
{
	.recipe = { .extended_key_usage = "OCSPSigning" }, .accepted = true
};
FIXTURE_VARIANT_ADD(staple_signer, no_check)
{
	.recipe = { .extended_key_usage = "critical,OCSPSigning,serverAuth" }, .accepted = true
};
FIXTURE_VARIANT_ADD(staple_signer, no_purpose) { .recipe = { .extended_key_usage = NULL } };
FIXTURE_VARIANT_ADD(staple_signer, other_purpose)
{
	.recipe = { .extended_key_usage = "serverAuth" },
};
FIXTURE_VARIANT_ADD(staple_signer, any_purpose)
{
	.recipe = { .extended_key_usage = "anyExtendedKeyUsage" },
};
FIXTURE_VARIANT_ADD(staple_signer, expired)
{
	.recipe = { .extended_key_usage = "OCSPSigning", .end = MAKER_NOW - 1 },
};
FIXTURE_VARIANT_ADD(staple_signer, unknown_critical)
{
	.recipe = { .extended_key_usage = "OCSPSigning", .unknown_critical = "1.2.3.4" },
};
/* the root may not answer for the CA's certificates, nor may a CA of the same name */
FIXTURE_VARIANT_ADD(staple_signer, of_the_root)
{
	.recipe = { .extended_key_usage = "OCSPSigning" }, .of_root = true
};
FIXTURE_VARIANT_ADD(staple_signer, of_a_stranger)
{
	.recipe = { .extended_key_usage = "OCSPSigning" }, .of_stranger = true
};

FIXTURE_SETUP(staple_signer)
{
	site_make(&self->site);
}

FIXTURE_TEARDOWN(staple_signer)
{
}

TEST_F(staple_signer, answers)
{
	struct site *site = &self->site;
	const struct made *issuer =
		variant->of_root     ? site->root :
		variant->of_stranger ? make(NULL, (struct recipe){ .name = "CA", .ca = true }) :
				       site->ca;
	struct recipe recipe = variant->recipe;

	recipe.name = "Responder";
	site->good.signer = make(issuer, recipe);
	if (variant->accepted)
		expect_good(site, make_staple(site->good));
	else
		expect_unusable(site, make_staple(site->good),
				"whoever signed it may not answer for the issuer");
}
