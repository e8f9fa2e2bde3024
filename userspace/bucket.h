/* SPDX-License-Identifier: Apache-2.0 */
/* A rate limit: every event takes one token, and tokens come back with time. */
#ifndef USERSPACE_BUCKET_H
#define USERSPACE_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

struct bucket {
	uint64_t full_at; /* ns: when all tokens are back, if none is taken */
};

/*
 * Takes a token if there is one. now and interval in ns of one monotonic clock; the
 * bucket holds burst tokens (>= 1) and gains one each interval. A zeroed bucket is full.
 */
bool bucket_take(struct bucket *bucket, uint64_t now, uint64_t interval, unsigned int burst);

#endif
