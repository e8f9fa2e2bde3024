/* SPDX-License-Identifier: Apache-2.0 */
/* The report on the trust store for machines. */
#ifndef USERSPACE_TRUST_JSON_H
#define USERSPACE_TRUST_JSON_H

#include <jansson.h>

#include "userspace/trust_report.h"

/*
 * The summary, the counts by kind, and the findings with kind, file and text. A new
 * reference; NULL when out of memory.
 */
json_t *trust_report_to_json(const struct trust_report *report);

#endif
