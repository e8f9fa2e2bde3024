/* SPDX-License-Identifier: Apache-2.0 */
/* What is in the files of the test PKI, and what its intermediate authority revokes. */
#ifndef TESTS_E2E_SITE_PKI_H
#define TESTS_E2E_SITE_PKI_H

#include <openssl/x509.h>

/* site_pki_certificate - of a name, without its chain; X509_free() it; checks */
X509 *site_pki_certificate(const char *name);

/* site_pki_key - of a name; EVP_PKEY_free() it; checks */
EVP_PKEY *site_pki_key(const char *name);

/**
 * site_pki_revoke - writes the intermediate's list, of this hour and the next ones; checks
 * @path: where to; replaces what is there
 * @names: of certificates of its own, ended by NULL
 */
void site_pki_revoke(const char *path, const char *const names[]);

#endif
