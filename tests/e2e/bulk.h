/* SPDX-License-Identifier: Apache-2.0 */
/* Much data of a client, in writes of a width. */
#ifndef TESTS_E2E_BULK_H
#define TESTS_E2E_BULK_H

#include "tests/peer/peer.h"

enum { BULK_BURST = 1 << 20 }; /* as a width: many records at once, as far as there are so many */

/* bulk_send - checks */
void bulk_send(struct peer *peer, int size, int width);

#endif
