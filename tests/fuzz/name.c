// SPDX-License-Identifier: Apache-2.0
/*
 * Host names and SIP domains. An input is the reference, as an operator wrote it, up to a NUL;
 * what follows is what a certificate presents: a name, and a subjectAltName's DER as well.
 */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <strings.h>

#include "policy/cleanup.h"
#include "policy/name.h"
#include "policy/rule.h"
#include "policy/san.h"
#include "policy/sip.h"
#include "policy/text.h"
#include "tests/fuzz/decode.h"
#include "tests/fuzz/target.h"

DEFINE_CLEANUP(X509 *, X509_free);

/* what was parsed says the same again, and is itself a name that a certificate may present */
static void name_require_reference(const char *text, int err, const struct name_reference *ref)
{
	const uint8_t *dns = (const uint8_t *)ref->dns;
	struct name_reference again;

	REQUIRE(err == 0 || err == -EBADMSG);
	REQUIRE(target_is_text(ref->dns, sizeof(ref->dns)) && strlen(ref->dns) == ref->dns_len);
	if (err || ref->address_len) {
		REQUIRE(!ref->dns_len);
		REQUIRE(err ? !ref->address_len : ref->address_len == 4 || ref->address_len == 16);
		REQUIRE(!name_equals(ref, dns, 0) && !name_matches_dns(ref, dns, 0));
		return;
	}
	REQUIRE(name_reference_parse(ref->dns, &again) == 0);
	REQUIRE(!again.address_len && strcmp(again.dns, ref->dns) == 0);
	REQUIRE(name_is_presented_dns(dns, ref->dns_len, false));
	REQUIRE(name_matches_dns(ref, dns, ref->dns_len));
	/* ASCII stays as it is, but for case and a final dot */
	if (strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
	    strlen(text))
		REQUIRE(strncasecmp(text, ref->dns, ref->dns_len) == 0 &&
			strspn(text + ref->dns_len, ".") == strlen(text + ref->dns_len));
}

/* RFC 9525 6.3 once more, label by label */
static bool name_expect_match(const struct name_reference *ref, const char *presented)
{
	const char *rest = strchr(ref->dns, '.');

	if (!ref->dns_len)
		return false;
	if (strcasecmp(ref->dns, presented) == 0)
		return true;
	return strncmp(presented, "*.", 2) == 0 && rest && strchr(rest + 1, '.') &&
	       strcasecmp(rest, presented + 1) == 0;
}

static void name_require_presented(const struct name_reference *ref, const uint8_t *bytes,
				   size_t len)
{
	char *text _cleanup_free_ = calloc(1, len + 1);

	REQUIRE(text);
	if (len)
		memcpy(text, bytes, len);
	/* a NUL inside is never part of a name */
	REQUIRE(name_matches_dns(ref, bytes, len) ==
		(strlen(text) == len && name_expect_match(ref, text)));
	REQUIRE(name_equals(ref, bytes, len) ==
		(strlen(text) == len && len && strcasecmp(ref->dns, text) == 0));
	if (name_is_presented_dns(bytes, len, false))
		REQUIRE(name_is_presented_dns(bytes, len, true));
	if (name_matches_dns(ref, bytes, len))
		REQUIRE(name_is_presented_dns(bytes, len, true));
	REQUIRE(name_matches_address(ref, bytes, len) ==
		(ref->address_len && len == ref->address_len &&
		 memcmp(bytes, ref->address, len) == 0));
}

/* a list without the entries that do not count names the same domain */
static void name_require_source(const struct san_list *san, const struct name_reference *domain)
{
	enum sip_source source = sip_identity_source(san);
	struct san_list less = *san;

	less.entries = calloc(san->count + 1, sizeof(*less.entries));
	REQUIRE(less.entries);
	less.count = 0;
	for (size_t i = 0; i < san->count; i++) {
		enum san_kind kind = san->entries[i].kind;

		if ((source == SIP_SOURCE_URI && kind == SAN_URI) ||
		    (source == SIP_SOURCE_DNS && kind == SAN_DNS))
			less.entries[less.count++] = san->entries[i];
	}
	if (source != SIP_SOURCE_NONE)
		REQUIRE(sip_identity_source(&less) == source);
	REQUIRE(sip_is_authoritative(&less, domain) == sip_is_authoritative(san, domain));
	REQUIRE(source == SIP_SOURCE_NONE ? !sip_is_authoritative(san, domain) : !san->malformed);
	REQUIRE((source == SIP_SOURCE_COMMON_NAME) == (!san->present && san->common_name_len));
	free(less.entries);
}

/* a certificate of nothing but these bytes as subjectAltName or, without, as CN */
static X509 *name_make_certificate(const uint8_t *bytes, size_t len, bool common_name)
{
	X509 *certificate = X509_new();
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *extension;

	REQUIRE(certificate && value);
	if (common_name) {
		X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN",
					   V_ASN1_UTF8STRING, bytes, (int)len, -1, 0);
	} else {
		ASN1_OCTET_STRING_set(value, bytes, (int)len);
		extension = X509_EXTENSION_create_by_NID(NULL, NID_subject_alt_name, 0, value);
		REQUIRE(X509_add_ext(certificate, extension, -1) == 1);
		X509_EXTENSION_free(extension);
	}
	ASN1_OCTET_STRING_free(value);
	return certificate;
}

static void name_require_certificate(const struct name_reference *ref, const uint8_t *bytes,
				     size_t len, bool common_name)
{
	X509 *certificate _cleanup_(cleanup_X509_free) =
		name_make_certificate(bytes, len, common_name);
	struct san_list san _cleanup_(san_release) = { 0 };
	char text[TEXT_NAME_MAX];

	REQUIRE(san_read(certificate, &san) == 0);
	REQUIRE(san.present == !common_name);
	REQUIRE(!san.malformed || !san.count);
	for (size_t i = 0; i < san.count; i++) {
		REQUIRE((san.entries[i].kind == SAN_OTHER) == !san.entries[i].bytes);
		if (san.entries[i].bytes)
			name_require_presented(ref, san.entries[i].bytes, san.entries[i].len);
	}
	name_require_source(&san, ref);
	text_name(X509_get_subject_name(certificate), text, sizeof(text));
	REQUIRE_TEXT(text);
	san_release(&san);
	REQUIRE(!san.present && !san.count && !san.entries && !san.common_name_len);
	ERR_clear_error();
}

/* what an operator may configure is what can be compared */
static void name_require_rule(const char *text, int err, const struct name_reference *ref)
{
	struct rule rule = {
		.level = LEVEL_HIGH_REMOTE, .peer = PEER_CLIENT, .hosts = &text, .host_count = 1,
	};

	REQUIRE(rule_validate(&rule) == err);
	rule.sip = true;
	rule.sip_domains = &text;
	rule.sip_domain_count = 1;
	REQUIRE(rule_validate(&rule) == (ref->address_len ? -EBADMSG : err));
}

static void name_require_escaped(const uint8_t *bytes, size_t len)
{
	char text[64];

	for (size_t size = 1; size <= sizeof(text); size *= 2) {
		memset(text, 'x', sizeof(text));
		text_escape(bytes, len, text, size);
		REQUIRE(target_is_text(text, size));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	size_t text_len = strnlen((const char *)data, len);
	char *text _cleanup_free_ = strndup((const char *)data, text_len);
	size_t skip = text_len + (text_len < len);
	struct name_reference ref;

	REQUIRE(text);

	int err = name_reference_parse(text, &ref);

	name_require_reference(text, err, &ref);
	name_require_rule(text, err, &ref);
	decode_require_label(text, text_len);
	data += skip;
	len -= skip;
	name_require_presented(&ref, data, len);
	name_require_certificate(&ref, data, len, false);
	name_require_certificate(&ref, data, len, true);
	name_require_escaped(data, len);
	return 0;
}
