/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cell's connection, end to end: the test is the client of an inbound line and the app
 * before an outbound one; what is behind the daemon are processes of their own, which echo.
 */
#ifndef TESTS_E2E_MATRIX_VISIT_H
#define TESTS_E2E_MATRIX_VISIT_H

#include <limits.h>
#include <stdbool.h>

#include "tests/e2e/matrix_line.h"

enum { MATRIX_VISIT_TEXT_MAX = 64 };

/* matrix_visit_prepare - starts the apps of inbound lines and the far server; checks */
void matrix_visit_prepare(void);

/* matrix_visit_finish - ends them; checks */
void matrix_visit_finish(void);

/* before the first one: for matrix_visit_next() */
#define MATRIX_FIRST_CELL(kind, ip6)                                                               \
	((struct matrix_cell){ (ip6), (kind), MATRIX_NONE, UINT_MAX })

/* matrix_visit_next - goes on to the next cell of a kind and family; false: that was the last */
bool matrix_visit_next(struct matrix_cell *cell);

/* matrix_visit_all - from the first cell on: connects, sends, waits for the echo, ends; checks */
void matrix_visit_all(const struct matrix_cell *first);

/* matrix_visit_seen - "echo", "reset", an alert's name, or what else came of it */
const char *matrix_visit_seen(const struct matrix_cell *cell);

/* matrix_visit_behind - how many bytes have come through to the other end; -1: no connection */
int matrix_visit_behind(const struct matrix_cell *cell);

#endif
