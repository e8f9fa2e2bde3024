// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define REST_US 30000

static uint64_t clock_now(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* the seventh number of each "cpuN" line: ns that tasks ran on it */
static uint64_t clock_busy(void)
{
	FILE *file = fopen("/proc/schedstat", "re");
	unsigned long long ran;
	uint64_t sum = 0;
	char line[512];

	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "cpu%*d %*u %*u %*u %*u %*u %*u %llu", &ran) == 1)
			sum += ran;
	fclose(file);
	return sum;
}

void clock_begin(struct clock *clock, size_t operations)
{
	memset(clock, 0, sizeof(*clock));
	clock->room = operations;
	clock->each = calloc(operations ? operations : 1, sizeof(*clock->each));
	if (!clock->each)
		abort();
	usleep(REST_US);
	clock->busy = clock_busy();
	/* what has run is added at the next switch: the file's own cost is not of the work */
	usleep(1);
	clock->busy = clock_busy();
	clock->own = clock_now(CLOCK_PROCESS_CPUTIME_ID);
	clock->wall = clock_now(CLOCK_MONOTONIC);
}

void clock_lap_begin(struct clock *clock)
{
	clock->lap = clock_now(CLOCK_MONOTONIC);
}

void clock_lap_end(struct clock *clock)
{
	if (clock->count < clock->room)
		clock->each[clock->count++] = clock_now(CLOCK_MONOTONIC) - clock->lap;
}

void clock_end(struct clock *clock)
{
	clock->wall = clock_now(CLOCK_MONOTONIC) - clock->wall;
	clock->own = clock_now(CLOCK_PROCESS_CPUTIME_ID) - clock->own;
	usleep(REST_US);
	clock->busy = clock_busy() - clock->busy;
}

static int clock_compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

uint64_t clock_percentile(struct clock *clock, unsigned int percent)
{
	if (clock->count == 0)
		return 0;
	qsort(clock->each, clock->count, sizeof(*clock->each), clock_compare);
	return clock->each[(clock->count - 1) * percent / 100];
}
