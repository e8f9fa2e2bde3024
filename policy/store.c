// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "policy/bundle.h"
#include "policy/crl.h"
#include "policy/store.h"
#include "policy/validity.h"

struct store_entry {
	X509 *certificate;
	char *name;
	uint64_t subject_hash; /* equal names have equal hashes */
	uint8_t sha256[STORE_SHA256];
};

struct store {
	uint64_t generation;
	EVP_MD *sha256; /* fetched once: finding it anew takes as long as using it */
	struct store_entry *entries;
	size_t count;
	struct crl *crls;
	size_t crl_count;
};

static bool store_digest(const struct store *store, X509 *certificate, uint8_t out[STORE_SHA256])
{
	unsigned int len = 0;

	return X509_digest(certificate, store->sha256, out, &len) == 1 && len == STORE_SHA256;
}

/* of the canonical form that X509_NAME_cmp() compares */
static uint64_t store_name_hash(const X509_NAME *name)
{
	return X509_NAME_hash_ex(name, NULL, NULL, NULL);
}

struct store *store_new(uint64_t generation)
{
	struct store *store = calloc(1, sizeof(*store));

	if (!store)
		return NULL;
	store->generation = generation;
	store->sha256 = EVP_MD_fetch(NULL, "SHA2-256", NULL);
	if (store->sha256)
		return store;
	free(store);
	return NULL;
}

/* forgets the certificates and lists from these numbers on */
static void store_truncate(struct store *store, size_t count, size_t crl_count)
{
	while (store->crl_count > crl_count)
		crl_release(&store->crls[--store->crl_count]);
	while (store->count > count) {
		struct store_entry *last = &store->entries[--store->count];

		X509_free(last->certificate);
		free(last->name);
	}
}

void store_free(struct store *store)
{
	if (!store)
		return;
	store_truncate(store, 0, 0);
	free(store->entries);
	free(store->crls);
	EVP_MD_free(store->sha256);
	free(store);
}

bool store_has_fingerprint(const struct store *store, const uint8_t sha256[STORE_SHA256])
{
	for (size_t i = 0; i < store->count; i++) {
		if (memcmp(store->entries[i].sha256, sha256, STORE_SHA256) == 0)
			return true;
	}
	return false;
}

bool store_has(const struct store *store, X509 *certificate)
{
	uint8_t sha256[STORE_SHA256];
	size_t index = 0;

	/* most are not even of a name that is there, which is told in less time */
	return store_find_subject(store, X509_get_subject_name(certificate), &index) &&
	       store_digest(store, certificate, sha256) && store_has_fingerprint(store, sha256);
}

const uint8_t *store_fingerprint(const struct store *store, const X509 *certificate)
{
	for (size_t i = 0; i < store->count; i++) {
		if (store->entries[i].certificate == certificate)
			return store->entries[i].sha256;
	}
	return NULL;
}

static int store_add_certificate(struct store *store, const char *name, X509 *certificate)
{
	struct store_entry entry = { .certificate = certificate };

	/* reads and keeps the extensions now, so that later use by many threads only reads */
	X509_check_purpose(certificate, -1, 0);
	if (!store_digest(store, certificate, entry.sha256))
		return -ENOMEM;
	if (store_has_fingerprint(store, entry.sha256))
		return 0;
	if (store->count == STORE_CERTIFICATES_MAX)
		return -E2BIG;

	struct store_entry *entries =
		reallocarray(store->entries, store->count + 1, sizeof(*entries));

	if (!entries)
		return -ENOMEM;
	store->entries = entries;
	entry.subject_hash = store_name_hash(X509_get_subject_name(certificate));
	entry.name = strdup(name);
	if (!entry.name)
		return -ENOMEM;
	X509_up_ref(certificate);
	entries[store->count++] = entry;
	return 1;
}

static int store_add_crls(struct store *store, const STACK_OF(X509_CRL) *lists)
{
	int count = sk_X509_CRL_num(lists);

	if (count <= 0)
		return 0;
	if (store->crl_count + (size_t)count > STORE_CRLS_MAX)
		return -E2BIG;

	struct crl *crls =
		reallocarray(store->crls, store->crl_count + (size_t)count, sizeof(*crls));

	if (!crls)
		return -ENOMEM;
	store->crls = crls;
	for (int i = 0; i < count; i++)
		crl_init(sk_X509_CRL_value(lists, i), &crls[store->crl_count++]);
	return 0;
}

static int store_take(struct store *store, const char *name, const struct bundle *bundle)
{
	size_t before = store->count, crls_before = store->crl_count;
	int err = 0;

	for (int i = 0; err >= 0 && i < sk_X509_num(bundle->certificates); i++)
		err = store_add_certificate(store, name, sk_X509_value(bundle->certificates, i));
	if (err >= 0)
		err = store_add_crls(store, bundle->crls);
	if (err < 0) {
		store_truncate(store, before, crls_before);
		return err;
	}
	return (int)(store->count - before);
}

int store_add_bundle(struct store *store, const char *name, const struct bundle *bundle,
		     char *error, size_t error_size)
{
	/* an extension that cannot be read is an error to libcrypto, not to a store */
	ERR_set_mark();

	int added = store_take(store, name, bundle);

	ERR_pop_to_mark();
	if (added < 0)
		snprintf(error, error_size, "%s",
			 added == -E2BIG ? "the store is full" : "out of memory");
	return added;
}

int store_add_bytes(struct store *store, const char *name, const void *bytes, size_t len,
		    char *error, size_t error_size)
{
	struct bundle bundle _cleanup_(bundle_release) = { 0 };
	int err;

	if (len > STORE_BYTES_MAX) {
		snprintf(error, error_size, "more than %d bytes", STORE_BYTES_MAX);
		return -E2BIG;
	}
	err = bundle_parse(bytes, len, STORE_CERTIFICATES_MAX, &bundle, error, error_size);
	return err ? err : store_add_bundle(store, name, &bundle, error, error_size);
}

uint64_t store_generation(const struct store *store)
{
	return store->generation;
}

size_t store_count(const struct store *store)
{
	return store->count;
}

X509 *store_certificate(const struct store *store, size_t index)
{
	return index < store->count ? store->entries[index].certificate : NULL;
}

const char *store_certificate_name(const struct store *store, size_t index)
{
	return index < store->count ? store->entries[index].name : NULL;
}

size_t store_crl_count(const struct store *store)
{
	return store->crl_count;
}

const struct crl *store_crl(const struct store *store, size_t index)
{
	return index < store->crl_count ? &store->crls[index] : NULL;
}

X509 *store_find_subject(const struct store *store, const X509_NAME *name, size_t *index)
{
	uint64_t hash = store_name_hash(name);

	while (*index < store->count) {
		const struct store_entry *entry = &store->entries[(*index)++];

		if (entry->subject_hash == hash &&
		    X509_NAME_cmp(X509_get_subject_name(entry->certificate), name) == 0)
			return entry->certificate;
	}
	return NULL;
}

const struct crl *store_find_crl(const struct store *store, const X509_NAME *issuer, size_t *index)
{
	while (*index < store->crl_count) {
		const struct crl *crl = &store->crls[(*index)++];

		if (X509_NAME_cmp(X509_CRL_get_issuer(crl->list), issuer) == 0)
			return crl;
	}
	return NULL;
}

/* of a CA that was renewed with the same key the certificate that ends last */
static bool store_ends_later(X509 *certificate, X509 *other)
{
	int64_t end, other_end;

	return validity_seconds(X509_get0_notAfter(certificate), &end) == 0 &&
	       (validity_seconds(X509_get0_notAfter(other), &other_end) < 0 || end > other_end);
}

/* the CA of the store that issued a certificate; NULL when there is none */
static X509 *store_issuer(const struct store *store, X509 *certificate)
{
	X509 *best = NULL, *issuer;
	size_t index = 0;

	while ((issuer = store_find_subject(store, X509_get_issuer_name(certificate), &index))) {
		if (X509_verify(certificate, X509_get0_pubkey(issuer)) == 1 &&
		    (!best || store_ends_later(issuer, best)))
			best = issuer;
	}
	return best;
}

/* a root that the peer does not have is worth nothing to it, and one that it has is not needed */
static bool store_chain_ends(X509 *certificate, X509 *issuer, STACK_OF(X509) *chain)
{
	/* CAs that certified each other are a loop */
	return !issuer || X509_self_signed(issuer, 1) == 1 || X509_cmp(issuer, certificate) == 0 ||
	       sk_X509_find(chain, issuer) >= 0;
}

static int store_follow(const struct store *store, X509 *certificate, STACK_OF(X509) *chain)
{
	X509 *last = certificate;

	while (sk_X509_num(chain) < STORE_CHAIN_MAX) {
		X509 *issuer = store_issuer(store, last);

		if (store_chain_ends(certificate, issuer, chain))
			return 0;
		if (!sk_X509_push(chain, issuer))
			return -ENOMEM;
		X509_up_ref(issuer);
		last = issuer;
	}
	return 0;
}

int store_chain(const struct store *store, X509 *certificate, STACK_OF(X509) **out)
{
	ERR_set_mark();

	STACK_OF(X509) *chain = sk_X509_new_null();
	int err = chain ? 0 : -ENOMEM;

	*out = NULL;
	if (!err && X509_self_signed(certificate, 1) != 1)
		err = store_follow(store, certificate, chain);
	ERR_pop_to_mark();
	if (err)
		sk_X509_pop_free(chain, X509_free);
	else
		*out = chain;
	return err;
}
