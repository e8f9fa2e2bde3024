// SPDX-License-Identifier: Apache-2.0
#include "userspace/trust_report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/validity.h"

static const struct {
	const char *name;
	const char *one, *many; /* in the summary, after their number */
} trust_kinds[] = {
	[TRUST_UNUSABLE] = { "unusable", "file that cannot be used", "files that cannot be used" },
	[TRUST_EXPIRED] = { "expired", "expired", "expired" },
	[TRUST_NOT_YET_VALID] = { "not-yet-valid", "not valid yet", "not valid yet" },
	[TRUST_OUTDATED] = { "outdated", "outdated CRL", "outdated CRLs" },
	[TRUST_DUPLICATE] = { "duplicate", "duplicate", "duplicates" },
};
_Static_assert(sizeof(trust_kinds) / sizeof(trust_kinds[0]) == TRUST_FINDING_KIND_COUNT,
	       "every kind has its words");

const char *trust_finding_name(enum trust_finding_kind kind)
{
	return kind < TRUST_FINDING_KIND_COUNT ? trust_kinds[kind].name : NULL;
}

int trust_report_add(struct trust_report *report, enum trust_finding_kind kind, const char *file,
		     const char *format, ...)
{
	struct trust_finding *findings = report->findings, *finding;
	va_list args;

	report->counts[kind]++;
	if (report->finding_count == TRUST_FINDINGS_MAX)
		return 0;
	findings = reallocarray(findings, report->finding_count + 1, sizeof(*findings));
	if (!findings)
		return -ENOMEM;
	report->findings = findings;
	finding = &findings[report->finding_count++];
	finding->kind = kind;
	text_escape(file, strlen(file), finding->file, sizeof(finding->file));
	va_start(args, format);
	vsnprintf(finding->text, sizeof(finding->text), format, args);
	va_end(args);
	return 0;
}

int trust_report_certificate(struct trust_report *report, const char *file, X509 *certificate,
			     int64_t now)
{
	char subject[TEXT_NAME_MAX], date[TEXT_TIME_MAX];
	int64_t begin, end;

	text_name(X509_get_subject_name(certificate), subject, sizeof(subject));
	if (validity_seconds(X509_get0_notBefore(certificate), &begin) < 0 ||
	    validity_seconds(X509_get0_notAfter(certificate), &end) < 0)
		return trust_report_add(report, TRUST_EXPIRED, file,
					"its dates cannot be read: %s", subject);
	if (now > end) {
		text_time(end, date, sizeof(date));
		return trust_report_add(report, TRUST_EXPIRED, file, "expired on %.10s: %s", date,
					subject);
	}
	if (now < begin) {
		text_time(begin, date, sizeof(date));
		return trust_report_add(report, TRUST_NOT_YET_VALID, file,
					"not valid before %.10s: %s", date, subject);
	}
	return 0;
}

int trust_report_crl(struct trust_report *report, const char *file, X509_CRL *crl, int64_t now)
{
	const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl);
	char issuer[TEXT_NAME_MAX], date[TEXT_TIME_MAX];
	int64_t end;

	text_name(X509_CRL_get_issuer(crl), issuer, sizeof(issuer));
	if (!next || validity_seconds(next, &end) < 0)
		return trust_report_add(report, TRUST_OUTDATED, file,
					"a revocation list without a next update, of %s", issuer);
	if (now <= end)
		return 0;
	text_time(end, date, sizeof(date));
	return trust_report_add(report, TRUST_OUTDATED, file,
				"the next revocation list was due on %.10s: %s", date, issuer);
}

size_t trust_report_usable(const struct trust_report *report)
{
	return report->certificates - report->counts[TRUST_EXPIRED] -
	       report->counts[TRUST_NOT_YET_VALID];
}

size_t trust_report_beyond(const struct trust_report *report)
{
	size_t all = 0;

	for (int kind = 0; kind < TRUST_FINDING_KIND_COUNT; kind++)
		all += report->counts[kind];
	return all - report->finding_count;
}

void trust_report_summary(const struct trust_report *report, char out[TRUST_SUMMARY_MAX])
{
	size_t used = (size_t)snprintf(out, TRUST_SUMMARY_MAX, "%zu certificate%s, %zu CRL%s",
				       report->certificates, report->certificates == 1 ? "" : "s",
				       report->crls, report->crls == 1 ? "" : "s");

	for (int kind = 0; kind < TRUST_FINDING_KIND_COUNT; kind++) {
		size_t count = report->counts[kind];

		if (count && used < TRUST_SUMMARY_MAX)
			used += (size_t)snprintf(out + used, TRUST_SUMMARY_MAX - used, ", %zu %s",
						 count,
						 count == 1 ? trust_kinds[kind].one :
							      trust_kinds[kind].many);
	}
}

void trust_report_free(struct trust_report *report)
{
	free(report->findings);
	*report = (struct trust_report){ 0 };
}
