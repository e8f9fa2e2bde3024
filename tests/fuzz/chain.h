/* SPDX-License-Identifier: Apache-2.0 */
/* The head of an input of the target "chain"; each byte is taken modulo what there is. */
#ifndef TESTS_FUZZ_CHAIN_H
#define TESTS_FUZZ_CHAIN_H

#include <stdint.h>

enum chain_own {
	CHAIN_OWN_NONE,
	CHAIN_OWN_SERVER, /* that of fixed.h */
	CHAIN_OWN_PEER, /* the very certificates of the peer */
	CHAIN_OWN_COUNT,
};

struct chain_head {
	uint8_t level; /* enum level, and one beyond */
	uint8_t peer; /* enum peer_role */
	uint8_t ask; /* enum certificate_ask */
	uint8_t sip; /* odd: a SIP line */
	uint8_t options; /* enum rule_option */
	uint8_t host, domain; /* of the names in chain.c; the last of each stands for all of them */
	uint8_t own; /* enum chain_own */
	uint8_t when; /* of the times in chain.c */
	uint8_t resign; /* odd: what follows is signed anew first, with fixed_resign() */
	uint8_t checks[2]; /* when not 0: these checks in place of the level's, low byte first */
	uint8_t shortage[2]; /* when not 0: once more, and this allocation of libcrypto fails */
};

#endif
