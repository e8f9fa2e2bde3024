// SPDX-License-Identifier: Apache-2.0
#include "userspace/session_store.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define STORE_WAYS 4 /* places that an id may be in */

struct session_slot {
	_Atomic uint32_t user; /* the worker that uses it, plus one; 0: nobody */
	_Atomic uint32_t len;
	int64_t until;
	uint8_t id_len;
	uint8_t id[SESSION_STORE_ID_MAX];
	uint8_t data[SESSION_STORE_DATA_MAX];
};

struct session_store {
	struct session_slot *slots;
	size_t count; /* a multiple of STORE_WAYS */
};

struct session_store *session_store_new(size_t sessions)
{
	struct session_store *store = calloc(1, sizeof(*store));

	if (!store)
		return NULL;
	store->count = (sessions + STORE_WAYS - 1) / STORE_WAYS * STORE_WAYS;
	store->slots = mmap(NULL, store->count * sizeof(*store->slots), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (store->slots == MAP_FAILED) {
		free(store);
		return NULL;
	}
	/* secrets: not in a core dump */
	madvise(store->slots, store->count * sizeof(*store->slots), MADV_DONTDUMP);
	return store;
}

/* Ids are random (OpenSSL draws them), so that any of their bytes serve as a hash. */
static struct session_slot *store_places(const struct session_store *store, const uint8_t *id,
					 size_t id_len)
{
	uint32_t hash = 0;

	memcpy(&hash, id, id_len < sizeof(hash) ? id_len : sizeof(hash));
	return &store->slots[hash % (store->count / STORE_WAYS) * STORE_WAYS];
}

static bool slot_take(struct session_slot *slot, uint32_t worker)
{
	uint32_t nobody = 0;

	return atomic_compare_exchange_strong(&slot->user, &nobody, worker + 1);
}

static void slot_give_back(struct session_slot *slot)
{
	atomic_store(&slot->user, 0);
}

/*
 * The length of what a slot has under an id; 0: another one, or nothing. It is read once: a
 * worker that was taken over writes what it likes, whoever is using the slot.
 */
static uint32_t slot_find(const struct session_slot *slot, const uint8_t *id, size_t id_len)
{
	uint32_t len = atomic_load(&slot->len);

	if (len > SESSION_STORE_DATA_MAX || slot->id_len != id_len || memcmp(slot->id, id, id_len))
		return 0;
	return len;
}

int session_store_put(struct session_store *store, uint32_t worker, const uint8_t *id,
		      size_t id_len, const void *data, size_t len, int64_t until)
{
	struct session_slot *places, *slot;
	int i;

	if (!id_len || id_len > SESSION_STORE_ID_MAX || !len || len > SESSION_STORE_DATA_MAX)
		return -EMSGSIZE;
	places = slot = store_places(store, id, id_len);
	/* the one that ends first makes room; an empty one has ended already */
	for (i = 1; i < STORE_WAYS; i++)
		if (places[i].until < slot->until)
			slot = &places[i];
	if (!slot_take(slot, worker))
		return -EBUSY;
	slot->until = until;
	slot->id_len = (uint8_t)id_len;
	memcpy(slot->id, id, id_len);
	memcpy(slot->data, data, len);
	slot->len = (uint32_t)len;
	slot_give_back(slot);
	return 0;
}

static void slot_clear(struct session_slot *slot)
{
	slot->until = 0;
	slot->len = 0;
	OPENSSL_cleanse(slot->data, sizeof(slot->data));
}

long session_store_get(struct session_store *store, uint32_t worker, const uint8_t *id,
		       size_t id_len, void *data, int64_t now)
{
	struct session_slot *slot;
	uint32_t len = 0;
	int i;

	if (!id_len || id_len > SESSION_STORE_ID_MAX)
		return -ENOENT;
	slot = store_places(store, id, id_len);
	for (i = 0; !len && i < STORE_WAYS; i++, slot++) {
		if (!slot_take(slot, worker))
			continue;
		len = slot_find(slot, id, id_len);
		if (len && slot->until <= now) {
			slot_clear(slot);
			len = 0;
		}
		memcpy(data, slot->data, len);
		slot_give_back(slot);
	}
	return len ? (long)len : -ENOENT;
}

void session_store_remove(struct session_store *store, uint32_t worker, const uint8_t *id,
			  size_t id_len)
{
	struct session_slot *slot;
	int i;

	if (!id_len || id_len > SESSION_STORE_ID_MAX)
		return;
	slot = store_places(store, id, id_len);
	for (i = 0; i < STORE_WAYS; i++, slot++) {
		if (!slot_take(slot, worker))
			continue;
		if (slot_find(slot, id, id_len))
			slot_clear(slot);
		slot_give_back(slot);
	}
}

void session_store_release(struct session_store *store, uint32_t worker)
{
	uint32_t user;
	size_t i;

	for (i = 0; i < store->count; i++) {
		user = worker + 1;
		if (atomic_load(&store->slots[i].user) != user)
			continue;
		/* half written, perhaps */
		slot_clear(&store->slots[i]);
		slot_give_back(&store->slots[i]);
	}
}

void session_store_free(struct session_store *store)
{
	size_t i;

	if (!store)
		return;
	for (i = 0; i < store->count; i++)
		if (store->slots[i].len)
			slot_clear(&store->slots[i]);
	munmap(store->slots, store->count * sizeof(*store->slots));
	free(store);
}
