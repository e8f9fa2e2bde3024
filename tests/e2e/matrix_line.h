/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines of the matrix: one for each function, role and level. A cell is a line and a
 * certificate, and has an address of its own, from which the client connects to an inbound
 * line, and which an app dials on an outbound one: 127.KIND.LEVEL.ROW.
 */
#ifndef TESTS_E2E_MATRIX_LINE_H
#define TESTS_E2E_MATRIX_LINE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

/* a function in a role */
enum matrix_kind {
	MATRIX_ADMIN,
	MATRIX_ADMIN_UNASKED,
	MATRIX_SIP_LINE,
	MATRIX_SM_LINE,
	MATRIX_SIP_PHONE,
	MATRIX_IP_OFFICE_LINE,
	MATRIX_SIP_LINE_OUT,
	MATRIX_SM_LINE_OUT,
	MATRIX_IP_OFFICE_LINE_OUT,
	MATRIX_KIND_COUNT,
};

enum matrix_level {
	MATRIX_NONE,
	MATRIX_LOW,
	MATRIX_MEDIUM,
	MATRIX_HIGH,
	MATRIX_MEDIUM_REMOTE,
	MATRIX_HIGH_REMOTE,
	MATRIX_LEVEL_COUNT,
};

enum { MATRIX_ROWS_MAX = 64, MATRIX_LINE_NAME_MAX = 48 };

enum matrix_ask { MATRIX_REQUIRED, MATRIX_REQUESTED, MATRIX_UNASKED };

struct matrix_kind_facts {
	const char *name, *function;
	const char *service_security; /* NULL: it has none */
	bool outbound; /* the peer is a server */
	enum matrix_ask ask; /* of a peer that is a client */
	bool sip;
	bool remote; /* has the + Remote levels, ... */
	bool host, domain; /* ... which look at these */
	uint16_t port;
};

struct matrix_cell {
	enum matrix_kind kind;
	enum matrix_level level;
	unsigned int row; /* of matrix_rows */
};

const struct matrix_kind_facts *matrix_kind_facts(enum matrix_kind kind);

/* matrix_levels - how many of the levels a kind has: the first ones */
int matrix_levels(enum matrix_kind kind);

/* matrix_line_name - "sip-line-in-medium.remote" */
void matrix_line_name(enum matrix_kind kind, enum matrix_level level,
		      char name[MATRIX_LINE_NAME_MAX]);

/* matrix_cell_address - its own; without a port */
struct sockaddr_in matrix_cell_address(const struct matrix_cell *cell);

/* matrix_cell_parse - whose address this is; false: no cell's */
bool matrix_cell_parse(const struct sockaddr_in *address, struct matrix_cell *cell);

/* matrix_write_settings - all lines, for a configuration; free() it; checks */
char *matrix_write_settings(void);

#endif
