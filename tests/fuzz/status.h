/* SPDX-License-Identifier: Apache-2.0 */
/* What the authorities of fixed.h say of their certificates: revocation lists and OCSP. */
#ifndef TESTS_FUZZ_STATUS_H
#define TESTS_FUZZ_STATUS_H

#include <openssl/ocsp.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/fuzz/fixed.h"

enum { STATUS_DAY = 24 * 60 * 60 };

/*
 * A list that revokes one certificate, current from FIXED_NOW for so long; the caller's. scope
 * is an issuing distribution point in the syntax of openssl x509v3_config(5), or NULL.
 */
X509_CRL *status_list(enum fixed_id issuer, enum fixed_id revoked, long seconds,
		      const char *scope);

/*
 * An OCSPResponse of a signer about a certificate of FIXED_INTERMEDIATE, with an answer
 * V_OCSP_CERTSTATUS_*; the DER is the caller's, to be freed with OPENSSL_free().
 */
unsigned char *status_staple(enum fixed_id certificate, enum fixed_id signer, int answer,
			     size_t *len);

/* The same response signed anew; NULL where it cannot be read. */
unsigned char *status_resign(const uint8_t *der, size_t len, enum fixed_id signer,
			     size_t *out_len);

#endif
