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
	bool connects;
	uint16_t port;
	enum function_setting setting;
} functions[] = {
	/* a zeroed tag or map entry has no function: nothing may be done with it */
	[FUNCTION_NONE] = { NULL, ASK_REQUIRE, false, false, false, 0,
			    FUNCTION_SETTING_OWN },
	[FUNCTION_ADMIN] = { "admin", ASK_NONE, false, true, false, 443,
			     FUNCTION_SETTING_MANAGEMENT },
	[FUNCTION_SIP_LINE] = { "sip-line", ASK_REQUIRE, true, true, true, 5061,
				FUNCTION_SETTING_TELEPHONY },
	[FUNCTION_SM_LINE] = { "sm-line", ASK_REQUIRE, true, true, true, 5061,
			       FUNCTION_SETTING_TELEPHONY },
	[FUNCTION_SIP_PHONE] = { "sip-phone", ASK_REQUEST, true, true, false, 5061,
				 FUNCTION_SETTING_TELEPHONY },
	[FUNCTION_IP_OFFICE_LINE] = { "ip-office-line", ASK_REQUIRE, false, false, true, 443,
				      FUNCTION_SETTING_OWN },
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

bool function_connects(enum function function)
{
	return function_valid(function) && functions[function].connects;
}

uint16_t function_port(enum function function)
{
	return function_valid(function) ? functions[function].port : 0;
}

static const char *const function_settings[] = {
	[FUNCTION_SETTING_OWN] = NULL,
	[FUNCTION_SETTING_MANAGEMENT] = "management-interfaces",
	[FUNCTION_SETTING_TELEPHONY] = "telephony-endpoints",
};
_Static_assert(sizeof(function_settings) / sizeof(function_settings[0]) == FUNCTION_SETTING_COUNT,
	       "a name a setting");

enum function_setting function_setting(enum function function)
{
	return function_valid(function) ? functions[function].setting : FUNCTION_SETTING_OWN;
}

const char *function_setting_name(enum function_setting setting)
{
	return (unsigned int)setting < FUNCTION_SETTING_COUNT ? function_settings[setting] : NULL;
}

bool function_is_telephony(enum function function)
{
	return function_valid(function) && function != FUNCTION_ADMIN;
}

bool function_allows(enum function function, enum level level)
{
	if (!function_valid(function) || !level_name(level))
		return false;
	return !level_is_remote(level) || functions[function].remote_levels;
}
