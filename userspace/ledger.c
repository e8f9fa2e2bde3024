// SPDX-License-Identifier: Apache-2.0
#include "userspace/ledger.h"

#include <stddef.h>
#include <sys/mman.h>
#include <time.h>

struct ledger *ledger_new(void)
{
	void *at = mmap(NULL, sizeof(struct ledger), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

void ledger_free(struct ledger *ledger)
{
	if (ledger)
		munmap(ledger, sizeof(*ledger));
}

union notify *ledger_free_call(struct ledger *ledger)
{
	size_t i;

	for (i = 0; i < LEDGER_CALLS; i++)
		if (!ledger->calls[i].call.id)
			return &ledger->calls[i];
	return NULL;
}

void ledger_note(struct ledger *ledger, uint64_t cookie, const union notify *call)
{
	uint32_t at = ledger->given_next++ % LEDGER_GIVEN;

	ledger->given[at].call = call->call.id;
	ledger->given[at].cookie = cookie;
}

bool ledger_was_given(const struct ledger *ledger, int notify_fd, uint64_t cookie)
{
	union notify call = { 0 };
	size_t i;

	for (i = 0; i < LEDGER_GIVEN; i++) {
		if (ledger->given[i].cookie != cookie)
			continue;
		call.call.id = ledger->given[i].call;
		return !notify_is_valid(notify_fd, &call);
	}
	return false;
}

static uint64_t ledger_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

void ledger_beat(struct ledger *ledger)
{
	__atomic_store_n(&ledger->beat, ledger_now(), __ATOMIC_RELAXED);
}

bool ledger_beats(const struct ledger *ledger, uint64_t ns)
{
	return ledger_now() - __atomic_load_n(&ledger->beat, __ATOMIC_RELAXED) <= ns;
}
