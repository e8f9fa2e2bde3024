/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates made in the test, with fixed dates. What is made lives until the process ends,
 * which with this harness is the end of the test.
 */
#ifndef TESTS_POLICY_MAKER_H
#define TESTS_POLICY_MAKER_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

#include "policy/rule.h"
#include "policy/store.h"
#include "policy/verdict.h"

/* 2026-06-01 00:00:00 UTC, in the middle of what is made without dates of its own */
#define MAKER_NOW INT64_C(1780272000)
#define MAKER_YEAR (INT64_C(365) * 24 * 60 * 60)

struct made {
	X509 *certificate;
	EVP_PKEY *key;
	const struct made *issuer; /* itself for a root */
};

/* what to make; extensions in the syntax of openssl x509v3_config(5) */
struct recipe {
	const char *name; /* its CN; NULL: an empty subject */
	const char *key_type; /* "P-256" (also when NULL), another curve, "RSA:2048", "ED25519" … */
	const struct made *same_key; /* or: the key of another */
	bool ca; /* basicConstraints, and keyCertSign unless it has a key usage */
	const char *basic_constraints; /* in place of what ca gives */
	const char *key_usage; /* "critical,keyAgreement"; "" for none; NULL for the usual one */
	const char *extended_key_usage;
	const char *names; /* subjectAltName */
	const char *name_constraints;
	const char *crl_points; /* crlDistributionPoints */
	const char *unknown_critical; /* the OID of one */
	const char *digest; /* "SHA256" when NULL */
	int64_t begin, end; /* 0: a year before and after MAKER_NOW */
	bool no_key_ids; /* neither subject nor authority key identifier */
	bool bad_signature;
};

/* Makes a certificate; issuer NULL makes a self-signed one. Ends the test on failure. */
const struct made *make(const struct made *issuer, struct recipe recipe);

/* make_store(root, ca): a store that holds these; make_store(NULL) holds none. */
struct store *make_store_from(const struct made *const *made);
#define make_store(...) make_store_from((const struct made *[]){ __VA_ARGS__, NULL })

/* make_stack(leaf, ca): a stack of these, as a peer sends them. */
STACK_OF(X509) *make_stack_from(const struct made *const *made);
#define make_stack(...) make_stack_from((const struct made *[]){ __VA_ARGS__, NULL })

/* PEM text, appended to what a string holds; the string is the caller's. */
void make_pem(const struct made *made, char *out, size_t size);

/* a revocation list to make; extensions as in struct recipe */
struct crl_recipe {
	const struct made *revoked; /* NULL: it lists none */
	int64_t begin, end; /* 0: an hour before and after MAKER_NOW */
	const char *scope; /* issuingDistributionPoint */
	const char *unknown_critical; /* the OID of one */
	const char *entry_unknown_critical; /* the same in the entry */
	const char *digest; /* "SHA256" when NULL */
	bool delta; /* not marked critical, as it should be */
	bool bad_signature;
};

/* Makes a revocation list and adds it to a store, as DER. */
void make_crl(struct store *store, const struct made *issuer, struct crl_recipe recipe);

/* The rule that most tests use: these checks, the peer a server. */
struct rule make_rule(check_set checks);

/*
 * policy_check_chain(), and once more in a hurry, which has to accept the same, and whatever it
 * says of a check has to be what is said without. The test ends when it cannot decide.
 */
void make_check(const struct evidence *evidence, const struct rule *rule, int64_t now,
		struct verdict *out, struct facts *facts_out);

/* make_check() at MAKER_NOW with this rule. */
struct verdict make_verdict(const struct store *store, const struct made *leaf,
			    STACK_OF(X509) *untrusted, const struct rule *rule);

/* The checks that path building answers for. */
#define MAKER_CHAIN                                                                                \
	(CHECK_BIT(CHECK_TRUST_CHAIN) | CHECK_BIT(CHECK_PURPOSE) |                                 \
	 CHECK_BIT(CHECK_CRITICAL_EXTENSIONS))

#endif
