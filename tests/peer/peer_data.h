/* SPDX-License-Identifier: Apache-2.0 */
/* The peer's application data: through TLS, or plain when there is no handshake. */
#ifndef TESTS_PEER_PEER_DATA_H
#define TESTS_PEER_PEER_DATA_H

#include "tests/peer/peer_wire.h"

/* data_put - makes it ready to be sent by wire_move; 0, -EPROTO */
int data_put(struct peer *peer, const void *data, size_t size);

/**
 * data_get - waits for data, and first sends what is held back
 *
 * Returns how many bytes, 0 after a close_notify, -EPROTO, or as wire_move.
 */
int data_get(struct peer *peer, void *data, size_t size);

/**
 * data_failed - after something failed, finds out what the other side has to say
 *
 * Its alert may have come in before what made us fail, and after one it should end its TCP
 * connection: at most a second is given for that.
 */
void data_failed(struct peer *peer);

#endif
