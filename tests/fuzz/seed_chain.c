// SPDX-License-Identifier: Apache-2.0
/* Certificates: what mkpki issued and what fixed.c makes, each under a few rules. */
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
#include "tests/fuzz/status.h"
#include "tests/fuzz/target.h"

static const struct {
	const char *name;
	struct chain_head head;
} seed_rules[] = {
	{ "none", { .level = LEVEL_NONE, .peer = PEER_CLIENT } },
	{ "low", { .level = LEVEL_LOW, .peer = PEER_SERVER } },
	{ "medium", { .level = LEVEL_MEDIUM, .peer = PEER_CLIENT } },
	{ "high", { .level = LEVEL_HIGH, .peer = PEER_SERVER, .own = CHAIN_OWN_SERVER,
	    .cached = 1 } },
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
	{ "required",
	  { .level = LEVEL_HIGH, .peer = PEER_CLIENT, .crl = CRL_REQUIRE, .lists = 1 } },
	{ "listed", { .level = LEVEL_MEDIUM, .peer = PEER_CLIENT, .lists = 1, .window = 1,
	    .cached = 1 } },
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

static void seed_fixed_path(const enum fixed_id path[3], int number)
{
	for (size_t i = 0; i < SEED_RULES; i++) {
		char name[64];

		seed_begin(&seed, &seed_rules[i].head, sizeof(seed_rules[i].head));
		for (int j = 0; j < 3 && path[j] != FIXED_COUNT; j++)
			seed_add_certificate(&seed, fixed_certificate(path[j]));
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

		head.resign = i & 1 ? CHAIN_RESIGN_CHAIN : 0;
		seed_begin(&seed, &head, sizeof(head));
		if (head.resign) {
			for (int j = 0; j < sk_X509_num(bundle.certificates); j++)
				seed_add_certificate(&seed, sk_X509_value(bundle.certificates, j));
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
	seed_add_certificate(&seed, certificate);
	seed_write(&seed, "chain", "extended");
	X509_free(certificate);
}

/* with what its issuer, a responder of it, or somebody else says of the peer */
static void seed_stapled(void)
{
	static const struct {
		enum fixed_id certificate, signer;
		int answer;
	} staples[] = {
		{ FIXED_GOOD, FIXED_INTERMEDIATE, V_OCSP_CERTSTATUS_GOOD },
		{ FIXED_GOOD, FIXED_RESPONDER, V_OCSP_CERTSTATUS_GOOD },
		{ FIXED_GOOD, FIXED_SERVER, V_OCSP_CERTSTATUS_GOOD },
		{ FIXED_GOOD, FIXED_RESPONDER, V_OCSP_CERTSTATUS_REVOKED },
		{ FIXED_GOOD, FIXED_INTERMEDIATE, V_OCSP_CERTSTATUS_UNKNOWN },
		{ FIXED_ODD, FIXED_INTERMEDIATE, V_OCSP_CERTSTATUS_GOOD },
	};

	for (size_t i = 0; i < 2 * sizeof(staples) / sizeof(staples[0]); i++) {
		size_t len;
		unsigned char *der =
			status_staple(staples[i / 2].certificate, staples[i / 2].signer,
				      staples[i / 2].answer, &len);
		struct chain_head head = {
			.level = LEVEL_MEDIUM,
			.peer = PEER_CLIENT,
			.crl = i & 1 ? CRL_REQUIRE : CRL_PREFER,
			.lists = 1,
			.window = 1,
			.cached = 1,
			.staple = { (uint8_t)len, (uint8_t)(len >> 8) },
		};
		char name[32];

		seed_begin(&seed, &head, sizeof(head));
		seed_add_certificate(&seed, fixed_certificate(FIXED_GOOD));
		seed_add_certificate(&seed, fixed_certificate(FIXED_INTERMEDIATE));
		seed_add(&seed, der, len);
		OPENSSL_free(der);
		snprintf(name, sizeof(name), "stapled-%zu", i);
		seed_write(&seed, "chain", name);
	}
}

void seed_chain(void)
{
	seed_stapled();
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
