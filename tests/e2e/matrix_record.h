/* SPDX-License-Identifier: Apache-2.0 */
/* The audit records of the matrix's cells: read once, and not once for each cell. */
#ifndef TESTS_E2E_MATRIX_RECORD_H
#define TESTS_E2E_MATRIX_RECORD_H

#include "tests/e2e/matrix_expect.h"

struct matrix_record {
	int count; /* of the records that a connection begins with; 1 is right */
	char event[16];
	char line[MATRIX_LINE_NAME_MAX];
	char checks[MATRIX_CHECKS_MAX]; /* as matrix_expect_checks() has them */
	char failed[32]; /* the first check that did; "" */
	char alert[32];
	bool reason_fits; /* the record's own is the failed check's, or none failed */
	bool ktls;
};

struct matrix_records {
	struct matrix_record of[MATRIX_LEVEL_COUNT][MATRIX_ROWS_MAX];
};

/**
 * matrix_record_read - waits for the records of one kind's cells in one address family
 * @count: how many there have to be
 *
 * Returns how many came, within some seconds.
 */
int matrix_record_read(const char *audit, enum matrix_kind kind, bool ip6, int count,
		       struct matrix_records *out);

#endif
