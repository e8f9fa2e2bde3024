/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator should know of the Trusted Certificate Store after it was read. */
#ifndef USERSPACE_TRUST_REPORT_H
#define USERSPACE_TRUST_REPORT_H

#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/text.h"

enum trust_finding_kind {
	TRUST_UNUSABLE, /* nothing of the file is in the store */
	TRUST_EXPIRED, /* a certificate; it is in the store, and no chain can use it */
	TRUST_NOT_YET_VALID, /* the same, of the other end */
	TRUST_OUTDATED, /* a revocation list that should have been replaced */
	TRUST_DUPLICATE, /* what another file, or the same one, has already */
	TRUST_FINDING_KIND_COUNT,
};

enum {
	TRUST_FINDINGS_MAX = 64, /* what is beyond is counted alone */
	TRUST_TEXT_MAX = 320,
	TRUST_SUMMARY_MAX = 192,
};

struct trust_finding {
	enum trust_finding_kind kind;
	char file[TEXT_NAME_MAX]; /* its name in the folder, escaped */
	char text[TRUST_TEXT_MAX]; /* the cause */
};

struct trust_report {
	size_t certificates, crls; /* in the store, each once */
	size_t counts[TRUST_FINDING_KIND_COUNT]; /* files where unusable, else what is in them */
	struct trust_finding *findings; /* in the order of the files */
	size_t finding_count;
};

/* "unusable", "expired" …; NULL outside the enumeration */
const char *trust_finding_name(enum trust_finding_kind kind);

/**
 * trust_report_add - notes a finding
 * @file: the name as the folder has it
 *
 * Returns 0 or -ENOMEM.
 */
int trust_report_add(struct trust_report *report, enum trust_finding_kind kind, const char *file,
		     const char *format, ...) __attribute__((format(printf, 4, 5)));

/**
 * trust_report_certificate - notes a certificate that is out of date
 * @now: seconds since the epoch; both ends of the validity are part of it
 *
 * Returns 0 or -ENOMEM.
 */
int trust_report_certificate(struct trust_report *report, const char *file, X509 *certificate,
			     int64_t now);

/* trust_report_crl - the same for a revocation list that is past its next update */
int trust_report_crl(struct trust_report *report, const char *file, X509_CRL *crl, int64_t now);

/* trust_report_usable - how many certificates are in date */
size_t trust_report_usable(const struct trust_report *report);

/* trust_report_beyond - how many findings were counted alone */
size_t trust_report_beyond(const struct trust_report *report);

/* trust_report_summary - "12 certificates, 2 CRLs, 1 file that cannot be used, 1 expired" */
void trust_report_summary(const struct trust_report *report, char out[TRUST_SUMMARY_MAX]);

/* trust_report_free - releases and zeroes; a zeroed one is fine */
void trust_report_free(struct trust_report *report);

#endif
