// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/matrix_expect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct matrix_row matrix_rows[] = {
	{ .name = NULL },

	/* nothing is wrong with these; what level high wants of them is a copy in the store */
	{ .name = "good", .pinned = true },
	{ .name = "good-rsa", .pinned = true },
	{ .name = "good-ed25519" },
	{ .name = "rsa2048" },
	{ .name = "any-purpose", .pinned = true },
	{ .name = "no-purpose", .pinned = true },

	{ .name = "expired", .check = "in-date", .from = MATRIX_NONE },
	{ .name = "not-yet-valid", .check = "in-date", .from = MATRIX_NONE },
	{ .name = "rsa512", .check = "key-1024", .from = MATRIX_LOW, .tls12 = true },
	{ .name = "rsa1024", .check = "key-2048", .from = MATRIX_HIGH, .pinned = true },
	{ .name = "unknown-ca", .check = "trust-chain", .from = MATRIX_MEDIUM },
	{ .name = "self-signed", .check = "trust-chain", .from = MATRIX_MEDIUM },
	{ .name = "self-signed-trusted", .check = "not-self-signed", .from = MATRIX_HIGH,
	  .pinned = true },
	{ .name = "expired-intermediate", .check = "trust-chain", .from = MATRIX_MEDIUM },
	{ .name = "revoked", .check = "trust-chain", .from = MATRIX_MEDIUM },
	{ .name = "revoked-trusted", .check = "trust-chain", .from = MATRIX_MEDIUM,
	  .pinned = true },
	{ .name = "no-key-usage", .check = "key-usage", .from = MATRIX_MEDIUM },
	{ .name = "unknown-critical", .check = "critical-extensions", .from = MATRIX_MEDIUM },

	{ .name = "wrong-eku", .use = MATRIX_NOTHING },
	{ .name = "crl-sign-only", .use = MATRIX_NOTHING },
	{ .name = "server-only", .use = MATRIX_SERVER, .pinned = true },
	{ .name = "client-only", .use = MATRIX_CLIENT, .pinned = true },
	{ .name = "encipher-only", .use = MATRIX_SERVER, .pinned = true },
	{ .name = "sip-only", .use = MATRIX_SIP, .pinned = true },

	/* our own, shown to us */
	{ .name = "server", .check = "not-reflected", .from = MATRIX_HIGH, .pinned = true,
	  .other_host = true, .other_domain = true },

	{ .name = "wrong-domain", .pinned = true, .other_host = true, .other_domain = true },
	{ .name = "wrong-host", .pinned = true, .other_host = true },
	{ .name = "wrong-sip-domain", .pinned = true, .other_domain = true },
	{ .name = "wildcard", .pinned = true, .other_domain = true },
};
const unsigned int matrix_row_count = sizeof(matrix_rows) / sizeof(*matrix_rows);
_Static_assert(sizeof(matrix_rows) / sizeof(*matrix_rows) <= MATRIX_ROWS_MAX, "an address each");

/* a level of the four that are one above the other, and whether the names count as well */
static const struct {
	enum matrix_level base;
	bool remote;
} levels[] = {
	[MATRIX_NONE] = { MATRIX_NONE, false },
	[MATRIX_LOW] = { MATRIX_LOW, false },
	[MATRIX_MEDIUM] = { MATRIX_MEDIUM, false },
	[MATRIX_HIGH] = { MATRIX_HIGH, false },
	[MATRIX_MEDIUM_REMOTE] = { MATRIX_MEDIUM, true },
	[MATRIX_HIGH_REMOTE] = { MATRIX_HIGH, true },
};
_Static_assert(sizeof(levels) / sizeof(*levels) == MATRIX_LEVEL_COUNT, "a row each");

static const struct {
	const char *name;
	enum matrix_level from;
	bool remote; /* only of the + Remote levels */
} checks_in_order[] = {
	{ "certificate-present", MATRIX_NONE, false },
	{ "in-date", MATRIX_NONE, false },
	{ "key-1024", MATRIX_LOW, false },
	{ "trust-chain", MATRIX_MEDIUM, false },
	{ "key-usage", MATRIX_MEDIUM, false },
	{ "purpose", MATRIX_MEDIUM, false },
	{ "critical-extensions", MATRIX_MEDIUM, false },
	{ "key-2048", MATRIX_HIGH, false },
	{ "not-self-signed", MATRIX_HIGH, false },
	{ "not-reflected", MATRIX_HIGH, false },
	{ "in-store", MATRIX_HIGH, false },
	{ "remote-name", MATRIX_MEDIUM, true },
	{ "sip-domain", MATRIX_MEDIUM, true },
};

/*
 * An emulated guest has no time for all of them. It has a third of each line's in either family,
 * and the next level another third: every kind of line meets every certificate. Which third is
 * tests/check's to say, so that the kernels have all of them together.
 */
static bool has_time_for(const struct matrix_cell *cell)
{
	const char *third = getenv("MATRIX_THIRD");
	unsigned int which = third ? (unsigned int)atoi(third) : 0;

	return !getenv("LINEWARDEN_VM") || (cell->row + cell->level + cell->ip6) % 3 == which % 3;
}

bool matrix_has_cell(const struct matrix_cell *cell)
{
	const struct matrix_kind_facts *facts = matrix_kind_facts(cell->kind);
	const struct matrix_row *row = &matrix_rows[cell->row];

	if (!has_time_for(cell))
		return false;
	if (facts->outbound)
		return row->name;
	/* who is not asked shows none: all others would be the same */
	if (facts->ask == MATRIX_UNASKED)
		return !row->name || (row->check && row->from == MATRIX_NONE);
	return true;
}

static bool may_be(enum matrix_use use, const struct matrix_kind_facts *facts)
{
	switch (use) {
	case MATRIX_ANYTHING:
		return true;
	case MATRIX_CLIENT:
		return !facts->outbound;
	case MATRIX_SERVER:
		return facts->outbound;
	case MATRIX_SIP:
		return facts->sip;
	case MATRIX_NOTHING:
	default:
		return false;
	}
}

const char *matrix_expect(const struct matrix_cell *cell)
{
	const struct matrix_kind_facts *facts = matrix_kind_facts(cell->kind);
	const struct matrix_row *row = &matrix_rows[cell->row];
	enum matrix_level base = levels[cell->level].base;
	bool remote = levels[cell->level].remote;

	if (facts->ask == MATRIX_UNASKED)
		return NULL;
	if (!row->name)
		return facts->ask == MATRIX_REQUIRED ? "certificate-present" : NULL;
	if (row->check && base >= row->from)
		return row->check;
	if (base >= MATRIX_MEDIUM && !may_be(row->use, facts))
		return "purpose";
	if (base >= MATRIX_HIGH && !row->pinned)
		return "in-store";
	if (remote && facts->host && row->other_host)
		return "remote-name";
	if (remote && facts->domain && row->other_domain)
		return "sip-domain";
	return NULL;
}

void matrix_expect_checks(enum matrix_level level, char checks[MATRIX_CHECKS_MAX])
{
	size_t len = 0;

	checks[0] = '\0';
	for (size_t i = 0; i < sizeof(checks_in_order) / sizeof(*checks_in_order); i++) {
		if (levels[level].base < checks_in_order[i].from ||
		    (checks_in_order[i].remote && !levels[level].remote))
			continue;
		len += (size_t)snprintf(checks + len, MATRIX_CHECKS_MAX - len, "%s%s",
					len ? " " : "", checks_in_order[i].name);
	}
}
