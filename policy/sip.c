// SPDX-License-Identifier: Apache-2.0
#include <string.h>
#include <strings.h>

#include "policy/sip.h"

static const char sip_scheme[] = "sip:";

/*
 * A sip URI without userinfo. No '@' is allowed anywhere: in a SIP URI it can only end the
 * userinfo, which may itself hold ';', '?' and '=' (RFC 3261 25.1), so "a;b=c@d" names d.
 */
static bool sip_uri_qualifies(const struct san_entry *entry)
{
	size_t scheme = sizeof(sip_scheme) - 1;

	return entry->kind == SAN_URI && entry->len >= scheme &&
	       strncasecmp((const char *)entry->bytes, sip_scheme, scheme) == 0 &&
	       !memchr(entry->bytes, '@', entry->len);
}

/* the length of the host that a URI's remainder begins with: up to port, parameters, headers */
static size_t sip_host_len(const uint8_t *bytes, size_t len)
{
	size_t i = 0;

	while (i < len && bytes[i] != ':' && bytes[i] != ';' && bytes[i] != '?')
		i++;
	return i;
}

static bool sip_uri_names(const struct san_entry *entry, const struct name_reference *domain)
{
	const uint8_t *host = entry->bytes + sizeof(sip_scheme) - 1;
	size_t len = entry->len - (sizeof(sip_scheme) - 1);

	/* the URI as a whole is text: nothing hides behind a NUL or a space after the host */
	for (size_t i = 0; i < len; i++) {
		if (host[i] <= ' ' || host[i] >= 0x7f)
			return false;
	}
	return name_equals(domain, host, sip_host_len(host, len));
}

enum sip_source sip_identity_source(const struct san_list *san)
{
	enum sip_source source = SIP_SOURCE_NONE;

	if (san->malformed)
		return SIP_SOURCE_NONE;
	if (!san->present)
		return san->common_name_len ? SIP_SOURCE_COMMON_NAME : SIP_SOURCE_NONE;
	for (size_t i = 0; i < san->count; i++) {
		if (sip_uri_qualifies(&san->entries[i]))
			return SIP_SOURCE_URI;
		if (san->entries[i].kind == SAN_DNS)
			source = SIP_SOURCE_DNS;
	}
	return source;
}

bool sip_is_authoritative(const struct san_list *san, const struct name_reference *domain)
{
	enum sip_source source = sip_identity_source(san);

	if (source == SIP_SOURCE_COMMON_NAME)
		return name_equals(domain, san->common_name, san->common_name_len);
	if (source == SIP_SOURCE_NONE)
		return false;
	for (size_t i = 0; i < san->count; i++) {
		const struct san_entry *entry = &san->entries[i];

		if (source == SIP_SOURCE_URI && sip_uri_qualifies(entry) &&
		    sip_uri_names(entry, domain))
			return true;
		if (source == SIP_SOURCE_DNS && entry->kind == SAN_DNS &&
		    name_equals(domain, entry->bytes, entry->len))
			return true;
	}
	return false;
}
