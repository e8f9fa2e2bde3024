// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "policy/name.h"
#include "policy/punycode.h"

static bool name_is_ascii(const char *label, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)label[i] >= 0x80)
			return false;
	}
	return true;
}

static char name_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

/* letters, digits, hyphen, and the underscore that deployed names have */
static bool name_is_label(const char *label, size_t len)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-_";

	if (!len || len > PUNYCODE_LABEL_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!label[i] || !strchr(allowed, name_lower(label[i])))
			return false;
	}
	return true;
}

bool name_is_presented_dns(const uint8_t *bytes, size_t len, bool wildcard)
{
	const char *label = (const char *)bytes, *end = label + len;

	if (len > NAME_DNS_MAX)
		return false;
	if (wildcard && len > 2 && label[0] == '*' && label[1] == '.')
		label += 2;
	for (;;) {
		const char *dot = memchr(label, '.', (size_t)(end - label));

		if (!name_is_label(label, (size_t)((dot ? dot : end) - label)))
			return false;
		if (!dot)
			return true;
		label = dot + 1;
	}
}

/* one label of a reference, converted, without its end; the length or -EBADMSG */
static int name_convert_label(const char *label, size_t len, char out[PUNYCODE_LABEL_MAX + 1])
{
	if (!name_is_ascii(label, len))
		return punycode_label(label, len, out);
	if (len > PUNYCODE_LABEL_MAX)
		return -EBADMSG;
	for (size_t i = 0; i < len; i++)
		out[i] = name_lower(label[i]);
	out[len] = '\0';
	return (int)len;
}

static int name_parse_dns(const char *text, struct name_reference *out)
{
	bool digits = false;

	for (const char *label = text; *label;) {
		char ascii[PUNYCODE_LABEL_MAX + 1];
		size_t raw = strcspn(label, ".");
		int len = name_convert_label(label, raw, ascii);

		if (len < 0 || !name_is_label(ascii, (size_t)len))
			return -EBADMSG;
		if (out->dns_len + (size_t)len + 1 > NAME_DNS_MAX)
			return -EBADMSG;
		if (out->dns_len)
			out->dns[out->dns_len++] = '.';
		memcpy(out->dns + out->dns_len, ascii, (size_t)len);
		out->dns_len += (size_t)len;
		digits = strspn(ascii, "0123456789") == (size_t)len;
		label += raw + (label[raw] == '.');
	}
	/* a mistyped address is no host name */
	return out->dns_len && !digits ? 0 : -EBADMSG;
}

int name_reference_parse(const char *text, struct name_reference *out)
{
	*out = (struct name_reference){ 0 };
	if (inet_pton(AF_INET, text, out->address) == 1)
		out->address_len = 4;
	else if (inet_pton(AF_INET6, text, out->address) == 1)
		out->address_len = 16;
	if (out->address_len)
		return 0;

	int err = name_parse_dns(text, out);

	if (err)
		*out = (struct name_reference){ 0 };
	return err;
}

static bool name_equal_bytes(const char *ref, size_t ref_len, const uint8_t *bytes, size_t len)
{
	if (!ref_len || len != ref_len)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (name_lower((char)bytes[i]) != ref[i])
			return false;
	}
	return true;
}

bool name_equals(const struct name_reference *ref, const uint8_t *bytes, size_t len)
{
	return name_equal_bytes(ref->dns, ref->dns_len, bytes, len);
}

bool name_matches_dns(const struct name_reference *ref, const uint8_t *bytes, size_t len)
{
	if (name_equals(ref, bytes, len))
		return true;
	if (len < 3 || bytes[0] != '*' || bytes[1] != '.')
		return false;

	/* what follows the reference's first label against what follows the wildcard */
	const char *rest = strchr(ref->dns, '.');

	if (!rest || !strchr(rest + 1, '.'))
		return false;
	return name_equal_bytes(rest + 1, strlen(rest + 1), bytes + 2, len - 2);
}

bool name_matches_address(const struct name_reference *ref, const uint8_t *bytes, size_t len)
{
	return ref->address_len && len == ref->address_len && memcmp(bytes, ref->address, len) == 0;
}
