// SPDX-License-Identifier: Apache-2.0
#include "userspace/bucket.h"

bool bucket_take(struct bucket *bucket, uint64_t now, uint64_t interval, unsigned int burst)
{
	uint64_t full_at = bucket->full_at > now ? bucket->full_at : now;

	/* Each token that was taken puts off the time at which all are back. */
	if (full_at - now > interval * (burst - 1))
		return false;
	bucket->full_at = full_at + interval;
	return true;
}
