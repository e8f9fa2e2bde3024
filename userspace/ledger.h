/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an adopter knows and has in hand, in memory that outlives it: where its app listens, calls that it took from the kernel and
 * has not answered, which nobody can take again, and the clients that it gave to the app.
 */
#ifndef USERSPACE_LEDGER_H
#define USERSPACE_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "userspace/app_address.h"
#include "userspace/beat.h"
#include "userspace/inherit.h"
#include "userspace/notify.h"

enum { LEDGER_CALLS = 1024, LEDGER_GIVEN = 1024, LEDGER_LISTENERS = 256 };

struct ledger {
	struct beat beat; /* the adopter's */
	uint32_t given_next;
	struct {
		uint64_t cookie; /* of the client's socket; 0: none */
		uint64_t call; /* id of the call that it was the answer to */
	} given[LEDGER_GIVEN];
	union notify calls[LEDGER_CALLS]; /* id 0: free */
	uint32_t listener_count;
	struct app_address listeners[LEDGER_LISTENERS]; /* where the app is known to listen */
	struct inherit_options usual[2]; /* of clients, for inherit_give() */
};

/* A new one, as a file without a name. Its descriptor; -errno of memfd_create(). */
int ledger_create(void);

/* The ledger of a descriptor, which is not needed any more. -EINVAL: it is none; -errno of mmap(). */
int ledger_map(int fd, struct ledger **out);
void ledger_unmap(struct ledger *ledger);

/* A call that is free; NULL: none. */
union notify *ledger_free_call(struct ledger *ledger);

/* To be said right before the client is given, and what is to be undone where it is not. */
void ledger_note(struct ledger *ledger, uint64_t cookie, const union notify *call);
void ledger_strike(struct ledger *ledger, uint64_t cookie);

/*
 * Before anything else is answered by the next adopter: what was noted for a call that still waits
 * was not given.
 */
void ledger_settle(struct ledger *ledger, int notify_fd);

/* True where it was noted, and was not one of the last that were struck out or settled. */
bool ledger_was_given(const struct ledger *ledger, uint64_t cookie);

#endif
