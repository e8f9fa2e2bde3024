/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that runs out inside libcrypto: one chosen allocation of it fails. */
#ifndef TESTS_FUZZ_SHORTAGE_H
#define TESTS_FUZZ_SHORTAGE_H

#include <stdbool.h>

/* The number-th allocation from now on fails, counted from 1. */
void shortage_begin(unsigned int number);

/* From now on none does. Whether one did. */
bool shortage_end(void);

#endif
