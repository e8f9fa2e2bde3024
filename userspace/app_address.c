// SPDX-License-Identifier: Apache-2.0
#include "userspace/app_address.h"

#include <stddef.h>
#include <string.h>

static bool app_address_is_any(const uint8_t *bytes, size_t len)
{
	while (len && !*bytes) {
		bytes++;
		len--;
	}
	return !len;
}

enum app_fit app_address_fit(const struct app_address *address, const struct endpoint *dialled)
{
	const struct endpoint *at = &address->at;

	if (at->port != dialled->port)
		return APP_FIT_NOT;
	if (!memcmp(at->addr, dialled->addr, sizeof(at->addr)))
		return APP_FIT_EXACT;
	if (!endpoint_is_ip4(dialled))
		return app_address_is_any(at->addr, 16) ? APP_FIT_ANY : APP_FIT_NOT;
	if (endpoint_is_ip4(at))
		return app_address_is_any(at->addr + 12, 4) ? APP_FIT_ANY : APP_FIT_NOT;
	return app_address_is_any(at->addr, 16) && !address->v6only ? APP_FIT_DUAL : APP_FIT_NOT;
}

bool app_address_equals(const struct app_address *a, const struct app_address *b)
{
	return a->at.port == b->at.port && a->v6only == b->v6only &&
	       !memcmp(a->at.addr, b->at.addr, sizeof(a->at.addr));
}
