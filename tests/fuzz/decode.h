/* SPDX-License-Identifier: Apache-2.0 */
/* The way back from an A-label, which the policy itself never goes. */
#ifndef TESTS_FUZZ_DECODE_H
#define TESTS_FUZZ_DECODE_H

#include <stddef.h>

/*
 * Ends the process unless punycode_label() either refuses the bytes or gives an A-label that
 * decodes to them.
 */
void decode_require_label(const char *utf8, size_t len);

#endif
