/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Test data that can be made again from any position on: what is lost, doubled or moved
 * shows at once, and with a seed for each connection so does what went to the wrong one.
 */
#ifndef TESTS_PEER_PATTERN_H
#define TESTS_PEER_PATTERN_H

#include <stdint.h>
#include <stddef.h>

/* pattern_fill - writes the @size bytes that stand at @offset in the stream of @seed */
void pattern_fill(uint32_t seed, uint64_t offset, unsigned char *data, size_t size);

#endif
