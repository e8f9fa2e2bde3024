/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bounded, escaped text of things that a peer chose: nothing printed from it can move a
 * terminal's cursor or break a log line.
 */
#ifndef POLICY_TEXT_H
#define POLICY_TEXT_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	TEXT_NAME_MAX = 256, /* a distinguished name */
	TEXT_SERIAL_MAX = 48, /* 20 octets in hexadecimal and an end, rounded up */
	TEXT_TIME_MAX = 32, /* 2026-01-31T23:59:59Z, and room for years of any length */
	TEXT_SHA256_MAX = 65,
};

/*
 * Copies bytes as printable ASCII; anything else, and the backslash, becomes \xNN.
 * What does not fit is cut at a whole character and ends in "...". size > 0.
 */
void text_escape(const void *bytes, size_t len, char *out, size_t size);

/*
 * True when text ends within size and until then holds what text_escape() makes, printable ASCII:
 * for text that another process claims to have escaped. A char array gives both itself.
 */
bool text_is_printable(const char *text, size_t size);

/* A distinguished name as RFC 2253 text, escaped; "(empty)" when it has no part. */
void text_name(const X509_NAME *name, char *out, size_t size);

/* A time as RFC 3339 text in UTC. */
void text_time(int64_t seconds, char *out, size_t size);

/* Lower-case hexadecimal; size >= 2 * len + 1. */
void text_hex(const uint8_t *bytes, size_t len, char *out, size_t size);

#endif
