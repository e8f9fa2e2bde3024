// SPDX-License-Identifier: Apache-2.0
/* Certificates: what mkpki issued and what fixed.c makes, each under a few rules. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "policy/bundle.h"
#include "policy/cleanup.h"
#include "policy/extension.h"
#include "policy/rule.h"
#include "tests/fuzz/chain.h"
#include "tests/fuzz/fixed.h"
#include "tests/fuzz/seed.h"
#include "tests/fuzz/store.h"
#include "tests/fuzz/target.h"

DEFINE_CLEANUP(X509_CRL *, X509_CRL_free);

static const struct {
	const char *name;
	struct chain_head head;
} seed_rules[] = {
	{ "none", { .level = LEVEL_NONE, .peer = PEER_CLIENT } },
	{ "low", { .level = LEVEL_LOW, .peer = PEER_SERVER } },
	{ "medium", { .level = LEVEL_MEDIUM, .peer = PEER_CLIENT } },
	{ "high", { .level = LEVEL_HIGH, .peer = PEER_SERVER, .own = CHAIN_OWN_SERVER } },
	{ "host", { .level = LEVEL_MEDIUM_REMOTE, .peer = PEER_SERVER, .host = 1 } },
	{ "sip", { .level = LEVEL_HIGH_REMOTE, .peer = PEER_CLIENT, .sip = 1, .domain = 1 } },
	{ "reflected", { .level = LEVEL_HIGH, .peer = PEER_CLIENT, .own = CHAIN_OWN_PEER } },
	{ "lenient",
	  { .level = LEVEL_MEDIUM_REMOTE, .peer = PEER_CLIENT, .sip = 1, .host = 5, .domain = 5,
	    .options = RULE_ACCEPT_SERVER_AUTH_CLIENT | RULE_ACCEPT_MISSING_KEY_USAGE } },
	{ "strict",
	  { .level = LEVEL_MEDIUM, .peer = PEER_SERVER, .sip = 1,
	    .options = RULE_STRICT_PURPOSE } },
	{ "before", { .level = LEVEL_HIGH, .peer = PEER_CLIENT, .options = RULE_BEFORE_R11_1_3 } },
	{ "later", { .level = LEVEL_MEDIUM, .peer = PEER_CLIENT, .when = 1 } },
	{ "shortage", { .level = LEVEL_MEDIUM, .peer = PEER_CLIENT, .shortage = { 99, 1 } } },
	{ "chosen", { .peer = PEER_CLIENT, .host = 5, .domain = 5, .checks = { 0xff, 0x1f } } },
};

enum { SEED_RULES = sizeof(seed_rules) / sizeof(seed_rules[0]) };

/* what an authority is called by, up to and without the root */
static const enum fixed_id seed_paths[][3] = {
	{ FIXED_SERVER, FIXED_INTERMEDIATE, FIXED_COUNT },
	{ FIXED_GOOD, FIXED_INTERMEDIATE, FIXED_COUNT },
	{ FIXED_SELF_SIGNED, FIXED_COUNT, FIXED_COUNT },
	{ FIXED_NAMES, FIXED_SHORT, FIXED_INTERMEDIATE },
	{ FIXED_ODD, FIXED_INTERMEDIATE, FIXED_COUNT },
	{ FIXED_BELOW_CONSTRAINED, FIXED_CONSTRAINED, FIXED_COUNT },
	{ FIXED_BELOW_POLICED, FIXED_POLICED, FIXED_COUNT },
	{ FIXED_ROOT, FIXED_COUNT, FIXED_COUNT },
	{ FIXED_BELOW_BARRED, FIXED_BARRED, FIXED_COUNT },
	{ FIXED_BELOW_ED448, FIXED_ED448, FIXED_COUNT },
	{ FIXED_BELOW_CHANGED, FIXED_CHANGED, FIXED_CONSTRAINED },
};

static struct seed seed;

static void seed_add_certificate(X509 *certificate)
{
	unsigned char *der = NULL;
	int len = i2d_X509(certificate, &der);

	REQUIRE(len > 0);
	seed_add(&seed, der, (size_t)len);
	OPENSSL_free(der);
}

static void seed_fixed_path(const enum fixed_id path[3], int number)
{
	for (size_t i = 0; i < SEED_RULES; i++) {
		char name[64];

		seed_begin(&seed, &seed_rules[i].head, sizeof(seed_rules[i].head));
		for (int j = 0; j < 3 && path[j] != FIXED_COUNT; j++)
			seed_add_certificate(fixed_certificate(path[j]));
		snprintf(name, sizeof(name), "fixed-%d-%s", number, seed_rules[i].name);
		seed_write(&seed, "chain", name);
	}
}

/* every other rule takes the text as it is, the rest as DER that is signed anew */
static void seed_issued_chain(const char *name, const char *text, size_t len)
{
	struct bundle bundle _cleanup_(bundle_release) = { 0 };
	static unsigned int turn;

	REQUIRE(bundle_parse(text, len, 8, &bundle, NULL, 0) == 0);
	for (int i = 0; i < 4; i++, turn++) {
		struct chain_head head = seed_rules[turn % SEED_RULES].head;
		char file[128];

		head.resign = i & 1;
		seed_begin(&seed, &head, sizeof(head));
		if (head.resign) {
			for (int j = 0; j < sk_X509_num(bundle.certificates); j++)
				seed_add_certificate(sk_X509_value(bundle.certificates, j));
		} else {
			seed_add(&seed, text, len);
		}
		snprintf(file, sizeof(file), "%s-%s-%d", name, seed_rules[turn % SEED_RULES].name,
			 i);
		seed_write(&seed, "chain", file);
	}
}

/* more extensions than will be looked at */
static void seed_extended(void)
{
	X509 *certificate = X509_dup(fixed_certificate(FIXED_SERVER));

	for (int i = 0; i < EXTENSION_COUNT_MAX; i++) {
		ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
		char oid[32];

		snprintf(oid, sizeof(oid), "1.3.6.1.4.1.32473.%d", i);

		ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
		X509_EXTENSION *extension = X509_EXTENSION_create_by_OBJ(NULL, object, 0, value);

		X509_add_ext(certificate, extension, -1);
		X509_EXTENSION_free(extension);
		ASN1_OBJECT_free(object);
		ASN1_OCTET_STRING_free(value);
	}
	fixed_sign(certificate);
	seed_begin(&seed, &seed_rules[2].head, sizeof(seed_rules[2].head));
	seed_add_certificate(certificate);
	seed_write(&seed, "chain", "extended");
	X509_free(certificate);
}

void seed_chain(void)
{
	seed_extended();
	for (int i = 0; i < (int)(sizeof(seed_paths) / sizeof(seed_paths[0])); i++)
		seed_fixed_path(seed_paths[i], i);
	seed_each_issued(seed_issued_chain);
	for (uint8_t ask = 0; ask <= ASK_NONE; ask++) {
		struct chain_head head = { .level = LEVEL_HIGH, .peer = PEER_CLIENT, .ask = ask };
		char name[] = "nothing-0";

		name[sizeof(name) - 2] = (char)('0' + ask);
		seed_begin(&seed, &head, sizeof(head));
		seed_write(&seed, "chain", name);
	}
}

/* with an entry, a reason for it and a number of its own, where there is somebody to revoke */
static X509_CRL *seed_make_crl(enum fixed_id issuer, enum fixed_id revoked)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *now = ASN1_TIME_set(NULL, FIXED_NOW);
	X509_REVOKED *entry = X509_REVOKED_new();

	X509_CRL_set_version(crl, X509_CRL_VERSION_2);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(fixed_certificate(issuer)));
	X509_CRL_set1_lastUpdate(crl, now);
	X509_CRL_set1_nextUpdate(crl, now);
	X509_REVOKED_set_serialNumber(
		entry, (ASN1_INTEGER *)X509_get0_serialNumber(fixed_certificate(revoked)));
	X509_REVOKED_set_revocationDate(entry, now);

	ASN1_ENUMERATED *reason = ASN1_ENUMERATED_new();

	ASN1_ENUMERATED_set(reason, CRL_REASON_KEY_COMPROMISE);
	X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, reason, 0, 0);
	ASN1_ENUMERATED_free(reason);
	X509_CRL_add0_revoked(crl, entry);
	fixed_sign_crl(crl);
	ASN1_TIME_free(now);
	return crl;
}

static void seed_revoked(enum fixed_id issuer, enum fixed_id revoked, const char *name)
{
	struct store_head head = { .resign = 1, .level = LEVEL_MEDIUM - LEVEL_NONE };
	X509_CRL *crl _cleanup_(cleanup_X509_CRL_free) = seed_make_crl(issuer, revoked);
	unsigned char *der = NULL;
	int len = i2d_X509_CRL(crl, &der);

	for (head.filled = 0; head.filled <= 1; head.filled++) {
		char file[64];

		seed_begin(&seed, &head, sizeof(head));
		if (!head.filled) {
			seed_add_certificate(fixed_certificate(FIXED_ROOT));
			seed_add_certificate(fixed_certificate(FIXED_GOOD));
		}
		seed_add(&seed, der, (size_t)len);
		snprintf(file, sizeof(file), "%s-%u", name, head.filled);
		seed_write(&seed, "store", file);
	}
	OPENSSL_free(der);
}

static void seed_store_text(const struct store_head *head, const char *name, const char *text)
{
	seed_begin(&seed, head, sizeof(*head));
	seed_add_text(&seed, text);
	seed_write(&seed, "store", name);
}

static void seed_issued_store(const char *name, const char *text, size_t len)
{
	static struct store_head head;

	head.level++;
	seed_begin(&seed, &head, sizeof(head));
	seed_add_text(&seed, "a word before\n");
	seed_add(&seed, text, len);
	seed_write(&seed, "store", name);
}

void seed_store(void)
{
	struct store_head head = { .level = LEVEL_HIGH - LEVEL_NONE };
	char *pem _cleanup_free_ = NULL;
	size_t pem_len;

	seed_begin(&seed, &head, sizeof(head));
	for (enum fixed_id id = 0; id < FIXED_COUNT; id++)
		seed_add_certificate(fixed_certificate(id));
	seed_write(&seed, "store", "all");
	pem = fixed_resign(seed.bytes + sizeof(head), seed.len - sizeof(head), &pem_len);
	seed_begin(&seed, &head, sizeof(head));
	seed_add(&seed, pem, pem_len);
	seed_write(&seed, "store", "all.pem");
	seed_each_issued(seed_issued_store);
	seed_revoked(FIXED_INTERMEDIATE, FIXED_GOOD, "good-revoked");
	seed_revoked(FIXED_INTERMEDIATE, FIXED_SERVER, "server-revoked");
	seed_revoked(FIXED_ROOT, FIXED_INTERMEDIATE, "intermediate-revoked");
	seed_revoked(FIXED_CONSTRAINED, FIXED_GOOD, "by-another");
	seed_store_text(&head, "key",
			"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
	seed_store_text(&head, "broken", "-----BEGIN CERTIFICATE-----\nMAAA\n-----END CERT");
	seed_store_text(&head, "not-der",
			"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n");
	seed_store_text(&head, "text", "no certificate at all\n");
	seed_store_text(&head, "empty", "");
}
