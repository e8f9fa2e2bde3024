/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The six levels of received certificate checks: each adds checks to the one above it.
 */
#ifndef POLICY_LEVEL_H
#define POLICY_LEVEL_H

#include <stdbool.h>

#include "policy/check.h"

/* a zeroed rule has no level, and a rule without a level refuses everything */
enum level {
	LEVEL_UNSET,
	LEVEL_NONE,
	LEVEL_LOW,
	LEVEL_MEDIUM,
	LEVEL_HIGH,
	LEVEL_MEDIUM_REMOTE,
	LEVEL_HIGH_REMOTE,
	LEVEL_COUNT,
};

/* "none", "low", "medium", "high", "medium+remote", "high+remote"; NULL for anything else. */
const char *level_name(enum level level);

/* Finds a level by its name, exactly as level_name() writes it. 0, or -EINVAL. */
int level_parse(const char *name, enum level *out);

/* True for the two levels with remote checks. */
bool level_is_remote(enum level level);

/*
 * The checks of a level, CHECK_CERTIFICATE_PRESENT included. before_r11_1_3 gives
 * the meaning that Medium and High keep on a host upgraded from an older release:
 * without key usage, purpose and critical extensions. 0 for LEVEL_UNSET or a value
 * outside the enumeration, which policy_decide() refuses.
 */
check_set level_checks(enum level level, bool before_r11_1_3);

#endif
