/* SPDX-License-Identifier: Apache-2.0 */
/* Where an app listens. */
#ifndef USERSPACE_APP_ADDRESS_H
#define USERSPACE_APP_ADDRESS_H

#include <stdbool.h>

#include "userspace/endpoint.h"

/* :: is any address, and unless v6only any of IPv4 as well */
struct app_address {
	struct endpoint at;
	bool v6only;
};

/*
 * How well a listener fits an address that is dialled; the kernel takes the one that fits best:
 * net/ipv4/inet_hashtables.c, compute_score().
 */
enum app_fit {
	APP_FIT_NOT,
	APP_FIT_DUAL, /* any address of both families, for IPv4 */
	APP_FIT_ANY, /* any address of the family */
	APP_FIT_EXACT,
};

enum app_fit app_address_fit(const struct app_address *address, const struct endpoint *dialled);

bool app_address_equals(const struct app_address *a, const struct app_address *b);

#endif
