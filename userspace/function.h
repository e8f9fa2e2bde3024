/* SPDX-License-Identifier: Apache-2.0 */
/* The functions that a line can have: their names, and what follows from each. */
#ifndef USERSPACE_FUNCTION_H
#define USERSPACE_FUNCTION_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/abi.h"
#include "policy/rule.h"

/**
 * function_name - the word that configuration, audit records and tools use
 * @function: any value, also one from a pinned map
 *
 * Returns a static string; "unknown" for a value that is no function.
 */
const char *function_name(enum function function);

/**
 * function_parse - the function of a name
 * @name: as function_name() gives it; other spellings are no function
 *
 * Returns 0, or -EINVAL and leaves *@function alone.
 */
int function_parse(const char *name, enum function *function);

/**
 * function_ask - whether peers of @function are asked for a certificate
 *
 * SIP lines, SM lines and IP Office lines need one; most phones have none, so that
 * they are asked but may go without; administration connections are not asked. A value
 * that is no function gives the strictest answer.
 */
enum certificate_ask function_ask(enum function function);

/**
 * function_is_sip - whether @function speaks SIP, so that the + Remote levels also
 * want the peer to be authoritative for a SIP domain (RFC 5922)
 */
bool function_is_sip(enum function function);

/**
 * function_connects - whether the PBX itself opens connections of @function: phones and
 * administrators only come to it
 */
bool function_connects(enum function function);

/* function_port - the usual TLS port of @function; 0 for a value that is no function */
uint16_t function_port(enum function function);

/* which of the two settings "Received certificate checks" is for a function */
enum function_setting {
	FUNCTION_SETTING_OWN, /* neither: a line has its own */
	FUNCTION_SETTING_MANAGEMENT, /* management interfaces */
	FUNCTION_SETTING_TELEPHONY, /* telephony endpoints */
	FUNCTION_SETTING_COUNT,
};

/* function_setting - which setting is in force where a line gives no level itself */
enum function_setting function_setting(enum function function);

/* function_setting_name - the setting's key in the configuration; NULL where there is none */
const char *function_setting_name(enum function_setting setting);

/* function_is_telephony - whether lines of @function show the telephony identity */
bool function_is_telephony(enum function function);

/**
 * function_allows - whether a line of @function may have @level: an IP Office line
 * has no + Remote variants, everything else has all six levels
 */
bool function_allows(enum function function, enum level level);

#endif
