/* SPDX-License-Identifier: Apache-2.0 */
/* What a stretch of work took, of the whole machine and of each single operation. */
#ifndef TESTS_BENCH_CLOCK_H
#define TESTS_BENCH_CLOCK_H

#include <stddef.h>
#include <stdint.h>

struct clock {
	uint64_t wall; /* ns, as all of these */
	uint64_t busy; /* that all tasks of the machine ran */
	uint64_t own; /* of that, this process's: CPU time */
	uint64_t *each; /* of every operation, in turn */
	size_t count, room;
	uint64_t lap; /* when the operation began */
};

/*
 * clock_begin - waits until the machine has come to rest, then starts all of it. busy is the sum
 * over the processors in /proc/schedstat: to the nanosecond, without the idle task, and zero where
 * the kernel does not have that file. It has no part in wall.
 */
void clock_begin(struct clock *clock, size_t operations);

/* around each operation */
void clock_lap_begin(struct clock *clock);
void clock_lap_end(struct clock *clock);

/* clock_end - the same rest, which is counted as busy where others still worked, and not as wall */
void clock_end(struct clock *clock);

/* clock_percentile - of the operations, which get sorted; 0 where there are none */
uint64_t clock_percentile(struct clock *clock, unsigned int percent);

#endif
