/* SPDX-License-Identifier: Apache-2.0 */
/* The head of an input of the target "ktls". */
#ifndef TESTS_FUZZ_KTLS_H
#define TESTS_FUZZ_KTLS_H

#include <stdint.h>

/* after it: records, each a length of two bytes, high byte first, and so many bytes */
struct ktls_head {
	uint8_t tls13; /* odd: TLS 1.3, else 1.2 */
	uint8_t client; /* odd: we are the client */
};

#endif
