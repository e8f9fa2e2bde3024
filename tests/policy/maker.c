// SPDX-License-Identifier: Apache-2.0
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "policy/cleanup.h"
#include "tests/harness.h"
#include "tests/policy/maker.h"

DEFINE_CLEANUP(BIO *, BIO_free);

/* everything that was made: reachable, so that no leak is reported */
static struct made *made_list[1024];
static STACK_OF(X509) *made_stacks[64];
static struct store *made_stores[64];
static size_t made_count, made_stack_count, made_store_count;

static EVP_PKEY *make_key(const char *type)
{
	EVP_PKEY *key;

	if (strncmp(type, "RSA:", 4) == 0)
		key = EVP_RSA_gen((unsigned int)atoi(type + 4));
	else if (strncmp(type, "ED", 2) == 0 || type[0] == 'X')
		key = EVP_PKEY_Q_keygen(NULL, NULL, type);
	else
		key = EVP_EC_gen(type);
	ASSERT_NOT_NULL(key);
	return key;
}

static void make_extension(X509 *certificate, const struct made *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;

	if (!value || !value[0])
		return;
	X509V3_set_ctx(&ctx, issuer ? issuer->certificate : certificate, certificate, NULL, NULL,
		       0);

	X509_EXTENSION *extension = X509V3_EXT_nconf_nid(NULL, &ctx, nid, value);

	ASSERT_NOT_NULL(extension)
	{
		TH_LOG("extension: %s", value);
	}
	ASSERT_EQ(1, X509_add_ext(certificate, extension, -1));
	X509_EXTENSION_free(extension);
}

static X509_EXTENSION *make_unknown_extension(const char *oid)
{
	static const unsigned char null[] = { 0x05, 0x00 };
	ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();

	ASN1_OCTET_STRING_set(value, null, sizeof(null));

	X509_EXTENSION *extension = X509_EXTENSION_create_by_OBJ(NULL, object, 1, value);

	ASSERT_NOT_NULL(extension);
	ASN1_OCTET_STRING_free(value);
	ASN1_OBJECT_free(object);
	return extension;
}

static void make_unknown(X509 *certificate, const char *oid)
{
	if (!oid)
		return;

	X509_EXTENSION *extension = make_unknown_extension(oid);

	ASSERT_EQ(1, X509_add_ext(certificate, extension, -1));
	X509_EXTENSION_free(extension);
}

static void make_extensions(struct made *made, const struct made *issuer,
			    const struct recipe *recipe)
{
	X509 *certificate = made->certificate;
	const char *key_usage = recipe->key_usage;

	if (!key_usage)
		key_usage = recipe->ca ? "critical,keyCertSign,cRLSign" :
					 "critical,digitalSignature";
	make_extension(certificate, issuer, NID_basic_constraints,
		       recipe->basic_constraints ? recipe->basic_constraints :
		       recipe->ca		 ? "critical,CA:TRUE" :
						   NULL);
	make_extension(certificate, issuer, NID_key_usage, key_usage);
	make_extension(certificate, issuer, NID_ext_key_usage, recipe->extended_key_usage);
	make_extension(certificate, issuer, NID_subject_alt_name, recipe->names);
	make_extension(certificate, issuer, NID_name_constraints, recipe->name_constraints);
	make_extension(certificate, issuer, NID_crl_distribution_points, recipe->crl_points);
	make_unknown(certificate, recipe->unknown_critical);
	if (!recipe->no_key_ids) {
		make_extension(certificate, issuer, NID_subject_key_identifier, "hash");
		if (issuer && X509_get0_subject_key_id(issuer->certificate))
			make_extension(certificate, issuer, NID_authority_key_identifier, "keyid");
	}
}

static void make_subject(X509 *certificate, const char *name)
{
	X509_NAME *subject = X509_get_subject_name(certificate);

	if (name)
		ASSERT_EQ(1, X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
							(const unsigned char *)name, -1, -1, 0));
}

static void make_signature(struct made *made, const struct recipe *recipe)
{
	EVP_PKEY *key = made->issuer->key;
	bool own_digest = EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448");
	const char *digest = recipe->digest ? recipe->digest : "SHA256";

	ASSERT_LT(0, X509_sign(made->certificate, key,
			       own_digest ? NULL : EVP_get_digestbyname(digest)));
	if (recipe->bad_signature) {
		const ASN1_BIT_STRING *signature;

		X509_get0_signature(&signature, NULL, made->certificate);
		((unsigned char *)ASN1_STRING_get0_data(signature))[10] ^= 1;
	}
	/* as if it had come over the wire: nothing that is only in memory counts */
	unsigned char *der = NULL;
	int len = i2d_X509(made->certificate, &der);
	const unsigned char *at = der;

	ASSERT_LT(0, len);
	X509_free(made->certificate);
	made->certificate = d2i_X509(NULL, &at, len);
	ASSERT_NOT_NULL(made->certificate);
	OPENSSL_free(der);
}

const struct made *make(const struct made *issuer, struct recipe recipe)
{
	static long serial;
	struct made *made = calloc(1, sizeof(*made));

	ASSERT_NOT_NULL(made);
	ASSERT_LT(made_count, sizeof(made_list) / sizeof(made_list[0]));
	made_list[made_count++] = made;
	made->issuer = issuer ? issuer : made;
	made->certificate = X509_new();
	if (recipe.same_key) {
		made->key = recipe.same_key->key;
		EVP_PKEY_up_ref(made->key);
	} else {
		made->key = make_key(recipe.key_type ? recipe.key_type : "P-256");
	}
	X509_set_version(made->certificate, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(made->certificate), ++serial);
	make_subject(made->certificate, recipe.name);
	X509_set_issuer_name(made->certificate, X509_get_subject_name(made->issuer->certificate));
	ASN1_TIME_set(X509_getm_notBefore(made->certificate),
		      recipe.begin ? recipe.begin : MAKER_NOW - MAKER_YEAR);
	ASN1_TIME_set(X509_getm_notAfter(made->certificate),
		      recipe.end ? recipe.end : MAKER_NOW + MAKER_YEAR);
	ASSERT_EQ(1, X509_set_pubkey(made->certificate, made->key));
	make_extensions(made, issuer, &recipe);
	make_signature(made, &recipe);
	return made;
}

struct store *make_store_from(const struct made *const *made)
{
	struct store *store = store_new(1);
	char *pem _cleanup_free_ = calloc(1, 1 << 20);
	char error[STORE_ERROR_MAX];

	for (; *made; made++)
		make_pem(*made, pem, 1 << 20);
	if (pem[0])
		ASSERT_LT(0,
			  store_add_bytes(store, "made", pem, strlen(pem), error, sizeof(error)));
	ASSERT_LT(made_store_count, sizeof(made_stores) / sizeof(made_stores[0]));
	made_stores[made_store_count++] = store;
	return store;
}

STACK_OF(X509) *make_stack_from(const struct made *const *made)
{
	STACK_OF(X509) *stack = sk_X509_new_null();

	for (; *made; made++)
		ASSERT_LT(0, sk_X509_push(stack, (*made)->certificate));
	ASSERT_LT(made_stack_count, sizeof(made_stacks) / sizeof(made_stacks[0]));
	made_stacks[made_stack_count++] = stack;
	return stack;
}

static void append_bio(BIO *bio, char *out, size_t size)
{
	char *bytes;
	long len = BIO_get_mem_data(bio, &bytes);
	size_t at = strlen(out);

	ASSERT_LT(at + (size_t)len, size);
	memcpy(out + at, bytes, (size_t)len);
	out[at + (size_t)len] = '\0';
}

void make_pem(const struct made *made, char *out, size_t size)
{
	BIO *bio _cleanup_(cleanup_BIO_free) = BIO_new(BIO_s_mem());

	ASSERT_EQ(1, PEM_write_bio_X509(bio, made->certificate));
	append_bio(bio, out, size);
}

static void make_crl_entry(X509_CRL *crl, const struct crl_recipe *recipe)
{
	X509_REVOKED *entry = X509_REVOKED_new();

	X509_REVOKED_set_serialNumber(
		entry, (ASN1_INTEGER *)X509_get0_serialNumber(recipe->revoked->certificate));
	X509_REVOKED_set_revocationDate(entry, (ASN1_TIME *)X509_CRL_get0_lastUpdate(crl));
	if (recipe->entry_unknown_critical) {
		X509_EXTENSION *extension = make_unknown_extension(recipe->entry_unknown_critical);

		ASSERT_EQ(1, X509_REVOKED_add_ext(entry, extension, -1));
		X509_EXTENSION_free(extension);
	}
	ASSERT_EQ(1, X509_CRL_add0_revoked(crl, entry));
}

static void make_crl_extensions(X509_CRL *crl, const struct made *issuer,
				const struct crl_recipe *recipe)
{
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer->certificate, NULL, NULL, crl, 0);
	if (recipe->scope) {
		X509_EXTENSION *extension = X509V3_EXT_nconf_nid(
			NULL, &ctx, NID_issuing_distribution_point, recipe->scope);

		ASSERT_NOT_NULL(extension);
		ASSERT_EQ(1, X509_CRL_add_ext(crl, extension, -1));
		X509_EXTENSION_free(extension);
	}
	if (recipe->unknown_critical) {
		X509_EXTENSION *extension = make_unknown_extension(recipe->unknown_critical);

		ASSERT_EQ(1, X509_CRL_add_ext(crl, extension, -1));
		X509_EXTENSION_free(extension);
	}
	if (recipe->delta) {
		ASN1_INTEGER *number = ASN1_INTEGER_new();

		ASN1_INTEGER_set(number, 1);
		ASSERT_EQ(1, X509_CRL_add1_ext_i2d(crl, NID_delta_crl, number, 0, 0));
		ASN1_INTEGER_free(number);
	}
}

void make_crl(struct store *store, const struct made *issuer, struct crl_recipe recipe)
{
	ASN1_TIME *begin = ASN1_TIME_set(NULL, recipe.begin ? recipe.begin : MAKER_NOW - 3600);
	ASN1_TIME *end = ASN1_TIME_set(NULL, recipe.end ? recipe.end : MAKER_NOW + 3600);
	X509_CRL *crl = X509_CRL_new();
	char error[STORE_ERROR_MAX];
	unsigned char *der = NULL;

	X509_CRL_set_version(crl, X509_CRL_VERSION_2);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->certificate));
	X509_CRL_set1_lastUpdate(crl, begin);
	X509_CRL_set1_nextUpdate(crl, end);
	if (recipe.revoked)
		make_crl_entry(crl, &recipe);
	make_crl_extensions(crl, issuer, &recipe);
	ASSERT_LT(0, X509_CRL_sign(crl, issuer->key,
				   EVP_get_digestbyname(recipe.digest ? recipe.digest : "SHA256")));

	int len = i2d_X509_CRL(crl, &der);

	ASSERT_LT(0, len);
	der[len - 1] ^= recipe.bad_signature;
	ASSERT_OK(store_add_bytes(store, "crl", der, (size_t)len, error, sizeof(error)));
	OPENSSL_free(der);
	X509_CRL_free(crl);
	ASN1_TIME_free(begin);
	ASN1_TIME_free(end);
}

struct rule make_rule(check_set checks)
{
	return (struct rule){ .peer = PEER_SERVER, .checks = checks };
}

void make_check(const struct evidence *evidence, const struct rule *rule, int64_t now,
		struct verdict *out, struct facts *facts_out)
{
	struct evidence hurry = *evidence;
	struct verdict hurried;

	hurry.hurry = true;
	hurry.trace = NULL;
	hurry.cache = NULL;
	ASSERT_OK(policy_check_chain(evidence, rule, now, out, facts_out));
	ASSERT_OK(policy_check_chain(&hurry, rule, now, &hurried, NULL));
	ASSERT_EQ(out->accepted, hurried.accepted) { TH_LOG("in a hurry: %s", hurried.reason); }
	ASSERT_EQ(out->result_count, hurried.result_count);
	for (size_t i = 0; i < out->result_count; i++) {
		const struct check_result *result = &hurried.results[i];

		EXPECT_NE(OUTCOME_NOT_EVALUATED, out->results[i].outcome);
		if (result->outcome == OUTCOME_NOT_EVALUATED)
			continue;
		EXPECT_EQ(out->results[i].outcome, result->outcome);
		EXPECT_STREQ(out->results[i].reason, result->reason);
	}
}

struct verdict make_verdict(const struct store *store, const struct made *leaf,
			    STACK_OF(X509) *untrusted, const struct rule *rule)
{
	const struct evidence evidence = {
		.store = store,
		.leaf = leaf ? leaf->certificate : NULL,
		.untrusted = untrusted,
	};
	struct verdict verdict;

	make_check(&evidence, rule, MAKER_NOW, &verdict, NULL);
	return verdict;
}
