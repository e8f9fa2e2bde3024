/* SPDX-License-Identifier: Apache-2.0 */
/* An input of the target "chain": its head, and what is made of it. */
#ifndef TESTS_FUZZ_CHAIN_H
#define TESTS_FUZZ_CHAIN_H

#include <stdint.h>

#include "policy/verdict.h"

enum chain_own {
	CHAIN_OWN_NONE,
	CHAIN_OWN_SERVER, /* that of fixed.h */
	CHAIN_OWN_PEER, /* the very certificates of the peer */
	CHAIN_OWN_COUNT,
};

enum chain_resign {
	CHAIN_RESIGN_CHAIN = 1 << 0, /* with fixed_resign() */
	CHAIN_RESIGN_STAPLE = 1 << 1, /* by FIXED_INTERMEDIATE */
	CHAIN_RESIGN_RESPONDER = 1 << 2, /* by FIXED_RESPONDER in its place */
};

/* each byte is taken modulo what there is */
struct chain_head {
	uint8_t level; /* enum level, and one beyond */
	uint8_t peer; /* enum peer_role */
	uint8_t ask; /* enum certificate_ask */
	uint8_t sip; /* odd: a SIP line */
	uint8_t options; /* enum rule_option */
	uint8_t crl; /* enum rule_crl */
	uint8_t host, domain; /* of the names in chain.c; the last of each stands for all of them */
	uint8_t own; /* enum chain_own */
	uint8_t when; /* of the times in chain.c */
	uint8_t resign; /* enum chain_resign, or-ed: what follows is signed anew first */
	uint8_t lists; /* odd: the store has revocation lists */
	uint8_t window; /* odd: looked at again at the ends of the path's window */
	uint8_t cached; /* odd: looked at again with cached_require() */
	uint8_t staple[2]; /* so many bytes at the end are a stapled response; low byte first */
	uint8_t checks[2]; /* when not 0: these checks in place of the level's, low byte first */
	uint8_t shortage[2]; /* when not 0: once more, and this allocation of libcrypto fails */
};

struct chain {
	const struct chain_head *head;
	const struct store *store;
	struct rule rule;
	int64_t now;
	struct policy_bytes bytes; /* of the input, or of these: */
	char *chain;
	unsigned char *staple, *own;
};

/* Decides about a chain, under a rule of its own, and holds the verdict to its promises. */
void chain_check(const struct chain *chain, const struct rule *rule, int64_t now,
		 struct verdict *verdict, struct facts *facts);

#endif
