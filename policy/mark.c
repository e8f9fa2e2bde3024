// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/mark.h"

enum { MARK_SET_ROOM = 64 }; /* of the first marks; a power of two */

/* 0 is no mark: whoever has it shares that of another */
static uint64_t mark_of(uint64_t number)
{
	return number ? number : 1;
}

int mark_name(const X509_NAME *name, uint64_t *out)
{
	int done = 0;
	unsigned long hash = X509_NAME_hash_ex(name, NULL, NULL, &done);

	*out = mark_of(hash);
	return done ? 0 : -ENOMEM;
}

uint64_t mark_fingerprint(const uint8_t sha256[32])
{
	uint64_t number;

	memcpy(&number, sha256, sizeof(number));
	return mark_of(number);
}

int mark_certificate(X509 *certificate, uint64_t *out)
{
	uint8_t sha256[32];

	if (X509_digest(certificate, EVP_sha256(), sha256, NULL) != 1)
		return -ENOMEM;
	*out = mark_fingerprint(sha256);
	return 0;
}

/* where a mark is, or would be; there is always a free slot */
static uint64_t *mark_set_slot(const struct mark_set *set, uint64_t mark)
{
	size_t at = (size_t)(mark ^ mark >> 32) & (set->room - 1);

	while (set->slots[at] && set->slots[at] != mark)
		at = (at + 1) & (set->room - 1);
	return &set->slots[at];
}

static int mark_set_grow(struct mark_set *set)
{
	struct mark_set more = { .room = set->room ? 2 * set->room : MARK_SET_ROOM };

	more.slots = calloc(more.room, sizeof(*more.slots));
	if (!more.slots)
		return -ENOMEM;
	for (size_t i = 0; i < set->room; i++) {
		if (set->slots[i])
			*mark_set_slot(&more, set->slots[i]) = set->slots[i];
	}
	more.count = set->count;
	free(set->slots);
	*set = more;
	return 0;
}

int mark_set_add(struct mark_set *set, uint64_t mark)
{
	/* half of it free at least: searches stay short, and end */
	if (2 * (set->count + 1) > set->room && mark_set_grow(set) < 0)
		return -ENOMEM;

	uint64_t *slot = mark_set_slot(set, mark);

	set->count += !*slot;
	*slot = mark;
	return 0;
}

bool mark_set_has(const struct mark_set *set, uint64_t mark)
{
	return set->count && *mark_set_slot(set, mark) == mark;
}

void mark_set_release(struct mark_set *set)
{
	free(set->slots);
	*set = (struct mark_set){ 0 };
}
