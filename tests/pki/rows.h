/* SPDX-License-Identifier: Apache-2.0 */
/* The certificates of the test PKI, one row each. */
#ifndef TESTS_PKI_ROWS_H
#define TESTS_PKI_ROWS_H

#include <stdbool.h>

enum pki_key { PKI_P256, PKI_ED25519, PKI_RSA512, PKI_RSA1024, PKI_RSA2048, PKI_KEY_COUNT };

struct pki_row {
	const char *name; /* of the files NAME.pem and NAME.key */
	const char *issuer; /* an earlier row; its own name: self-signed */
	enum pki_key key;
	bool ca;
	bool unknown_critical; /* carries an extension that nobody knows */
	/* extensions in OpenSSL's configuration syntax; NULL: the usual ones, "": none */
	const char *key_usage;
	const char *extended_key_usage;
	const char *alt_name; /* usual: DNS:NAME.example.test and URI:sip:example.test */
	const char *common_name; /* usual: NAME */
	/* UTCTime or GeneralizedTime; NULL: 2025-01-01 and 2045-01-01 */
	const char *not_before;
	const char *not_after;
};

/* every issuer comes before what it issues; the last name is NULL */
extern const struct pki_row pki_rows[];

#endif
