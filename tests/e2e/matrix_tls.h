/* SPDX-License-Identifier: Apache-2.0 */
/* The peers' TLS, of both roles: one context for each certificate, made once. */
#ifndef TESTS_E2E_MATRIX_TLS_H
#define TESTS_E2E_MATRIX_TLS_H

#include <openssl/ssl.h>

/* matrix_tls_prepare - loads all certificates of matrix_rows; checks */
void matrix_tls_prepare(void);

/* matrix_tls_new - shows a row's certificate on a connected socket; SSL_free() it; checks */
SSL *matrix_tls_new(unsigned int row, int fd);

/* matrix_tls_trust - into the trust store what the rows want of it; checks */
void matrix_tls_trust(void);

#endif
