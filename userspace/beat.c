// SPDX-License-Identifier: Apache-2.0
#include "userspace/beat.h"

#include <time.h>

static uint64_t beat_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

void beat_give(struct beat *beat)
{
	__atomic_store_n(&beat->at, beat_now(), __ATOMIC_RELAXED);
}

bool beat_is_fresh(const struct beat *beat, uint64_t ns)
{
	/* the other process may have given it after this one read the clock */
	return __atomic_load_n(&beat->at, __ATOMIC_RELAXED) + ns >= beat_now();
}
