// SPDX-License-Identifier: Apache-2.0
#include "tools/filter.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tools/question.h"
#include "userspace/config_prefix.h"
#include "userspace/endpoint.h"
#include "userspace/function.h"

static const char *const filter_keys[] = {
	[FILTER_LINE] = "line",		      [FILTER_FUNCTION] = "function",
	[FILTER_PEER] = "peer",		      [FILTER_FINGERPRINT] = "fingerprint",
	[FILTER_DELIVERY] = "delivery",	      [FILTER_DIRECTION] = "direction",
	[FILTER_REASON] = "reason",
};
_Static_assert(sizeof(filter_keys) / sizeof(filter_keys[0]) == FILTER_KEY_COUNT,
	       "every key has a name");

const char *filter_key_name(enum filter_key key)
{
	return key < FILTER_KEY_COUNT ? filter_keys[key] : NULL;
}

static int filter_refuse(char why[FILTER_WHY_LEN], const char *value, const char *what)
{
	snprintf(why, FILTER_WHY_LEN, "'%.64s' %s", value, what);
	return -EINVAL;
}

static int filter_set_peer(struct filter *filter, const char *value, char why[FILTER_WHY_LEN])
{
	char text[FILTER_WHY_LEN / 2];

	return config_prefix_parse(value, &filter->peer, text, sizeof(text)) ?
		       filter_refuse(why, value, text) :
		       0;
}

/* "AB:CD:..." as other tools write it, too */
static int filter_set_fingerprint(struct filter *filter, const char *value,
				  char why[FILTER_WHY_LEN])
{
	char text[LW_FINGERPRINT_LEN];
	const char *at;
	size_t len = 0;

	for (at = value; *at; at++) {
		if (*at == ':' && len)
			continue;
		if (!isxdigit((unsigned char)*at))
			return filter_refuse(why, value, "is no beginning of a SHA-256 in hexadecimal");
		if (len == sizeof(text) - 1)
			return filter_refuse(why, value, "is longer than a SHA-256: 64 digits");
		text[len++] = (char)tolower((unsigned char)*at);
	}
	if (!len)
		return filter_refuse(why, value, "is no beginning of a SHA-256 in hexadecimal");
	text[len] = '\0';
	strcpy(filter->fingerprint, text);
	return 0;
}

static int filter_check_word(enum filter_key key, const char *value, char why[FILTER_WHY_LEN])
{
	enum function function;

	switch (key) {
	case FILTER_LINE:
		/* a line that the configuration has no more may have sessions, and records */
		if (!*value || strlen(value) >= LW_NAME_LEN)
			return filter_refuse(why, value, "cannot be the name of a line");
		return 0;
	case FILTER_FUNCTION:
		if (function_parse(value, &function))
			return filter_refuse(why, value,
					     "is no function: admin, sip-line, sm-line, sip-phone "
					     "or ip-office-line");
		return 0;
	case FILTER_DELIVERY:
		if (strcmp(value, "adopt") && strcmp(value, "relay"))
			return filter_refuse(why, value, "is no delivery: adopt or relay");
		return 0;
	case FILTER_DIRECTION:
		if (strcmp(value, "inbound") && strcmp(value, "outbound"))
			return filter_refuse(why, value, "is no direction: inbound or outbound");
		return 0;
	case FILTER_REASON:
		return *value ? 0 : filter_refuse(why, value, "is no reason");
	case FILTER_PEER:
	case FILTER_FINGERPRINT:
	case FILTER_KEY_COUNT:
	default:
		return -EINVAL;
	}
}

int filter_set(struct filter *filter, enum filter_key key, const char *value,
	       char why[FILTER_WHY_LEN])
{
	int err;

	if (key == FILTER_PEER)
		err = filter_set_peer(filter, value, why);
	else if (key == FILTER_FINGERPRINT)
		err = filter_set_fingerprint(filter, value, why);
	else
		err = filter_check_word(key, value, why);
	if (!err)
		filter->words[key] = value;
	return err;
}

static bool filter_fits_peer(const struct config_prefix *prefix, const json_t *json)
{
	struct endpoint peer;

	return endpoint_parse(question_text(json, "peer"), &peer) == 0 &&
	       config_prefix_has(prefix, &peer);
}

/* a session's stands beside its other keys, a record's with its certificate */
static bool filter_fits_fingerprint(const char *beginning, const json_t *json)
{
	const json_t *certificate = json_object_get(json, "certificate");
	const char *text = question_text(certificate ? certificate : json, "sha256");

	return !strncmp(text, beginning, strlen(beginning));
}

/* a session's is a check's name, a record's a sentence, beside its checks */
static bool filter_fits_reason(const char *part, const json_t *json)
{
	const json_t *check;
	size_t i;

	if (strstr(question_text(json, "reason"), part))
		return true;
	json_array_foreach(json_object_get(json, "checks"), i, check)
		if (!strcmp(question_text(check, "outcome"), "failed") &&
		    !strcmp(question_text(check, "check"), part))
			return true;
	return false;
}

bool filter_fits(const struct filter *filter, const json_t *json)
{
	int key;

	for (key = 0; key < FILTER_KEY_COUNT; key++) {
		bool fits;

		if (!filter->words[key])
			continue;
		if (key == FILTER_PEER)
			fits = filter_fits_peer(&filter->peer, json);
		else if (key == FILTER_FINGERPRINT)
			fits = filter_fits_fingerprint(filter->fingerprint, json);
		else if (key == FILTER_REASON)
			fits = filter_fits_reason(filter->words[key], json);
		else
			fits = !strcmp(question_text(json, filter_keys[key]), filter->words[key]);
		if (!fits)
			return false;
	}
	return true;
}
