// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/matrix_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/matrix_expect.h"
#include "tests/harness.h"

#define KIND_BASE 64 /* of the addresses: above those of site.h */

static const struct matrix_kind_facts kinds[] = {
	[MATRIX_ADMIN] = { .name = "admin", .function = "admin", .service_security = "secure-high",
			   .ask = MATRIX_REQUIRED, .remote = true, .host = true, .port = 443 },
	[MATRIX_ADMIN_UNASKED] = { .name = "unasked", .function = "admin",
				   .service_security = "secure-medium", .ask = MATRIX_UNASKED,
				   .remote = true, .host = true, .port = 443 },
	[MATRIX_SIP_LINE] = { .name = "sip-line", .function = "sip-line", .ask = MATRIX_REQUIRED,
			      .sip = true, .remote = true, .domain = true, .port = 5061 },
	[MATRIX_SM_LINE] = { .name = "sm-line", .function = "sm-line", .ask = MATRIX_REQUIRED,
			     .sip = true, .remote = true, .host = true, .domain = true,
			     .port = 5061 },
	[MATRIX_SIP_PHONE] = { .name = "sip-phone", .function = "sip-phone",
			       .ask = MATRIX_REQUESTED, .sip = true, .remote = true,
			       .domain = true, .port = 5061 },
	[MATRIX_IP_OFFICE_LINE] = { .name = "ip-office", .function = "ip-office-line",
				    .ask = MATRIX_REQUIRED, .port = 443 },
	[MATRIX_SIP_LINE_OUT] = { .name = "sip-line", .function = "sip-line", .outbound = true,
				  .sip = true, .remote = true, .domain = true, .port = 5071 },
	[MATRIX_SM_LINE_OUT] = { .name = "sm-line", .function = "sm-line", .outbound = true,
				 .sip = true, .remote = true, .host = true, .domain = true,
				 .port = 5071 },
	[MATRIX_IP_OFFICE_LINE_OUT] = { .name = "ip-office", .function = "ip-office-line",
					.outbound = true, .port = 5071 },
};
_Static_assert(sizeof(kinds) / sizeof(*kinds) == MATRIX_KIND_COUNT, "facts of each kind");

static const struct {
	const char *name, *word; /* in a configuration, and in a line's name */
} levels[] = {
	[MATRIX_NONE] = { "none", "none" },
	[MATRIX_LOW] = { "low", "low" },
	[MATRIX_MEDIUM] = { "medium", "medium" },
	[MATRIX_HIGH] = { "high", "high" },
	[MATRIX_MEDIUM_REMOTE] = { "medium+remote", "medium.remote" },
	[MATRIX_HIGH_REMOTE] = { "high+remote", "high.remote" },
};
_Static_assert(sizeof(levels) / sizeof(*levels) == MATRIX_LEVEL_COUNT, "names of each level");

const struct matrix_kind_facts *matrix_kind_facts(enum matrix_kind kind)
{
	return &kinds[kind];
}

int matrix_levels(enum matrix_kind kind)
{
	return kinds[kind].remote ? MATRIX_LEVEL_COUNT : MATRIX_MEDIUM_REMOTE;
}

void matrix_line_name(enum matrix_kind kind, enum matrix_level level,
		      char name[MATRIX_LINE_NAME_MAX])
{
	snprintf(name, MATRIX_LINE_NAME_MAX, "%s-%s-%s", kinds[kind].name,
		 kinds[kind].outbound ? "out" : "in", levels[level].word);
}

/* 127.0.0.0 as an endpoint has it, and 2001:db8:77:: */
static const uint8_t ranges[][13] = {
	[false] = { [10] = 0xff, [11] = 0xff, [12] = 127 },
	[true] = { 0x20, 0x01, 0x0d, 0xb8, 0x00, 0x77 },
};

struct endpoint matrix_cell_address(const struct matrix_cell *cell)
{
	struct endpoint out = { .addr = { [13] = (uint8_t)(KIND_BASE + cell->kind),
					  [14] = (uint8_t)cell->level,
					  [15] = (uint8_t)(cell->row + 1) } };

	memcpy(out.addr, ranges[cell->ip6], sizeof(ranges[0]));
	return out;
}

bool matrix_cell_parse(const struct endpoint *address, struct matrix_cell *cell)
{
	const uint8_t *own = address->addr + sizeof(ranges[0]);
	bool ip6 = !endpoint_is_ip4(address);
	unsigned int kind = own[0] - KIND_BASE, level = own[1], row = own[2] - 1U;

	if (memcmp(address->addr, ranges[ip6], sizeof(ranges[0])) || kind >= MATRIX_KIND_COUNT ||
	    level >= MATRIX_LEVEL_COUNT || row >= MATRIX_ROWS_MAX)
		return false;
	*cell = (struct matrix_cell){ ip6, kind, level, row };
	return true;
}

void matrix_kind_start(enum matrix_kind kind, bool ip6, char start[MATRIX_START_MAX])
{
	snprintf(start, MATRIX_START_MAX, ip6 ? "2001:db8:77::%x:" : "127.%d.",
		 KIND_BASE + (int)kind);
}

/* the domain that every good certificate speaks for, and the hosts that they are of */
static void write_names(FILE *file, const struct matrix_kind_facts *facts)
{
	const char *comma = "";

	if (facts->domain)
		fprintf(file, "\tsip-domains = { \"example.test\" }\n");
	if (!facts->host)
		return;
	fprintf(file, "\thost-names = { ");
	for (unsigned int row = 0; row < matrix_row_count; row++) {
		if (!matrix_rows[row].name || matrix_rows[row].other_host)
			continue;
		fprintf(file, "%s\"%s.example.test\"", comma, matrix_rows[row].name);
		comma = ", ";
	}
	fprintf(file, " }\n");
}

static void write_line(FILE *file, enum matrix_kind kind, enum matrix_level level)
{
	const struct matrix_kind_facts *facts = &kinds[kind];
	char name[MATRIX_LINE_NAME_MAX], ip4[MATRIX_START_MAX], ip6[MATRIX_START_MAX];

	matrix_line_name(kind, level, name);
	matrix_kind_start(kind, false, ip4);
	matrix_kind_start(kind, true, ip6);
	fprintf(file,
		"line \"%s\" {\n\tfunction = %s\n\tdirection = %s\n\tport = %u\n"
		"\tremote = { \"%s%d.0/24\", \"%s%d00/120\" }\n\tlevel = \"%s\"\n"
		"\tresumption = no\n",
		name, facts->function, facts->outbound ? "outbound" : "inbound", facts->port, ip4,
		(int)level, ip6, (int)level, levels[level].name);
	if (facts->service_security)
		fprintf(file, "\tservice-security = %s\n", facts->service_security);
	if (level >= MATRIX_MEDIUM_REMOTE)
		write_names(file, facts);
	fprintf(file, "}\n");
}

char *matrix_write_settings(void)
{
	const char *cgroup = strrchr(getenv("STAGE_CGROUP"), '/') + 1;
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);

	ASSERT_NOT_NULL(file);
	fprintf(file, "handshake-timeout = 60\npbx \"app\" { cgroup = \"/%s\" }\n", cgroup);
	for (enum matrix_kind kind = 0; kind < MATRIX_KIND_COUNT; kind++)
		for (int level = 0; level < matrix_levels(kind); level++)
			write_line(file, kind, (enum matrix_level)level);
	ASSERT_OK(fclose(file));
	return text;
}
