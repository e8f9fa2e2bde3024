/* SPDX-License-Identifier: Apache-2.0 */
/* What holds of every verdict, whatever was decided and whatever the peer sent. */
#ifndef TESTS_FUZZ_OUTCOME_H
#define TESTS_FUZZ_OUTCOME_H

#include "policy/verdict.h"

/* What is true even of a verdict that memory ran out for. */
void outcome_require_texts(const struct verdict *verdict);

/* Ends the process unless policy_check_bytes() kept its promises; err is what it returned. */
void outcome_require(int err, const struct rule *rule, int64_t now, const struct verdict *verdict,
		     const struct facts *facts);

#endif
