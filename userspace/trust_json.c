// SPDX-License-Identifier: Apache-2.0
#include "userspace/trust_json.h"

json_t *trust_report_to_json(const struct trust_report *report)
{
	json_t *json, *findings = json_array();
	char summary[TRUST_SUMMARY_MAX];

	for (size_t i = 0; i < report->finding_count; i++) {
		const struct trust_finding *finding = &report->findings[i];

		json_array_append_new(findings,
				      json_pack("{s:s, s:s, s:s}", "kind",
						trust_finding_name(finding->kind), "file",
						finding->file, "text", finding->text));
	}
	trust_report_summary(report, summary);
	json = json_pack("{s:s, s:I, s:I, s:o}", "summary", summary, "certificates",
			 (json_int_t)report->certificates, "crls", (json_int_t)report->crls,
			 "findings", findings);
	for (int kind = 0; kind < TRUST_FINDING_KIND_COUNT; kind++)
		json_object_set_new(json, trust_finding_name(kind),
				    json_integer((json_int_t)report->counts[kind]));
	return json;
}
