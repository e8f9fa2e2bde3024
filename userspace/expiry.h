/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates of this host whose end is near: its identities, their chains, the trust store. */
#ifndef USERSPACE_EXPIRY_H
#define USERSPACE_EXPIRY_H

#include <stddef.h>
#include <stdint.h>

#include "policy/text.h"
#include "userspace/config.h"

enum { EXPIRY_MAX = 64 }; /* what is beyond is counted alone */

struct expiry_item {
	char what[32]; /* "identity certificate", "telephony identity chain", "trust store" … */
	char subject[TEXT_NAME_MAX];
	char file[TEXT_NAME_MAX]; /* of the store, escaped; else empty */
	int64_t not_after; /* seconds since the epoch */
	int64_t days; /* whole ones that are left; negative: it is over */
};

struct expiry {
	struct expiry_item items[EXPIRY_MAX];
	size_t count; /* items that are filled in */
	size_t total; /* certificates that were found, whether or not there was room */
};

/**
 * expiry_find - certificates that are over, or end within the configuration's expiry-warning
 * @now: seconds since the epoch; what has a last second left is not over
 *
 * A certificate whose dates cannot be read is left out: the trust report names it.
 */
void expiry_find(const struct config *config, int64_t now, struct expiry *out);

/* expiry_describe - "trust store: ca.pem: ends in 12 days: CN=ca" */
void expiry_describe(const struct expiry_item *item, char *out, size_t size);

#endif
