/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A public key's strength, in the bits of an RSA key that is as strong.
 */
#ifndef POLICY_KEY_H
#define POLICY_KEY_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

enum key_type {
	KEY_UNKNOWN, /* not readable, or of a kind that has no known strength: 0 bits */
	KEY_RSA,
	KEY_RSA_PSS,
	KEY_DSA,
	KEY_EC,
	KEY_ED25519,
	KEY_ED448,
	KEY_X25519, /* key agreement only */
	KEY_X448,
	KEY_ML_DSA, /* FIPS 204; its category stands for the field of a curve as strong */
	KEY_TYPE_COUNT,
};

struct key_facts {
	enum key_type type;
	unsigned int bits; /* of the key itself: modulus, prime or field */
	unsigned int rsa_bits; /* RSA-equivalent (NIST SP 800-57 part 1, table 2) */
};

/* "RSA", "EC", "Ed25519" …; NULL outside the enumeration. */
const char *key_type_name(enum key_type type);

/* RSA-equivalent of an elliptic-curve field of so many bits: 192 gives 1536, 256 gives 3072. */
unsigned int key_rsa_equivalent(unsigned int curve_bits);

/*
 * Whether two certificates are over the same public key; false for one that cannot be read.
 * Without the export into another provider that EVP_PKEY_eq() makes of keys that were read by two,
 * where their numbers tell them apart.
 */
bool key_is_same(const X509 *a, const X509 *b);

/* Describes a certificate's public key; KEY_UNKNOWN with 0 bits when it cannot be read. */
void key_describe(X509 *certificate, struct key_facts *out);

#endif
