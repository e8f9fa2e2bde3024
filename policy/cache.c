// SPDX-License-Identifier: Apache-2.0
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "policy/cache.h"
#include "policy/evidence.h"
#include "policy/facts.h"
#include "policy/rule.h"
#include "policy/store.h"

enum { CACHE_BUCKETS = 256 };

struct cache_entry {
	TAILQ_ENTRY(cache_entry) recent;
	LIST_ENTRY(cache_entry) bucket;
	struct cache_key key;
	size_t bytes;
	struct facts facts;
};

struct cache {
	uint64_t generation;
	size_t entries_max, bytes_max;
	struct cache_counts counts;
	TAILQ_HEAD(cache_recent, cache_entry) recent; /* used last: first */
	LIST_HEAD(cache_bucket, cache_entry) buckets[CACHE_BUCKETS];
	EVP_MD *sha256; /* fetched once: finding it anew takes as long as using it */
	EVP_MD_CTX *digest;
	uint8_t der[CACHE_CERTIFICATE_MAX];
	struct cache_key signatures[CACHE_SIGNATURES_MAX];
	size_t signature_count, signature_next; /* the one that is the next to go */
};

struct cache *cache_new(size_t entries_max, size_t bytes_max)
{
	struct cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return NULL;
	cache->entries_max = entries_max;
	cache->bytes_max = bytes_max;
	TAILQ_INIT(&cache->recent);
	cache->sha256 = EVP_MD_fetch(NULL, "SHA2-256", NULL);
	cache->digest = EVP_MD_CTX_new();
	if (cache->sha256 && cache->digest)
		return cache;
	cache_free(cache);
	return NULL;
}

static void cache_drop(struct cache *cache, struct cache_entry *entry)
{
	TAILQ_REMOVE(&cache->recent, entry, recent);
	LIST_REMOVE(entry, bucket);
	cache->counts.entries--;
	cache->counts.bytes -= entry->bytes;
	facts_release(&entry->facts);
	free(entry);
}

static void cache_empty(struct cache *cache)
{
	while (!TAILQ_EMPTY(&cache->recent))
		cache_drop(cache, TAILQ_FIRST(&cache->recent));
}

void cache_free(struct cache *cache)
{
	if (!cache)
		return;
	cache_empty(cache);
	EVP_MD_free(cache->sha256);
	EVP_MD_CTX_free(cache->digest);
	free(cache);
}

/* each part with its length before it: no two lists of parts give the same bytes */
static bool cache_hash(struct cache *cache, const void *bytes, size_t len)
{
	uint64_t prefix = len;

	return EVP_DigestUpdate(cache->digest, &prefix, sizeof(prefix)) == 1 &&
	       (!len || EVP_DigestUpdate(cache->digest, bytes, len) == 1);
}

static bool cache_hash_certificate(struct cache *cache, X509 *certificate)
{
	unsigned char *at = cache->der;
	int len = i2d_X509(certificate, NULL);

	return len > 0 && len <= CACHE_CERTIFICATE_MAX && i2d_X509(certificate, &at) == len &&
	       cache_hash(cache, cache->der, (size_t)len);
}

/* what guides the search for a path, besides the chain and the time */
static bool cache_hash_guide(struct cache *cache, const struct evidence *evidence,
			     const struct rule *rule)
{
	const check_set guiding = CHECK_BIT(CHECK_PURPOSE) | CHECK_BIT(CHECK_TRUST_CHAIN);
	const uint64_t guide[] = {
		store_generation(evidence->store), rule->peer, rule->sip, rule->options,
		rule_revocation(rule),		   rule_checks(rule) & guiding,
	};

	return cache_hash(cache, guide, sizeof(guide)) &&
	       cache_hash(cache, evidence->staple.bytes, evidence->staple.len);
}

bool cache_key(struct cache *cache, const struct evidence *evidence, const struct rule *rule,
	       struct cache_key *out)
{
	int count = sk_X509_num(evidence->untrusted);

	if (count > CACHE_CERTIFICATES_MAX || evidence->staple.len > STAPLE_BYTES_MAX)
		return false;
	if (EVP_DigestInit_ex(cache->digest, cache->sha256, NULL) != 1 ||
	    !cache_hash_guide(cache, evidence, rule) ||
	    !cache_hash_certificate(cache, evidence->leaf))
		return false;
	for (int i = 0; i < count; i++) {
		X509 *certificate = sk_X509_value(evidence->untrusted, i);

		/* libssl's stack holds the peer's own too: no path has it twice */
		if (certificate != evidence->leaf && !cache_hash_certificate(cache, certificate))
			return false;
	}
	return EVP_DigestFinal_ex(cache->digest, out->sha256, NULL) == 1;
}

static struct cache_entry *cache_lookup(const struct cache *cache, const struct cache_key *key)
{
	struct cache_entry *entry;

	LIST_FOREACH(entry, &cache->buckets[key->sha256[0]], bucket) {
		if (memcmp(&entry->key, key, sizeof(*key)) == 0)
			return entry;
	}
	return NULL;
}

static bool cache_holds(const struct cache_entry *entry, int64_t now)
{
	const struct validity_window *window = &entry->facts.path.window;

	return window->from <= now && now <= window->until;
}

const struct facts *cache_find(struct cache *cache, uint64_t generation,
			       const struct cache_key *key, int64_t now)
{
	if (cache->generation != generation)
		cache_empty(cache);
	cache->generation = generation;

	struct cache_entry *entry = cache_lookup(cache, key);

	if (entry && !cache_holds(entry, now)) {
		cache_drop(cache, entry);
		entry = NULL;
	}
	if (!entry) {
		cache->counts.misses++;
		return NULL;
	}
	cache->counts.hits++;
	TAILQ_REMOVE(&cache->recent, entry, recent);
	TAILQ_INSERT_HEAD(&cache->recent, entry, recent);
	return &entry->facts;
}

/* false when one of these bytes would never fit */
static bool cache_make_room(struct cache *cache, size_t bytes)
{
	if (!cache->entries_max || bytes > cache->bytes_max)
		return false;
	while (cache->counts.entries >= cache->entries_max ||
	       cache->counts.bytes > cache->bytes_max - bytes) {
		cache_drop(cache, TAILQ_LAST(&cache->recent, cache_recent));
		cache->counts.evictions++;
	}
	return true;
}

void cache_put(struct cache *cache, const struct cache_key *key, const struct facts *facts)
{
	struct cache_entry *entry = cache_lookup(cache, key);
	size_t bytes = sizeof(*entry) + san_size(&facts->san);

	if (entry)
		cache_drop(cache, entry);
	if (!cache_make_room(cache, bytes))
		return;
	entry = calloc(1, sizeof(*entry));
	if (!entry || facts_copy(facts, &entry->facts) < 0) {
		free(entry);
		return;
	}
	entry->key = *key;
	entry->bytes = bytes;
	cache->counts.entries++;
	cache->counts.bytes += bytes;
	TAILQ_INSERT_HEAD(&cache->recent, entry, recent);
	LIST_INSERT_HEAD(&cache->buckets[key->sha256[0]], entry, bucket);
}

/* the certificate, its signature in it, and the key: nothing else is in a signature check */
static bool cache_signature_key(struct cache *cache, X509 *certificate, X509 *issuer,
				struct cache_key *out)
{
	const X509_PUBKEY *key = X509_get_X509_PUBKEY(issuer);
	unsigned char *at = cache->der;
	int len = i2d_X509_PUBKEY(key, NULL);

	if (!(X509_get_extension_flags(certificate) & EXFLAG_CA) || len <= 0 ||
	    len > CACHE_CERTIFICATE_MAX || i2d_X509_PUBKEY(key, &at) != len)
		return false;
	return EVP_DigestInit_ex(cache->digest, cache->sha256, NULL) == 1 &&
	       cache_hash(cache, cache->der, (size_t)len) &&
	       cache_hash_certificate(cache, certificate) &&
	       EVP_DigestFinal_ex(cache->digest, out->sha256, NULL) == 1;
}

static bool cache_find_signature(const struct cache *cache, const struct cache_key *key)
{
	for (size_t i = 0; i < cache->signature_count; i++) {
		if (memcmp(&cache->signatures[i], key, sizeof(*key)) == 0)
			return true;
	}
	return false;
}

bool cache_has_signature(struct cache *cache, X509 *certificate, X509 *issuer)
{
	struct cache_key key;

	return cache_signature_key(cache, certificate, issuer, &key) &&
	       cache_find_signature(cache, &key);
}

void cache_keep_signature(struct cache *cache, X509 *certificate, X509 *issuer)
{
	struct cache_key key;

	if (!cache_signature_key(cache, certificate, issuer, &key) ||
	    cache_find_signature(cache, &key))
		return;
	cache->signatures[cache->signature_next] = key;
	cache->signature_next = (cache->signature_next + 1) % CACHE_SIGNATURES_MAX;
	if (cache->signature_count < CACHE_SIGNATURES_MAX)
		cache->signature_count++;
}

void cache_count(const struct cache *cache, struct cache_counts *out)
{
	*out = cache->counts;
}
