// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "policy/cache.h"
#include "policy/check.h"
#include "policy/denied.h"
#include "policy/evidence.h"
#include "policy/facts.h"
#include "policy/rule.h"
#include "policy/signature.h"
#include "policy/store.h"
#include "policy/validity.h"

static int facts_fingerprints(X509 *certificate, struct certificate_facts *out)
{
	unsigned char *der = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
	bool done = len > 0 && X509_digest(certificate, EVP_sha256(), out->sha256, NULL) == 1 &&
		    EVP_Digest(der, (size_t)len, out->spki_sha256, NULL, EVP_sha256(), NULL) == 1;

	OPENSSL_free(der);
	return done ? 0 : -ENOMEM;
}

static void facts_serial(X509 *certificate, char out[TEXT_SERIAL_MAX])
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(certificate);
	const unsigned char *bytes = ASN1_STRING_get0_data(serial);
	int len = ASN1_STRING_length(serial);

	/* RFC 5280 4.1.2.2: at most 20 octets; of a longer one the beginning */
	out[0] = '\0';
	for (int i = 0; i < len && 2 * i + 3 <= TEXT_SERIAL_MAX; i++)
		snprintf(out + 2 * i, 3, "%02X", bytes[i]);
}

static int facts_certificate(X509 *certificate, struct certificate_facts *out)
{
	const X509_NAME *subject = X509_get_subject_name(certificate);
	const X509_NAME *issuer = X509_get_issuer_name(certificate);

	out->times_valid = validity_seconds(X509_get0_notBefore(certificate), &out->not_before) ==
				   0 &&
			   validity_seconds(X509_get0_notAfter(certificate), &out->not_after) == 0;
	key_describe(certificate, &out->key);
	extension_usage(certificate, &out->usage);
	out->self_issued = X509_NAME_entry_count(subject) && X509_NAME_cmp(subject, issuer) == 0;
	facts_serial(certificate, out->serial);
	text_name(subject, out->subject, sizeof(out->subject));
	text_name(issuer, out->issuer, sizeof(out->issuer));
	return facts_fingerprints(certificate, out);
}

static void facts_critical(X509 *leaf, const struct facts *facts, struct critical_facts *out)
{
	out->found = extension_unknown_critical(leaf, out->oid, sizeof(out->oid));
	if (out->found)
		snprintf(out->subject, sizeof(out->subject), "%s", facts->leaf.subject);
}

/*
 * Whatever its names say: its own key verifies it. That is not tried where another key has
 * done so, since one signature does not verify under two.
 */
static bool facts_self_signed(X509 *leaf, const struct path_facts *path)
{
	return !path->signed_by_other && signature_is_own(leaf);
}

/* out->leaf.sha256 is there already: X509_cmp() would parse a peer's extensions first */
static bool facts_is_own(X509 *leaf, const X509 *own, const struct facts *facts)
{
	uint8_t sha256[FACTS_SHA256];

	if (ASN1_STRING_cmp(X509_get0_serialNumber(leaf), X509_get0_serialNumber(own)) != 0)
		return false;
	return X509_digest(own, EVP_sha256(), sha256, NULL) != 1 ||
	       memcmp(facts->leaf.sha256, sha256, sizeof(sha256)) == 0;
}

static void facts_compare_own(const struct evidence *evidence, struct facts *out)
{
	X509 *leaf = evidence->leaf;

	out->own_known = out->reflected = out->own_key = false;
	for (size_t i = 0; i < evidence->own_count; i++) {
		const X509 *own = evidence->own[i];

		if (!own)
			continue;
		out->own_known = true;
		if (facts_is_own(leaf, own, out))
			out->reflected = true;
		else if (key_is_same(leaf, own))
			out->own_key = true;
	}
}

/* what there is to know of the peer's own certificate without a signature check */
static int facts_fill_leaf(const struct evidence *evidence, struct facts *out)
{
	X509 *leaf = evidence->leaf;
	int err = facts_certificate(leaf, &out->leaf);

	out->present = true;
	if (!err)
		err = san_read(leaf, &out->san);
	if (err)
		return err;
	facts_critical(leaf, out, &out->critical);
	out->in_store = evidence->store &&
			store_has_fingerprint(evidence->store, out->leaf.sha256);
	return 0;
}

/* in a hurry: is the peer refused already? */
static bool facts_skip_path(const struct evidence *evidence, const struct rule *rule, int64_t now,
			    struct facts *out)
{
	if (!evidence->hurry)
		return false;
	facts_compare_own(evidence, out);
	denied_look(evidence, out);
	out->examined = out->path_skipped = true;
	if (!check_any_fails(rule_checks(rule), out, rule, now))
		out->examined = out->path_skipped = false;
	return out->path_skipped;
}

/* everything but what our own certificates have to do with it */
static int facts_fill(const struct evidence *evidence, const struct rule *rule, int64_t now,
		      struct facts *out)
{
	int err = facts_fill_leaf(evidence, out);

	if (err || facts_skip_path(evidence, rule, now, out))
		return err;
	err = path_build(evidence, rule, now, out->leaf.sha256, &out->path);
	if (err)
		return err;
	out->leaf.self_signed = facts_self_signed(evidence->leaf, &out->path);
	if (!out->critical.found)
		out->critical = out->path.critical;
	out->examined = true;
	return 0;
}

/* from the cache, or with what is found out put into it */
static int facts_recall(const struct evidence *evidence, const struct rule *rule, int64_t now,
			struct facts *out)
{
	struct cache *cache = evidence->store && !evidence->trace ? evidence->cache : NULL;
	struct cache_key key;

	if (!cache || !cache_key(cache, evidence, rule, &key))
		return facts_fill(evidence, rule, now, out);

	const struct facts *known =
		cache_find(cache, store_generation(evidence->store), &key, now);

	if (known)
		return facts_copy(known, out);

	int err = facts_fill(evidence, rule, now, out);

	if (!err && !out->path_skipped)
		cache_put(cache, &key, out);
	return err;
}

int facts_extract(const struct evidence *evidence, const struct rule *rule, int64_t now,
		  struct facts *out)
{
	*out = (struct facts){ 0 };
	if (!rule)
		return -EINVAL;
	if (!evidence->leaf)
		return 0;

	ERR_set_mark();

	int err = facts_recall(evidence, rule, now, out);

	if (!err) {
		facts_compare_own(evidence, out);
		denied_look(evidence, out);
	}
	ERR_pop_to_mark();
	if (err)
		facts_release(out);
	return err;
}

int facts_copy(const struct facts *from, struct facts *out)
{
	struct san_list san;

	if (san_copy(&from->san, &san) < 0)
		return -ENOMEM;
	*out = *from;
	out->san = san;
	return 0;
}

void facts_release(struct facts *facts)
{
	san_release(&facts->san);
	*facts = (struct facts){ 0 };
}
