/* SPDX-License-Identifier: Apache-2.0 */
/* What is in the files of the test PKI, and what its intermediate authority revokes. */
#ifndef TESTS_E2E_SITE_PKI_H
#define TESTS_E2E_SITE_PKI_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <time.h>

/* site_pki_certificate - of a name, without its chain; X509_free() it; checks */
X509 *site_pki_certificate(const char *name);

/* site_pki_key - of a name; EVP_PKEY_free() it; checks */
EVP_PKEY *site_pki_key(const char *name);

/**
 * site_pki_reissue - writes pki/NAME.pem: a certificate like another one, of the same key, that
 * ends at another time; checks
 * @like: whose key, names and issuer it has
 * @issuer: who signs it
 * @end: its last second
 * @chain: names whose certificates follow in the file, ended by NULL
 */
void site_pki_reissue(const char *name, const char *like, const char *issuer, time_t end,
		      const char *const chain[]);

/* site_pki_fingerprint - SHA-256 in hex of a name's certificate; static memory */
const char *site_pki_fingerprint(const char *name);

/**
 * site_pki_revoke - writes the intermediate's list, of this hour and the next ones; checks
 * @path: where to; replaces what is there
 * @names: of certificates of its own, ended by NULL
 */
void site_pki_revoke(const char *path, const char *const names[]);

#endif
