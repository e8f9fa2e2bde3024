// SPDX-License-Identifier: Apache-2.0
#include <openssl/bio.h>
#include <stdio.h>
#include <string.h>

#include "policy/cleanup.h"
#include "policy/text.h"
#include "policy/validity.h"

DEFINE_CLEANUP(BIO *, BIO_free);

static bool text_byte_is_printable(uint8_t byte)
{
	return byte >= 0x20 && byte < 0x7f;
}

bool text_is_printable(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (!text[i])
			return true;
		if (!text_byte_is_printable((uint8_t)text[i]))
			return false;
	}
	return false;
}

/* backslash: it stays as it is, in text that has its own escapes already */
static void text_escape_bytes(bool backslash, const void *bytes, size_t len, char *out, size_t size)
{
	static const char dots[] = "...";
	const uint8_t *in = bytes;
	size_t at = 0, cut = 0;

	for (size_t i = 0; i < len; i++) {
		bool plain = text_byte_is_printable(in[i]) && (in[i] != '\\' || backslash);
		size_t need = plain ? 1 : 4;

		if (at + need >= size) {
			/* cut is the last end of a character that leaves room for the dots */
			snprintf(out + cut, size - cut, "%s", dots);
			return;
		}
		if (plain)
			out[at] = (char)in[i];
		else
			snprintf(out + at, size - at, "\\x%02x", in[i]);
		at += need;
		if (at + sizeof(dots) <= size)
			cut = at;
	}
	out[at] = '\0';
}

void text_escape(const void *bytes, size_t len, char *out, size_t size)
{
	text_escape_bytes(false, bytes, len, out, size);
}

void text_name(const X509_NAME *name, char *out, size_t size)
{
	BIO *bio _cleanup_(cleanup_BIO_free) = BIO_new(BIO_s_mem());
	char *bytes = NULL;
	long len;

	/* RFC 2253 escapes its separators, so that no value passes for two */
	if (!bio || X509_NAME_print_ex(bio, name, 0,
				       XN_FLAG_RFC2253 & ~(ASN1_STRFLGS_ESC_MSB |
							   ASN1_STRFLGS_ESC_CTRL)) < 0) {
		snprintf(out, size, "(unreadable)");
		return;
	}
	len = BIO_get_mem_data(bio, &bytes);
	if (len <= 0)
		snprintf(out, size, "(empty)");
	else
		text_escape_bytes(true, bytes, (size_t)len, out, size);
}

void text_time(int64_t seconds, char *out, size_t size)
{
	struct validity_date date;

	validity_date(seconds, &date);
	snprintf(out, size, "%04d-%02d-%02dT%02d:%02d:%02dZ", date.year, date.month, date.day,
		 date.second / 3600, date.second / 60 % 60, date.second % 60);
}

void text_hex(const uint8_t *bytes, size_t len, char *out, size_t size)
{
	out[0] = '\0';
	for (size_t i = 0; i < len && 2 * i + 2 < size; i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}
