// SPDX-License-Identifier: Apache-2.0
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <stdbool.h>

#include "policy/key.h"

static const char *const key_type_names[] = {
	[KEY_UNKNOWN] = "unknown key",
	[KEY_RSA] = "RSA",
	[KEY_RSA_PSS] = "RSA-PSS",
	[KEY_DSA] = "DSA",
	[KEY_EC] = "EC",
	[KEY_ED25519] = "Ed25519",
	[KEY_ED448] = "Ed448",
	[KEY_X25519] = "X25519",
	[KEY_X448] = "X448",
	[KEY_ML_DSA] = "ML-DSA",
};
_Static_assert(sizeof(key_type_names) / sizeof(key_type_names[0]) == KEY_TYPE_COUNT,
	       "a name a type");

const char *key_type_name(enum key_type type)
{
	return (unsigned int)type < KEY_TYPE_COUNT ? key_type_names[type] : NULL;
}

unsigned int key_rsa_equivalent(unsigned int curve_bits)
{
	if (curve_bits >= 512)
		return 15360;
	if (curve_bits >= 384)
		return 7680;
	if (curve_bits >= 256)
		return 3072;
	if (curve_bits >= 224)
		return 2048;
	if (curve_bits >= 192)
		return 1536;
	if (curve_bits >= 160)
		return 1024;
	return curve_bits >= 112 ? 512 : 0;
}

/* the key types by the names that libcrypto gives them; ML-DSA is known to 3.5 and later */
static const struct {
	const char *name;
	enum key_type type;
	unsigned int curve_bits; /* where the field is given with the type */
} key_kinds[] = {
	{ "RSA", KEY_RSA, 0 },
	{ "RSA-PSS", KEY_RSA_PSS, 0 },
	{ "DSA", KEY_DSA, 0 },
	{ "EC", KEY_EC, 0 },
	{ "ED25519", KEY_ED25519, 256 },
	{ "ED448", KEY_ED448, 448 },
	{ "X25519", KEY_X25519, 256 },
	{ "X448", KEY_X448, 448 },
	{ "ML-DSA-44", KEY_ML_DSA, 256 },
	{ "ML-DSA-65", KEY_ML_DSA, 384 },
	{ "ML-DSA-87", KEY_ML_DSA, 512 },
};

/* RFC 5480 2.1.1 forbids explicit curve parameters: a curve of the peer's choice proves nothing */
static bool key_curve_is_explicit(const EVP_PKEY *key)
{
	int explicit_curve = 0;

	return EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
				      &explicit_curve) != 1 ||
	       explicit_curve;
}

/* a DSA key is as strong as the weaker of its prime and its subgroup */
static unsigned int key_dsa_equivalent(unsigned int bits, int security_bits)
{
	unsigned int cap = security_bits >= 128 ? 3072 : security_bits >= 112 ? 2048 : 1024;

	return bits < cap ? bits : cap;
}

void key_describe(X509 *certificate, struct key_facts *out)
{
	const EVP_PKEY *key = X509_get0_pubkey(certificate);

	*out = (struct key_facts){ .type = KEY_UNKNOWN };
	if (!key)
		return;

	int bits = EVP_PKEY_get_bits(key);
	size_t i;

	for (i = 0; i < sizeof(key_kinds) / sizeof(key_kinds[0]); i++) {
		if (EVP_PKEY_is_a(key, key_kinds[i].name))
			break;
	}
	if (bits <= 0 || i == sizeof(key_kinds) / sizeof(key_kinds[0]))
		return;
	if (key_kinds[i].type == KEY_EC && key_curve_is_explicit(key))
		return;

	out->type = key_kinds[i].type;
	out->bits = key_kinds[i].curve_bits ? key_kinds[i].curve_bits : (unsigned int)bits;
	if (out->type == KEY_RSA || out->type == KEY_RSA_PSS)
		out->rsa_bits = out->bits;
	else if (out->type == KEY_DSA)
		out->rsa_bits = key_dsa_equivalent(out->bits, EVP_PKEY_get_security_bits(key));
	else
		out->rsa_bits = key_rsa_equivalent(out->bits);
}

static bool key_modulus_differs(const EVP_PKEY *a, const EVP_PKEY *b)
{
	BIGNUM *of_a = NULL, *of_b = NULL;
	bool differs = EVP_PKEY_get_bn_param(a, OSSL_PKEY_PARAM_RSA_N, &of_a) == 1 &&
		       EVP_PKEY_get_bn_param(b, OSSL_PKEY_PARAM_RSA_N, &of_b) == 1 &&
		       BN_cmp(of_a, of_b) != 0;

	BN_free(of_a);
	BN_free(of_b);
	return differs;
}

/* SEC 1 section 2.3.3: there is one uncompressed form of a point, 04 and both coordinates */
static bool key_point_differs(const X509 *a, const X509 *b)
{
	const ASN1_BIT_STRING *of_a = X509_get0_pubkey_bitstr(a), *of_b = X509_get0_pubkey_bitstr(b);

	return ASN1_STRING_length(of_a) > 0 && ASN1_STRING_length(of_b) > 0 &&
	       *ASN1_STRING_get0_data(of_a) == POINT_CONVERSION_UNCOMPRESSED &&
	       *ASN1_STRING_get0_data(of_b) == POINT_CONVERSION_UNCOMPRESSED &&
	       ASN1_STRING_cmp(of_a, of_b) != 0;
}

bool key_is_same(const X509 *a, const X509 *b)
{
	const EVP_PKEY *of_a = X509_get0_pubkey(a), *of_b = X509_get0_pubkey(b);
	int type = of_a ? EVP_PKEY_get_base_id(of_a) : EVP_PKEY_NONE;

	if (!of_a || !of_b || type != EVP_PKEY_get_base_id(of_b))
		return false;
	if ((type == EVP_PKEY_EC && key_point_differs(a, b)) ||
	    (type == EVP_PKEY_RSA && key_modulus_differs(of_a, of_b)))
		return false;
	return EVP_PKEY_eq(of_a, of_b) == 1;
}
