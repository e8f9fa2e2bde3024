// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "policy/punycode.h"

/* RFC 3492 section 5 */
enum {
	PUNYCODE_BASE = 36,
	PUNYCODE_TMIN = 1,
	PUNYCODE_TMAX = 26,
	PUNYCODE_SKEW = 38,
	PUNYCODE_DAMP = 700,
	PUNYCODE_INITIAL_BIAS = 72,
	PUNYCODE_INITIAL_N = 128,
};

/* Reads one code point; the bytes that it takes, or 0 for what is not UTF-8 (RFC 3629). */
static size_t punycode_utf8(const unsigned char *in, size_t len, uint32_t *out)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t need = in[0] < 0x80 ? 1 : in[0] >> 5 == 6 ? 2 : in[0] >> 4 == 14 ? 3 : 4;

	if (need > len || (need == 4 && in[0] >> 3 != 30))
		return 0;
	*out = need == 1 ? in[0] : in[0] & (0x7fU >> need);
	for (size_t i = 1; i < need; i++) {
		if (in[i] >> 6 != 2)
			return 0;
		*out = *out << 6 | (in[i] & 0x3f);
	}
	if (*out < least[need] || *out > 0x10ffff || (*out >= 0xd800 && *out < 0xe000))
		return 0;
	return need;
}

/* RFC 3492 section 6.1 */
static uint32_t punycode_adapt(uint32_t delta, uint32_t points, int first)
{
	uint32_t k = 0;

	delta = first ? delta / PUNYCODE_DAMP : delta / 2;
	delta += delta / points;
	for (; delta > (PUNYCODE_BASE - PUNYCODE_TMIN) * PUNYCODE_TMAX / 2; k += PUNYCODE_BASE)
		delta /= PUNYCODE_BASE - PUNYCODE_TMIN;
	return k + (PUNYCODE_BASE - PUNYCODE_TMIN + 1) * delta / (delta + PUNYCODE_SKEW);
}

struct punycode_out {
	char *text;
	size_t len;
};

static int punycode_put(struct punycode_out *out, char c)
{
	if (out->len == PUNYCODE_LABEL_MAX)
		return -EBADMSG;
	out->text[out->len++] = c;
	out->text[out->len] = '\0';
	return 0;
}

/* one delta as a generalized variable-length integer (RFC 3492 section 3.3) */
static int punycode_put_delta(struct punycode_out *out, uint32_t delta, uint32_t bias)
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz0123456789";

	for (uint32_t k = PUNYCODE_BASE;; k += PUNYCODE_BASE) {
		uint32_t t = k <= bias		       ? PUNYCODE_TMIN :
			     k >= bias + PUNYCODE_TMAX ? PUNYCODE_TMAX :
							 k - bias;

		if (delta < t)
			return punycode_put(out, digits[delta]);
		if (punycode_put(out, digits[t + (delta - t) % (PUNYCODE_BASE - t)]) < 0)
			return -EBADMSG;
		delta = (delta - t) / (PUNYCODE_BASE - t);
	}
}

/* RFC 3492 section 6.3; so few code points cannot overflow 32 bits: 63 * 0x10ffff */
static int punycode_encode(const uint32_t *points, uint32_t count, struct punycode_out *out)
{
	uint32_t n = PUNYCODE_INITIAL_N, delta = 0, bias = PUNYCODE_INITIAL_BIAS;
	uint32_t basic = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (points[i] >= 0x80)
			continue;
		basic++;
		if (punycode_put(out, (char)points[i]) < 0)
			return -EBADMSG;
	}
	if (basic && punycode_put(out, '-') < 0)
		return -EBADMSG;

	for (uint32_t done = basic; done < count; delta++, n++) {
		uint32_t next = UINT32_MAX;

		for (uint32_t i = 0; i < count; i++) {
			if (points[i] >= n && points[i] < next)
				next = points[i];
		}
		delta += (next - n) * (done + 1);
		n = next;
		for (uint32_t i = 0; i < count; i++) {
			if (points[i] < n)
				delta++;
			if (points[i] != n)
				continue;
			if (punycode_put_delta(out, delta, bias) < 0)
				return -EBADMSG;
			bias = punycode_adapt(delta, done + 1, done == basic);
			delta = 0;
			done++;
		}
	}
	return 0;
}

int punycode_label(const char *utf8, size_t len, char out[PUNYCODE_LABEL_MAX + 1])
{
	const unsigned char *in = (const unsigned char *)utf8;
	uint32_t points[PUNYCODE_LABEL_MAX], count = 0;
	struct punycode_out to = { .text = out, .len = 4 };

	while (len) {
		if (count == PUNYCODE_LABEL_MAX)
			return -EBADMSG;

		size_t took = punycode_utf8(in, len, &points[count]);

		if (!took)
			return -EBADMSG;
		if (points[count] >= 'A' && points[count] <= 'Z')
			points[count] += 'a' - 'A';
		count++;
		in += took;
		len -= took;
	}
	memcpy(out, "xn--", sizeof("xn--"));
	if (punycode_encode(points, count, &to) < 0)
		return -EBADMSG;
	return (int)to.len;
}
