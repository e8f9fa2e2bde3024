/* SPDX-License-Identifier: Apache-2.0 */
/* A sign of life in memory that two processes share: one works, the other one looks. */
#ifndef USERSPACE_BEAT_H
#define USERSPACE_BEAT_H

#include <stdbool.h>
#include <stdint.h>

/* CLOCK_MONOTONIC in ns, of the last sign */
struct beat {
	uint64_t at;
};

void beat_give(struct beat *beat);

/* Whether there was one within the last ns. */
bool beat_is_fresh(const struct beat *beat, uint64_t ns);

#endif
