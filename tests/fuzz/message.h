/* SPDX-License-Identifier: Apache-2.0 */
/* The head of an input of the target "message". */
#ifndef TESTS_FUZZ_MESSAGE_H
#define TESTS_FUZZ_MESSAGE_H

#include <stdint.h>

struct message_head {
	uint8_t fds; /* descriptors that go with it, modulo 4: one more than any message has */
};

#endif
