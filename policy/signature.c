// SPDX-License-Identifier: Apache-2.0
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/objects.h>

#include "policy/cache.h"
#include "policy/cleanup.h"
#include "policy/key.h"
#include "policy/signature.h"

DEFINE_CLEANUP(BIGNUM *, BN_free);

/* a public exponent as long as the modulus makes RSA verify as slowly as it signs */
static bool signature_rsa_is_slow(X509 *issuer)
{
	BIGNUM *exponent _cleanup_(cleanup_BN_free) = NULL;

	return EVP_PKEY_get_bn_param(X509_get0_pubkey(issuer), OSSL_PKEY_PARAM_RSA_E, &exponent) !=
		       1 ||
	       BN_num_bits(exponent) > 32;
}

/* in units of about 50 µs, as measured with `openssl speed` on a small server */
static unsigned int signature_cost(X509 *issuer)
{
	struct key_facts key;

	key_describe(issuer, &key);
	switch (key.type) {
	case KEY_RSA:
	case KEY_RSA_PSS:
		if (signature_rsa_is_slow(issuer))
			return 80;
		return key.bits <= 4096 ? 1 : 16;
	case KEY_DSA:
		return key.bits <= 2048 ? 4 : 16;
	case KEY_EC:
		return key.bits <= 256 ? 3 : 20;
	case KEY_ED25519:
		return 2;
	case KEY_ED448:
		return 4;
	default:
		return 16;
	}
}

static int signature_digest(X509 *certificate)
{
	int digest = NID_undef;

	return X509_get_signature_info(certificate, &digest, NULL, NULL, NULL) ? digest : NID_undef;
}

static bool signature_is_worthless(int digest)
{
	return digest == NID_md5 || digest == NID_md4 || digest == NID_md2;
}

bool signature_is_sha1(X509 *certificate)
{
	return signature_digest(certificate) == NID_sha1;
}

bool signature_pay(struct signature_checks *checks, X509 *issuer)
{
	unsigned int cost = signature_cost(issuer);

	if (cost > SIGNATURE_BUDGET - checks->spent)
		return false;
	checks->spent += cost;
	return true;
}

/* the result that is remembered; false when it has to be found out, which was paid for */
static bool signature_recall(struct signature_checks *checks, const void *object, X509 *issuer,
			     enum signature_result *out)
{
	for (unsigned int i = 0; i < checks->count; i++) {
		if (checks->done[i].object == object && checks->done[i].issuer == issuer) {
			*out = checks->done[i].good ? SIGNATURE_GOOD : SIGNATURE_BAD;
			return true;
		}
	}
	*out = SIGNATURE_LIMIT;
	return checks->count == SIGNATURE_REMEMBERED_MAX || !signature_pay(checks, issuer);
}

static enum signature_result signature_remember(struct signature_checks *checks,
						const void *object, X509 *issuer, bool good)
{
	checks->done[checks->count].object = object;
	checks->done[checks->count].issuer = issuer;
	checks->done[checks->count].good = good;
	checks->count++;
	return good ? SIGNATURE_GOOD : SIGNATURE_BAD;
}

enum signature_result signature_check(struct signature_checks *checks, X509 *certificate,
				      X509 *issuer)
{
	enum signature_result result;

	if (signature_is_worthless(signature_digest(certificate)))
		return SIGNATURE_WORTHLESS;
	if (signature_recall(checks, certificate, issuer, &result))
		return result;
	if (checks->cache && cache_has_signature(checks->cache, certificate, issuer)) {
		checks->done[checks->count].recalled = true;
		return signature_remember(checks, certificate, issuer, true);
	}
	ERR_set_mark();

	bool good = X509_verify(certificate, X509_get0_pubkey(issuer)) == 1;

	ERR_pop_to_mark();
	return signature_remember(checks, certificate, issuer, good);
}

void signature_keep(const struct signature_checks *checks, X509 *certificate, X509 *issuer)
{
	for (unsigned int i = 0; checks->cache && i < checks->count; i++) {
		if (checks->done[i].object == certificate && checks->done[i].issuer == issuer &&
		    checks->done[i].good && !checks->done[i].recalled)
			cache_keep_signature(checks->cache, certificate, issuer);
	}
}

unsigned int signature_count(const struct signature_checks *checks)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < checks->count; i++)
		count += !checks->done[i].recalled;
	return count;
}

/*
 * libcrypto calls a signature wrong when it had no memory to check it, and does not always say
 * so. Of a list, and of a peer's own key, where a wrong one lets somebody pass, it is asked twice.
 */
enum signature_result signature_check_crl(struct signature_checks *checks, X509_CRL *list,
					  X509 *issuer)
{
	EVP_PKEY *key = X509_get0_pubkey(issuer);
	enum signature_result result;
	int digest = NID_undef;

	if (OBJ_find_sigid_algs(X509_CRL_get_signature_nid(list), &digest, NULL) &&
	    signature_is_worthless(digest))
		return SIGNATURE_WORTHLESS;
	if (signature_recall(checks, list, issuer, &result))
		return result;
	ERR_set_mark();

	bool good = X509_CRL_verify(list, key) == 1 || X509_CRL_verify(list, key) == 1;

	ERR_pop_to_mark();
	return signature_remember(checks, list, issuer, good);
}

bool signature_is_own(X509 *certificate)
{
	EVP_PKEY *key = X509_get0_pubkey(certificate);

	return !key || X509_verify(certificate, key) == 1 || X509_verify(certificate, key) == 1;
}
