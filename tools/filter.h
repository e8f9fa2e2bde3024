/* SPDX-License-Identifier: Apache-2.0 */
/* Which sessions, or audit records, an operator wants to see: those that fit all that was said. */
#ifndef TOOLS_FILTER_H
#define TOOLS_FILTER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "bpf/abi.h"
#include "userspace/config.h"

enum filter_key {
	FILTER_LINE,
	FILTER_FUNCTION,
	FILTER_PEER,
	FILTER_FINGERPRINT,
	FILTER_DELIVERY,
	FILTER_DIRECTION,
	FILTER_REASON, /* a part of it, or the name of a check that failed */
	FILTER_KEY_COUNT,
};

enum { FILTER_WHY_LEN = 256 };

/* Zeroed: everything fits. */
struct filter {
	const char *words[FILTER_KEY_COUNT]; /* compared as they are; NULL: any */
	struct config_prefix peer; /* where words has one */
	char fingerprint[LW_FINGERPRINT_LEN]; /* its beginning, in small letters; empty: any */
};

/* "line" and so on, as options have them; NULL outside the enumeration. */
const char *filter_key_name(enum filter_key key);

/*
 * Takes a condition in; a second one of a key takes the first one's place. The value has to outlive
 * the filter. -EINVAL, and why names what is wrong with the value.
 */
int filter_set(struct filter *filter, enum filter_key key, const char *value,
	       char why[FILTER_WHY_LEN]);

/*
 * Whether a session of the daemon's answer, or an audit record, fits. What has nothing under a key
 * does not fit a condition of that key.
 */
bool filter_fits(const struct filter *filter, const json_t *json);

#endif
