/* SPDX-License-Identifier: Apache-2.0 */
/* What holds of certificates that were accepted, by other means than the policy's own. */
#ifndef TESTS_FUZZ_ACCEPTED_H
#define TESTS_FUZZ_ACCEPTED_H

#include "policy/facts.h"
#include "tests/fuzz/chain.h"

/* Ends the process unless libcrypto, and rules that ask less, say the same. */
void accepted_require(const struct chain *chain, const struct facts *facts);

#endif
