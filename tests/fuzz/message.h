/* SPDX-License-Identifier: Apache-2.0 */
/* The head of an input of the target "message". */
#ifndef TESTS_FUZZ_MESSAGE_H
#define TESTS_FUZZ_MESSAGE_H

#include <stdint.h>

struct message_head {
	uint8_t fds; /* how many go with it, modulo one more than any message has, and one */
};

#endif
