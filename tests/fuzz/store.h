/* SPDX-License-Identifier: Apache-2.0 */
/* The head of an input of the target "store". */
#ifndef TESTS_FUZZ_STORE_H
#define TESTS_FUZZ_STORE_H

#include <stdint.h>

struct store_head {
	uint8_t resign; /* odd: what follows is signed anew first, with fixed_resign() */
	uint8_t filled; /* odd: the store has the certificates of fixed.h already */
	uint8_t level; /* of the check, modulo what there is */
	uint8_t crl; /* enum rule_crl, the same */
};

#endif
