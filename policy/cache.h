/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was found out about chains that were presented before, so that a peer that comes
 * again costs no signature checks, and one that comes for the first time none but its own. Facts
 * are kept, never verdicts: everything that depends on the connection is decided anew. For one
 * thread.
 */
#ifndef POLICY_CACHE_H
#define POLICY_CACHE_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/cleanup.h"

struct cache;
struct evidence;
struct facts;
struct rule;

enum {
	CACHE_KEY_LEN = 32,
	CACHE_CERTIFICATE_MAX = 16 * 1024, /* bytes; a chain with a larger one is not kept */
	CACHE_CERTIFICATES_MAX = 32, /* of a chain that is kept */
	CACHE_SIGNATURES_MAX = 128, /* of authorities' certificates */
};

/* SHA-256 over everything that facts depend on, but for our own certificates and the time */
struct cache_key {
	uint8_t sha256[CACHE_KEY_LEN];
};

struct cache_counts {
	uint64_t hits, misses, evictions;
	size_t entries, bytes;
};

/* An empty cache that keeps at most so many entries and bytes; NULL when out of memory. */
struct cache *cache_new(size_t entries_max, size_t bytes_max);

/* Frees a cache; NULL is allowed. */
void cache_free(struct cache *cache);
DEFINE_CLEANUP(struct cache *, cache_free);

/*
 * The key of a chain as presented, in this order, under a rule and a store that is not NULL.
 * False when it is not to be cached: too large, or out of memory.
 */
bool cache_key(struct cache *cache, const struct evidence *evidence, const struct rule *rule,
	       struct cache_key *out);

/*
 * What is known, as long as every date of it says at now what it said then (facts->path.window);
 * NULL: nothing. Borrowed until the next call with this cache. A generation other than
 * that of the call before empties the cache: two stores must not have the same one.
 */
const struct facts *cache_find(struct cache *cache, uint64_t generation,
			       const struct cache_key *key, int64_t now);

/*
 * Keeps a copy of facts found out now, of a path that holds or not, under the generation of the
 * last cache_find(); what was used longest ago makes room. It may not be kept, when there is no
 * memory or it is too large: that is no error.
 */
void cache_put(struct cache *cache, const struct cache_key *key, const struct facts *facts);

/*
 * Whether this certificate of an authority was seen to be signed by issuer's key, with
 * cache_keep_signature(). Compared is all that a signature check looks at, its bytes and the key's:
 * neither the time nor a store changes what is found. False also where that cannot be told.
 */
bool cache_has_signature(struct cache *cache, X509 *certificate, X509 *issuer);

/*
 * Keeps that, in place of the oldest. For paths that hold, so that nobody makes room here with
 * certificates of his own making: peers that come for the first time mostly have the same issuer.
 */
void cache_keep_signature(struct cache *cache, X509 *certificate, X509 *issuer);

/* What became of the questions so far, and how full it is. */
void cache_count(const struct cache *cache, struct cache_counts *out);

#endif
