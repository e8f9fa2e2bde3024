// SPDX-License-Identifier: Apache-2.0
#include "userspace/concern.h"

#include <errno.h>
#include <string.h>

#include "policy/reach.h"
#include "userspace/session_table.h"

/* concern_same_rule() compares every field: whoever adds one adds it there */
_Static_assert(sizeof(struct rule) == 72 || sizeof(void *) != 8, "the fields of a rule");

static bool concern_same_names(const char *const *a, size_t a_count, const char *const *b,
			       size_t b_count)
{
	size_t i;

	for (i = 0; i < a_count && i < b_count; i++)
		if (strcmp(a[i], b[i]) != 0)
			return false;
	return a_count == b_count;
}

static bool concern_same_rule(const struct rule *a, const struct rule *b)
{
	return a->level == b->level && a->peer == b->peer && a->ask == b->ask &&
	       a->options == b->options && a->crl == b->crl && a->sip == b->sip &&
	       a->checks == b->checks &&
	       concern_same_names(a->hosts, a->host_count, b->hosts, b->host_count) &&
	       concern_same_names(a->sip_domains, a->sip_domain_count, b->sip_domains,
				  b->sip_domain_count);
}

static bool concern_same_certificate(const X509 *a, const X509 *b)
{
	return a && b ? X509_cmp(a, b) == 0 : a == b;
}

/* what a peer's certificate is held against, so that nobody shows us our own */
static bool concern_same_own(const struct config *a, const struct config *b)
{
	return concern_same_certificate(a->identity.certificate, b->identity.certificate) &&
	       concern_same_certificate(a->telephony.certificate, b->telephony.certificate);
}

/* mode and on-expiry are no part of a verdict, and say what follows from one */
static bool concern_same_line(const struct config_line *a, const struct config_line *b,
			      bool same_own)
{
	return concern_same_rule(&a->rule, &b->rule) && a->mode == b->mode &&
	       a->on_expiry == b->on_expiry && a->function == b->function &&
	       (same_own || !(rule_checks(&a->rule) & CHECK_BIT(CHECK_NOT_REFLECTED)));
}

/* the lines of the one that the other does not have, or not so */
static int concern_of_lines(const struct config *of, const struct config *other,
			    struct mark_set *out)
{
	const bool same_own = concern_same_own(of, other);
	const struct config_line *line, *like;
	uint64_t mark;
	size_t i;

	for (i = 0; i < of->line_count; i++) {
		line = &of->lines[i];
		/* as a worker finds it that judges */
		like = config_line_named(other, line->name, line->direction);
		if (like && concern_same_line(line, like, same_own))
			continue;
		if (session_table_line_mark(line->name, line->direction, &mark) < 0 ||
		    mark_set_add(out, mark) < 0)
			return -ENOMEM;
	}
	return 0;
}

int concern_of_config(const struct config *before, const struct config *now, struct mark_set *out)
{
	if (concern_of_lines(before, now, out) < 0 || concern_of_lines(now, before, out) < 0)
		return -ENOMEM;
	return reach_of_stores(before->trust, now->trust, out);
}
