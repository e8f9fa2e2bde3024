/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that runs out inside libcrypto: one chosen allocation of it fails. */
#ifndef TESTS_FUZZ_SHORTAGE_H
#define TESTS_FUZZ_SHORTAGE_H

/* The number-th allocation from now on fails, counted from 1. */
void shortage_begin(unsigned int number);

/* From now on none does. */
void shortage_end(void);

#endif
