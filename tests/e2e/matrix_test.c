// SPDX-License-Identifier: Apache-2.0
/*
 * Every function, role and level with every certificate of the test PKI, over real sockets:
 * what becomes of each connection, why, and what gets through. The cells are generated; what
 * is expected of them is in matrix_expect.c.
 */
#include <dirent.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/daemon.h"
#include "tests/e2e/matrix_expect.h"
#include "tests/e2e/matrix_record.h"
#include "tests/e2e/matrix_tls.h"
#include "tests/e2e/matrix_visit.h"
#include "tests/e2e/site.h"
#include "tests/e2e/site_pki.h"
#include "tests/harness.h"

static struct daemon agent;
static bool kernel_tls;

HARNESS_PREPARE
{
	static const uint16_t no_ports[] = { 0 };
	char *settings;

	kernel_tls = site_has_kernel_tls();
	site_prepare();
	matrix_tls_trust();
	matrix_tls_prepare();
	settings = matrix_write_settings();
	daemon_start(&agent, &(struct daemon_options){ .ports = no_ports, .settings = settings });
	free(settings);
	matrix_visit_prepare();
}

HARNESS_FINISH
{
	matrix_visit_finish();
	daemon_retire(&agent);
}

HARNESS_EXPLAIN
{
	daemon_explain(&agent);
}

FIXTURE(matrix) {
	struct matrix_records records;
};

FIXTURE_VARIANT(matrix) {
	enum matrix_kind kind;
	bool ip6;
};

#define KIND_VARIANTS(name, of)                                                                    \
	FIXTURE_VARIANT_ADD(matrix, name##_ipv4) { .kind = (of) };                                 \
	FIXTURE_VARIANT_ADD(matrix, name##_ipv6) { .kind = (of), .ip6 = true }

KIND_VARIANTS(admin_server, MATRIX_ADMIN);
KIND_VARIANTS(admin_server_that_does_not_ask, MATRIX_ADMIN_UNASKED);
KIND_VARIANTS(sip_line_server, MATRIX_SIP_LINE);
KIND_VARIANTS(sm_line_server, MATRIX_SM_LINE);
KIND_VARIANTS(sip_phone_server, MATRIX_SIP_PHONE);
KIND_VARIANTS(ip_office_line_server, MATRIX_IP_OFFICE_LINE);
KIND_VARIANTS(sip_line_client, MATRIX_SIP_LINE_OUT);
KIND_VARIANTS(sm_line_client, MATRIX_SM_LINE_OUT);
KIND_VARIANTS(ip_office_line_client, MATRIX_IP_OFFICE_LINE_OUT);

FIXTURE_SETUP(matrix)
{
}

FIXTURE_TEARDOWN(matrix)
{
}

static void expect_outcome(const struct matrix_cell *cell, const struct matrix_record *record)
{
	const char *refused = matrix_expect(cell), *row = matrix_rows[cell->row].name ?: "none";
	const bool outbound = matrix_kind_facts(cell->kind)->outbound;
	char line[MATRIX_LINE_NAME_MAX], behind[32], expected[256], seen[256];
	int bytes = matrix_visit_behind(cell);

	matrix_line_name(cell->kind, cell->level, line);
	if (!refused)
		snprintf(expected, sizeof(expected),
			 "%s, %s: accepted, failed: ; echo; 6 bytes behind", line, row);
	else
		snprintf(expected, sizeof(expected), "%s, %s: refused, failed: %s; %s; %s behind",
			 line, row, refused, outbound ? "reset" : record->alert,
			 outbound ? "0 bytes" : "no connection");
	snprintf(behind, sizeof(behind), bytes < 0 ? "no connection" : "%d bytes", bytes);
	snprintf(seen, sizeof(seen), "%s, %s: %s, failed: %s; %s; %s behind", record->line, row,
		 record->event, record->failed, matrix_visit_seen(cell), behind);
	EXPECT_STREQ(expected, seen);
}

/* what the record has to say besides */
static void expect_record(const struct matrix_cell *cell, const struct matrix_record *record)
{
	char checks[MATRIX_CHECKS_MAX];

	matrix_expect_checks(cell->level, checks);
	EXPECT_EQ(1, record->count);
	EXPECT_STREQ(checks, record->checks);
	EXPECT_TRUE(record->reason_fits);
	EXPECT_EQ(!matrix_expect(cell) && kernel_tls, record->ktls);
}

TEST_F_TIMEOUT(matrix, every_level_and_certificate, 60)
{
	const struct matrix_cell first = MATRIX_FIRST_CELL(variant->kind, variant->ip6);
	struct matrix_cell cell = first;
	int cells = 0, accepted = 0;

	while (matrix_visit_next(&cell))
		cells++;
	matrix_visit_all(&first);
	EXPECT_EQ(cells, matrix_record_read(agent.audit, variant->kind, variant->ip6, cells,
					    &self->records));
	cell = first;
	while (matrix_visit_next(&cell)) {
		const struct matrix_record *record = &self->records.of[cell.level][cell.row];

		expect_outcome(&cell, record);
		expect_record(&cell, record);
		accepted += !matrix_expect(&cell);
	}
	TH_LOG("%d cells, %d accepted", cells, accepted);
}

/* its own name is its file's, which those of other tests and of the host itself are not */
static bool is_peer(const char *name)
{
	X509 *certificate = site_pki_certificate(name);
	bool is_ca = X509_check_ca(certificate);
	char common_name[64] = "";

	X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, common_name,
				  sizeof(common_name));
	X509_free(certificate);
	return !is_ca && strcmp(common_name, name) == 0;
}

/* What is added to the test PKI has to be added to the matrix. */
TEST(no_certificate_is_left_out)
{
	DIR *dir = opendir(site_file("pki"));
	const struct dirent *entry;
	char name[64];

	ASSERT_NOT_NULL(dir);
	while ((entry = readdir(dir))) {
		bool found = false;

		if (!strstr(entry->d_name, ".pem") ||
		    sscanf(entry->d_name, "%63[^.]", name) != 1 || !is_peer(name))
			continue;
		for (unsigned int i = 1; i < matrix_row_count && !found; i++)
			found = strcmp(matrix_rows[i].name, name) == 0;
		EXPECT_TRUE(found) {
			TH_LOG("that was %s", name);
		}
	}
	closedir(dir);
}

HARNESS_MAIN
