/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key usage, extended key usage, and critical extensions (RFC 5280 section 4.2).
 */
#ifndef POLICY_EXTENSION_H
#define POLICY_EXTENSION_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

#include "policy/text.h"

/* key usage bits as RFC 5280 4.2.1.3 numbers them: bit 0 is digitalSignature */
enum key_usage {
	USAGE_DIGITAL_SIGNATURE = 1 << 0,
	USAGE_NON_REPUDIATION = 1 << 1,
	USAGE_KEY_ENCIPHERMENT = 1 << 2,
	USAGE_DATA_ENCIPHERMENT = 1 << 3,
	USAGE_KEY_AGREEMENT = 1 << 4,
	USAGE_KEY_CERT_SIGN = 1 << 5,
	USAGE_CRL_SIGN = 1 << 6,
	USAGE_ENCIPHER_ONLY = 1 << 7,
	USAGE_DECIPHER_ONLY = 1 << 8,
};

/* the extended key usages that a decision tells apart */
enum eku {
	EKU_SERVER_AUTH = 1 << 0,
	EKU_CLIENT_AUTH = 1 << 1,
	EKU_SIP_DOMAIN = 1 << 2, /* 1.3.6.1.5.5.7.3.20, RFC 5924 */
	EKU_ANY = 1 << 3, /* anyExtendedKeyUsage */
	EKU_OTHER = 1 << 4, /* any other, server-gated crypto among them */
};

enum {
	EXTENSION_LIST_MAX = 128,
	EXTENSION_OID_MAX = 80,
	EXTENSION_COUNT_MAX = 64, /* of a certificate that is looked at; real ones have ten */
};

/* what a certificate's two usage extensions say */
struct usage_facts {
	bool key_usage_present;
	bool eku_present;
	bool malformed; /* one of them could not be read, or stands twice: allows nothing */
	uint16_t key_usage; /* enum key_usage, or-ed */
	uint16_t eku; /* enum eku, or-ed */
	char eku_text[EXTENSION_LIST_MAX]; /* the list for reasons: "serverAuth, 1.2.3.4" */
};

/* the first unknown critical extension of a chain, the peer's own certificate first */
struct critical_facts {
	bool found;
	unsigned int depth; /* 0: the peer's own certificate */
	char oid[EXTENSION_OID_MAX]; /* dotted */
	char subject[TEXT_NAME_MAX]; /* of the certificate that carries it */
};

/* Reads both usage extensions of a certificate. */
void extension_usage(X509 *certificate, struct usage_facts *out);

/* The key usage bits by name ("digitalSignature, keyAgreement"), bounded by size > 0. */
void extension_key_usage_text(uint16_t key_usage, char *out, size_t size);

/*
 * True when a certificate's extensions cannot be relied on: one stands twice (RFC 5280
 * 4.2), one that libcrypto processes is unreadable, or they are too many; text then says which.
 */
bool extension_malformed(X509 *certificate, char *text, size_t size);

/*
 * Looks for a critical extension that this library does not process. True when there
 * is one; its OID is then in oid, dotted and bounded.
 */
bool extension_unknown_critical(X509 *certificate, char *oid, size_t size);

#endif
