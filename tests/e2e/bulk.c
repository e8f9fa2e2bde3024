// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/bulk.h"

#include "tests/harness.h"

void bulk_send(struct peer *peer, int size, int width)
{
	for (; width == BULK_BURST && size > 0; size -= BULK_BURST) {
		ASSERT_OK(peer_step(peer, "hold"));
		ASSERT_OK(peer_step(peer, "send:%d", size < BULK_BURST ? size : BULK_BURST));
		ASSERT_OK(peer_step(peer, "flush"));
	}
	if (size > 0)
		ASSERT_OK(peer_step(peer, "send:%d:%d", size, width));
}
