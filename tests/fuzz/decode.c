// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/decode.h"

#include <errno.h>
#include <string.h>

#include "policy/punycode.h"
#include "tests/fuzz/target.h"

/* code points of a label; more cannot be in 63 octets */
struct decoded {
	uint32_t points[PUNYCODE_LABEL_MAX];
	size_t count;
};

/* RFC 3492 section 6.1 */
static uint32_t decode_adapt(uint32_t delta, uint32_t count, bool first)
{
	uint32_t k = 0;

	delta /= first ? 700 : 2;
	delta += delta / count;
	for (; delta > 455; k += 36)
		delta /= 35;
	return k + 36 * delta / (delta + 38);
}

/* one number of section 6.2; moves *at past it */
static uint32_t decode_delta(const char **at, uint32_t bias)
{
	uint32_t delta = 0, weight = 1;

	for (uint32_t k = 36;; k += 36) {
		uint32_t t = k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias;
		char c = *(*at)++;
		uint32_t digit = (uint32_t)(c >= 'a' ? c - 'a' : c - '0' + 26);

		REQUIRE((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'));
		delta += digit * weight;
		if (digit < t)
			return delta;
		weight *= 36 - t;
	}
}

/* RFC 3492 section 6.2, of what follows "xn--" */
static void decode_label(const char *text, struct decoded *out)
{
	const char *dash = strrchr(text, '-');
	uint32_t n = 128, at = 0, bias = 72;

	*out = (struct decoded){ 0 };
	for (; dash && text < dash; text++)
		out->points[out->count++] = (unsigned char)*text;
	if (dash)
		text++;
	for (bool first = true; *text; first = false) {
		uint32_t delta = decode_delta(&text, bias), count = (uint32_t)out->count + 1;

		REQUIRE(count <= PUNYCODE_LABEL_MAX);
		at += delta;
		n += at / count;
		at %= count;
		bias = decode_adapt(delta, count, first);
		memmove(&out->points[at + 1], &out->points[at],
			(out->count - at) * sizeof(out->points[0]));
		out->points[at++] = n;
		out->count++;
	}
}

/* RFC 3629; the number of bytes */
static size_t decode_put_utf8(uint32_t point, unsigned char out[4])
{
	if (point < 0x80) {
		out[0] = (unsigned char)point;
		return 1;
	}

	size_t more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;

	out[0] = (unsigned char)(0xff << (7 - more) | point >> 6 * more);
	for (size_t i = 1; i <= more; i++)
		out[i] = (unsigned char)(0x80 | (point >> 6 * (more - i) & 0x3f));
	return more + 1;
}

void decode_require_label(const char *utf8, size_t len)
{
	char label[PUNYCODE_LABEL_MAX + 1];
	int label_len = punycode_label(utf8, len, label);
	struct decoded decoded;

	if (label_len < 0) {
		REQUIRE(label_len == -EBADMSG);
		return;
	}
	REQUIRE(label_len <= PUNYCODE_LABEL_MAX && strlen(label) == (size_t)label_len);
	REQUIRE(strncmp(label, "xn--", 4) == 0);
	decode_label(label + 4, &decoded);
	for (size_t i = 0; i < decoded.count; i++) {
		unsigned char bytes[4];
		size_t n = decode_put_utf8(decoded.points[i], bytes);

		REQUIRE(n <= len);
		for (size_t j = 0; j < n; j++, len--) {
			char c = *utf8++;

			/* upper case is the one thing that is lost */
			if (c >= 'A' && c <= 'Z')
				c = (char)(c + 'a' - 'A');
			REQUIRE((unsigned char)c == bytes[j]);
		}
	}
	REQUIRE(!len);
}
