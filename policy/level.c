// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "policy/level.h"

static const char *const level_names[] = {
	[LEVEL_UNSET] = NULL,
	[LEVEL_NONE] = "none",
	[LEVEL_LOW] = "low",
	[LEVEL_MEDIUM] = "medium",
	[LEVEL_HIGH] = "high",
	[LEVEL_MEDIUM_REMOTE] = "medium+remote",
	[LEVEL_HIGH_REMOTE] = "high+remote",
};
_Static_assert(sizeof(level_names) / sizeof(level_names[0]) == LEVEL_COUNT, "a name a level");

/* what the R11.1.3 release added to Medium */
#define CHECKS_R11_1_3                                                                             \
	(CHECK_BIT(CHECK_KEY_USAGE) | CHECK_BIT(CHECK_PURPOSE) |                                   \
	 CHECK_BIT(CHECK_CRITICAL_EXTENSIONS))

#define CHECKS_NONE (CHECK_BIT(CHECK_CERTIFICATE_PRESENT) | CHECK_BIT(CHECK_IN_DATE))
#define CHECKS_LOW (CHECKS_NONE | CHECK_BIT(CHECK_KEY_1024))
#define CHECKS_MEDIUM (CHECKS_LOW | CHECK_BIT(CHECK_TRUST_CHAIN) | CHECKS_R11_1_3)
#define CHECKS_HIGH                                                                                \
	(CHECKS_MEDIUM | CHECK_BIT(CHECK_KEY_2048) | CHECK_BIT(CHECK_NOT_SELF_SIGNED) |            \
	 CHECK_BIT(CHECK_NOT_REFLECTED) | CHECK_BIT(CHECK_IN_STORE))
#define CHECKS_REMOTE (CHECK_BIT(CHECK_REMOTE_NAME) | CHECK_BIT(CHECK_SIP_DOMAIN))

static const check_set level_sets[] = {
	[LEVEL_UNSET] = 0,
	[LEVEL_NONE] = CHECKS_NONE,
	[LEVEL_LOW] = CHECKS_LOW,
	[LEVEL_MEDIUM] = CHECKS_MEDIUM,
	[LEVEL_HIGH] = CHECKS_HIGH,
	[LEVEL_MEDIUM_REMOTE] = CHECKS_MEDIUM | CHECKS_REMOTE,
	[LEVEL_HIGH_REMOTE] = CHECKS_HIGH | CHECKS_REMOTE,
};
_Static_assert(sizeof(level_sets) / sizeof(level_sets[0]) == LEVEL_COUNT, "a set a level");
_Static_assert((CHECKS_HIGH | CHECKS_REMOTE | CHECK_BIT(CHECK_NOT_DENIED)) == CHECK_ALL,
	       "the last level asks everything that is a level's");

const char *level_name(enum level level)
{
	return (unsigned int)level < LEVEL_COUNT ? level_names[level] : NULL;
}

int level_parse(const char *name, enum level *out)
{
	for (int i = LEVEL_NONE; i < LEVEL_COUNT; i++) {
		if (strcmp(level_names[i], name) == 0) {
			*out = i;
			return 0;
		}
	}
	return -EINVAL;
}

bool level_is_remote(enum level level)
{
	return level == LEVEL_MEDIUM_REMOTE || level == LEVEL_HIGH_REMOTE;
}

check_set level_checks(enum level level, bool before_r11_1_3)
{
	if ((unsigned int)level >= LEVEL_COUNT)
		return 0;
	return before_r11_1_3 ? level_sets[level] & ~CHECKS_R11_1_3 : level_sets[level];
}
