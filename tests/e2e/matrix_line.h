/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines of the matrix: one for each function, role and level, of both address families. A
 * cell is a line, a family and a certificate, and has an address of its own, from which the
 * client connects to an inbound line, and which an app dials on an outbound one:
 * 127.KIND.LEVEL.ROW or 2001:db8:77::KIND:LEVEL:ROW, each of them the number of one byte.
 */
#ifndef TESTS_E2E_MATRIX_LINE_H
#define TESTS_E2E_MATRIX_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "userspace/endpoint.h"

/* all addresses of IPv6 cells */
#define MATRIX_IP6_RANGE "2001:db8:77::/48"

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

enum { MATRIX_ROWS_MAX = 64, MATRIX_LINE_NAME_MAX = 48, MATRIX_START_MAX = 32 };

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
	bool ip6;
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
struct endpoint matrix_cell_address(const struct matrix_cell *cell);

/* matrix_cell_parse - whose address this is; false: no cell's */
bool matrix_cell_parse(const struct endpoint *address, struct matrix_cell *cell);

/* matrix_kind_start - what the addresses of all its cells begin with: "127.65." */
void matrix_kind_start(enum matrix_kind kind, bool ip6, char start[MATRIX_START_MAX]);

/* matrix_write_settings - all lines, for a configuration; free() it; checks */
char *matrix_write_settings(void);

#endif
