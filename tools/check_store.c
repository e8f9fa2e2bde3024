// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>

#include "tools/check.h"
#include "userspace/trust.h"

static void check_name_unusable(const char *trust, const struct trust_report *report)
{
	size_t i;

	for (i = 0; i < report->finding_count; i++)
		if (report->findings[i].kind == TRUST_UNUSABLE)
			fprintf(stderr, "linewarden: %s/%s: %s; left out\n", trust,
				report->findings[i].file, report->findings[i].text);
	if (trust_report_beyond(report))
		fprintf(stderr, "linewarden: %s: there are %zu more files or certificates with "
				"a trouble\n",
			trust, trust_report_beyond(report));
}

/* What is out of date stays in it: the verdict names it where it matters. */
static int check_load_trust(const struct check_arguments *arguments, struct store *store)
{
	struct trust_report report _cleanup_(trust_report_free) = { 0 };
	char why[1024] = "out of memory";
	int err = trust_load(arguments->trust, arguments->at, store, &report, why, sizeof(why));

	if (!err && !report.certificates) {
		trust_explain_empty(arguments->trust, &report, why, sizeof(why));
		err = -EINVAL;
	}
	if (err)
		fprintf(stderr, "linewarden: %s\n", why);
	else
		check_name_unusable(arguments->trust, &report);
	return err;
}

int check_fill_store(const struct check_arguments *arguments, struct store *store)
{
	char why[1024] = "out of memory";
	int err = arguments->config ? 0 : check_load_trust(arguments, store);
	size_t i;

	for (i = 0; !err && i < arguments->crl_count; i++) {
		err = trust_add_crl(arguments->crls[i], store, why, sizeof(why));
		if (err)
			fprintf(stderr, "linewarden: %s\n", why);
	}
	return err;
}
