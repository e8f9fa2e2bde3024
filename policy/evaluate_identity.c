// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "policy/evaluate.h"
#include "policy/name.h"
#include "policy/sip.h"
#include "policy/text.h"

enum { IDENTITY_TEXT_MAX = 96 };

void evaluate_not_self_signed(const struct facts *facts, const struct rule *rule, int64_t now,
			      struct check_result *out)
{
	(void)rule;
	(void)now;
	if (facts->leaf.self_signed)
		evaluate_say(out, OUTCOME_FAILED, "signed by its own key: %.160s",
			     facts->leaf.subject);
	else
		evaluate_say(out, OUTCOME_PASSED, "issued by %.160s", facts->leaf.issuer);
}

void evaluate_not_denied(const struct facts *facts, const struct rule *rule, int64_t now,
			 struct check_result *out)
{
	char hex[2 * FACTS_SHA256 + 1];

	(void)rule;
	(void)now;
	for (int i = 0; i < FACTS_SHA256; i++)
		snprintf(hex + 2 * i, 3, "%02x", facts->denied_sha256[i]);
	if (!facts->denied_known)
		evaluate_say(out, OUTCOME_NOT_APPLICABLE, "there is no deny list");
	else if (!facts->denied)
		evaluate_say(out, OUTCOME_PASSED, "nothing of its chain is on the deny list");
	else if (memcmp(facts->denied_sha256, facts->leaf.sha256, FACTS_SHA256) == 0)
		evaluate_say(out, OUTCOME_FAILED, "it is on the operator's deny list");
	else
		evaluate_say(out, OUTCOME_FAILED,
			     "a certificate of its chain is on the operator's deny list: %s", hex);
}

void evaluate_not_reflected(const struct facts *facts, const struct rule *rule, int64_t now,
			    struct check_result *out)
{
	(void)rule;
	(void)now;
	if (!facts->own_known)
		evaluate_say(out, OUTCOME_NOT_APPLICABLE, "we have no identity certificate");
	else if (facts->reflected)
		evaluate_say(out, OUTCOME_FAILED, "it is our own identity certificate");
	else
		evaluate_say(out, OUTCOME_PASSED, "not our own certificate%s",
			     facts->own_key ? ", though over our own key" : "");
}

void evaluate_in_store(const struct facts *facts, const struct rule *rule, int64_t now,
		       struct check_result *out)
{
	(void)rule;
	(void)now;
	if (facts->in_store)
		evaluate_say(out, OUTCOME_PASSED, "a copy is in the trusted certificate store");
	else
		evaluate_say(out, OUTCOME_FAILED,
			     "no copy of the certificate is in the trusted certificate store");
}

/* the names of a certificate that could have matched, for the reason */
static void identity_text(const struct san_list *san, char *out, size_t size)
{
	static const char *const kinds[] = {
		[SAN_DNS] = "DNS:",
		[SAN_URI] = "URI:",
		[SAN_IP] = "IP:",
		[SAN_EMAIL] = "email:",
	};
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < san->count && len + 16 < size; i++) {
		const struct san_entry *entry = &san->entries[i];

		if (entry->kind == SAN_OTHER)
			continue;
		len += (size_t)snprintf(out + len, size - len, "%s%s", len ? ", " : "",
					kinds[entry->kind]);
		if (entry->kind == SAN_IP)
			text_hex(entry->bytes, entry->len, out + len, size - len);
		else
			text_escape(entry->bytes, entry->len, out + len, size - len);
		len += strlen(out + len);
	}
	if (!len)
		snprintf(out, size, "%s", san->malformed ? "unreadable" : "none");
}

static bool identity_is_host(const struct san_list *san, const struct name_reference *ref)
{
	if (san->malformed)
		return false;
	for (size_t i = 0; i < san->count; i++) {
		const struct san_entry *entry = &san->entries[i];

		if (ref->address_len && entry->kind == SAN_IP &&
		    name_matches_address(ref, entry->bytes, entry->len))
			return true;
		if (!ref->address_len && entry->kind == SAN_DNS &&
		    name_matches_dns(ref, entry->bytes, entry->len))
			return true;
	}
	return false;
}

static bool identity_is_sip(const struct san_list *san, const struct name_reference *ref)
{
	return !ref->address_len && sip_is_authoritative(san, ref);
}

/* the first of the rule's names that is one of the certificate's; NULL for none */
static const char *identity_find(const struct san_list *san, const char *const *names, size_t count,
				 bool (*matches)(const struct san_list *,
						 const struct name_reference *))
{
	for (size_t i = 0; i < count; i++) {
		struct name_reference ref;

		if (names[i] && name_reference_parse(names[i], &ref) == 0 && matches(san, &ref))
			return names[i];
	}
	return NULL;
}

static void identity_say(const char *what, const char *const *names, size_t count,
			 const char *match, const struct san_list *san, struct check_result *out)
{
	char wanted[IDENTITY_TEXT_MAX], found[IDENTITY_TEXT_MAX];
	const char *name = match ? match : names[0] ? names[0] : "";

	text_escape(name, strlen(name), wanted, sizeof(wanted));
	identity_text(san, found, sizeof(found));
	if (match)
		evaluate_say(out, OUTCOME_PASSED, "%s %s is in the certificate", what, wanted);
	else if (count == 1)
		evaluate_say(out, OUTCOME_FAILED, "%s %s is not in the certificate, which has: %s",
			     what, wanted, found);
	else
		evaluate_say(out, OUTCOME_FAILED,
			     "%s %s and %zu more are not in the certificate, which has: %s", what,
			     wanted, count - 1, found);
}

/* a SIP line is checked by its domain: an SRV target's host name proves nothing (RFC 5922 7.3) */
void evaluate_remote_name(const struct facts *facts, const struct rule *rule, int64_t now,
			  struct check_result *out)
{
	(void)now;
	if (!rule->host_count) {
		if (rule->sip && rule_checks(rule) & CHECK_BIT(CHECK_SIP_DOMAIN))
			evaluate_say(out, OUTCOME_NOT_APPLICABLE,
				     "a SIP line without a host name: its domain is checked");
		else
			evaluate_say(out, OUTCOME_FAILED,
				     "no host name is configured to compare with");
		return;
	}

	const char *match =
		identity_find(&facts->san, rule->hosts, rule->host_count, identity_is_host);

	identity_say("host", rule->hosts, rule->host_count, match, &facts->san, out);
}

void evaluate_sip_domain(const struct facts *facts, const struct rule *rule, int64_t now,
			 struct check_result *out)
{
	(void)now;
	if (!rule->sip && !rule->sip_domain_count) {
		evaluate_say(out, OUTCOME_NOT_APPLICABLE, "not a SIP line");
		return;
	}
	if (!rule->sip_domain_count) {
		evaluate_say(out, OUTCOME_FAILED, "no SIP domain is configured to compare with");
		return;
	}

	/* RFC 5922 7.3: of a server the domain that was asked for; 7.4: of a client one allowed */
	size_t count = rule->peer == PEER_SERVER ? 1 : rule->sip_domain_count;
	const char *match = identity_find(&facts->san, rule->sip_domains, count, identity_is_sip);

	identity_say("SIP domain", rule->sip_domains, count, match, &facts->san, out);
}
