// SPDX-License-Identifier: Apache-2.0
#include "userspace/expiry.h"

#include <stdio.h>
#include <string.h>

#include "policy/validity.h"

#define EXPIRY_DAY 86400

struct expiry_search {
	int64_t now, until;
	struct expiry *out;
};

/* Whole days, rounded down: -1 from the first second after the last one. */
static int64_t expiry_days(int64_t left)
{
	return left < 0 ? -1 - (-1 - left) / EXPIRY_DAY : left / EXPIRY_DAY;
}

static void expiry_look(const struct expiry_search *search, X509 *certificate, const char *what,
			const char *file)
{
	struct expiry_item *item = &search->out->items[search->out->count];
	int64_t end;

	if (validity_seconds(X509_get0_notAfter(certificate), &end) < 0 || end > search->until)
		return;
	search->out->total++;
	if (search->out->count == EXPIRY_MAX)
		return;
	search->out->count++;
	snprintf(item->what, sizeof(item->what), "%s", what);
	text_name(X509_get_subject_name(certificate), item->subject, sizeof(item->subject));
	text_escape(file, strlen(file), item->file, sizeof(item->file));
	item->not_after = end;
	item->days = expiry_days(end - search->now);
}

/* What of a chain the store has is looked at there. */
static void expiry_look_identity(const struct expiry_search *search,
				 const struct identity *identity, const char *certificate,
				 const char *chain)
{
	if (!identity->certificate)
		return;
	expiry_look(search, identity->certificate, certificate, "");
	for (int i = 0; i < identity->chain_own; i++)
		expiry_look(search, sk_X509_value(identity->chain, i), chain, "");
}

void expiry_find(const struct config *config, int64_t now, struct expiry *out)
{
	const struct expiry_search search = {
		.now = now,
		.until = now + (int64_t)config->expiry_warning * EXPIRY_DAY,
		.out = out,
	};

	out->count = 0;
	out->total = 0;
	expiry_look_identity(&search, &config->identity, "identity certificate", "identity chain");
	expiry_look_identity(&search, &config->telephony, "telephony identity certificate",
			     "telephony identity chain");
	for (size_t i = 0; i < store_count(config->trust); i++)
		expiry_look(&search, store_certificate(config->trust, i), "trust store",
			    basename(store_certificate_name(config->trust, i)));
}

void expiry_describe(const struct expiry_item *item, char *out, size_t size)
{
	char date[TEXT_TIME_MAX], when[64];

	text_time(item->not_after, date, sizeof(date));
	if (item->days < 0)
		snprintf(when, sizeof(when), "expired on %.10s", date);
	else
		snprintf(when, sizeof(when), "ends in %lld day%s, on %.10s",
			 (long long)item->days, item->days == 1 ? "" : "s", date);
	snprintf(out, size, "%s: %s%s%s: %s", item->what, item->file, *item->file ? ": " : "", when,
		 item->subject);
}
