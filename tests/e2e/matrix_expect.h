/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What has to become of a cell of the matrix, by tables of their own: the levels as the
 * product page words them, and one row for each certificate.
 */
#ifndef TESTS_E2E_MATRIX_EXPECT_H
#define TESTS_E2E_MATRIX_EXPECT_H

#include <stdbool.h>
#include <stddef.h>

#include "tests/e2e/matrix_line.h"

enum { MATRIX_CHECKS_MAX = 256 };

/* what a peer with this certificate may be, as far as key usage and its extension go */
enum matrix_use {
	MATRIX_ANYTHING,
	MATRIX_CLIENT,
	MATRIX_SERVER,
	MATRIX_SIP, /* of a SIP function, in both roles */
	MATRIX_NOTHING,
};

struct matrix_row {
	const char *name; /* of the test PKI; NULL: no certificate is shown */
	const char *check; /* refuses it from a level on; NULL: none does but those below */
	enum matrix_level from; /* the lowest one; the + Remote levels hold what theirs hold */
	enum matrix_use use;
	bool pinned; /* the trust store has a copy */
	bool other_host, other_domain; /* than the lines are configured for */
	bool tls12; /* its key is too short for the signatures of TLS 1.3 */
};

extern const struct matrix_row matrix_rows[];
extern const unsigned int matrix_row_count;

/*
 * matrix_has_cell - false where there is no such thing, as a server without certificate, for
 * most certificates of clients that are not asked for one, and for most cells of IPv6 in a guest
 */
bool matrix_has_cell(const struct matrix_cell *cell);

/* matrix_expect - the check that fails first; NULL: the connection is accepted */
const char *matrix_expect(const struct matrix_cell *cell);

/* matrix_expect_checks - the checks of a level in their order, as "certificate-present in-date" */
void matrix_expect_checks(enum matrix_level level, char checks[MATRIX_CHECKS_MAX]);

#endif
