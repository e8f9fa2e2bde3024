/* SPDX-License-Identifier: Apache-2.0 */
/* What is remembered of a chain must never decide otherwise than what is found out anew. */
#ifndef TESTS_FUZZ_CACHED_H
#define TESTS_FUZZ_CACHED_H

#include "tests/fuzz/chain.h"

/*
 * Decides about the chain under its rule and others like it, all with one cache, and ends the
 * process where a verdict without the cache is another. Nothing is done with what cannot be read.
 */
void cached_require(const struct chain *chain);

#endif
