// SPDX-License-Identifier: Apache-2.0
#include "userspace/function.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

static const struct {
	const char *name;
	enum certificate_ask ask;
	bool sip;
	bool remote_levels; /* has the + Remote variants */
} functions[] = {
	/* a zeroed tag or map entry has no function: nothing may be done with it */
	[FUNCTION_NONE] = { NULL, ASK_REQUIRE, false, false },
	[FUNCTION_ADMIN] = { "admin", ASK_NONE, false, true },
	[FUNCTION_SIP_LINE] = { "sip-line", ASK_REQUIRE, true, true },
	[FUNCTION_SM_LINE] = { "sm-line", ASK_REQUIRE, true, true },
	[FUNCTION_SIP_PHONE] = { "sip-phone", ASK_REQUEST, true, true },
	[FUNCTION_IP_OFFICE_LINE] = { "ip-office-line", ASK_REQUIRE, false, false },
};
_Static_assert(sizeof(functions) / sizeof(functions[0]) == FUNCTION_COUNT, "one row each");

static bool function_valid(enum function function)
{
	return function > FUNCTION_NONE && function < FUNCTION_COUNT;
}

const char *function_name(enum function function)
{
	return function_valid(function) ? functions[function].name : "unknown";
}

int function_parse(const char *name, enum function *function)
{
	for (enum function f = FUNCTION_NONE + 1; f < FUNCTION_COUNT; f++) {
		if (strcmp(functions[f].name, name) == 0) {
			*function = f;
			return 0;
		}
	}
	return -EINVAL;
}

enum certificate_ask function_ask(enum function function)
{
	return function_valid(function) ? functions[function].ask : ASK_REQUIRE;
}

bool function_is_sip(enum function function)
{
	return function_valid(function) && functions[function].sip;
}

bool function_allows(enum function function, enum level level)
{
	if (!function_valid(function) || !level_name(level))
		return false;
	return !level_is_remote(level) || functions[function].remote_levels;
}
