// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/cleanup.h"
#include "policy/crl.h"
#include "policy/denied.h"
#include "policy/reach.h"
#include "policy/store.h"

enum { REACH_SHA256 = 32 };

/* what a store has for a name: a certificate of that subject, or a list of that issuer */
struct reach_item {
	uint64_t name;
	size_t order; /* in the store, certificates before lists */
	uint8_t sha256[REACH_SHA256];
};

static int reach_mark_once(uint64_t mark, uint64_t marks[REACH_MARKS_MAX], int count)
{
	for (int i = 0; i < count; i++) {
		if (marks[i] == mark)
			return count;
	}
	marks[count] = mark;
	return count + 1;
}

static int reach_certificate(X509 *certificate, uint64_t marks[REACH_MARKS_MAX], int count)
{
	uint64_t subject, issuer, whole;

	if (mark_name(X509_get_subject_name(certificate), &subject) < 0 ||
	    mark_name(X509_get_issuer_name(certificate), &issuer) < 0 ||
	    mark_certificate(certificate, &whole) < 0)
		return -ENOMEM;
	count = reach_mark_once(subject, marks, count);
	count = reach_mark_once(issuer, marks, count);
	return reach_mark_once(whole, marks, count);
}

int reach_chain(X509 *leaf, STACK_OF(X509) *untrusted, uint64_t marks[REACH_MARKS_MAX])
{
	int count = leaf ? reach_certificate(leaf, marks, 0) : 0;

	/* one of them may be the leaf */
	if (sk_X509_num(untrusted) >= REACH_CERTIFICATES_MAX)
		return -E2BIG;
	for (int i = 0; leaf && count >= 0 && i < sk_X509_num(untrusted); i++) {
		if (sk_X509_value(untrusted, i) != leaf)
			count = reach_certificate(sk_X509_value(untrusted, i), marks, count);
	}
	return count;
}

static int reach_compare(const void *a, const void *b)
{
	const struct reach_item *left = a, *right = b;

	if (left->name != right->name)
		return left->name < right->name ? -1 : 1;
	return (left->order > right->order) - (left->order < right->order);
}

static int reach_read_certificate(X509 *certificate, struct reach_item *out)
{
	if (X509_digest(certificate, EVP_sha256(), out->sha256, NULL) != 1)
		return -ENOMEM;
	return mark_name(X509_get_subject_name(certificate), &out->name);
}

static int reach_read_crl(const struct crl *crl, struct reach_item *out)
{
	if (X509_CRL_digest(crl->list, EVP_sha256(), out->sha256, NULL) != 1)
		return -ENOMEM;
	return mark_name(X509_CRL_get_issuer(crl->list), &out->name);
}

/* all of a store, by name, and those of a name in the store's order */
static struct reach_item *reach_read(const struct store *store, size_t *count)
{
	size_t certificates = store_count(store), crls = store_crl_count(store), i;
	struct reach_item *items _cleanup_free_ =
		calloc(certificates + crls + 1, sizeof(*items));
	int err = items ? 0 : -ENOMEM;

	for (i = 0; !err && i < certificates; i++)
		err = reach_read_certificate(store_certificate(store, i), &items[i]);
	for (; !err && i < certificates + crls; i++)
		err = reach_read_crl(store_crl(store, i - certificates), &items[i]);
	if (err)
		return NULL;
	*count = certificates + crls;
	for (i = 0; i < *count; i++)
		items[i].order = i;
	qsort(items, *count, sizeof(*items), reach_compare);
	return TAKE_PTR(items);
}

/* how many items from here on are of a name */
static size_t reach_run(const struct reach_item *item, const struct reach_item *end, uint64_t name)
{
	const struct reach_item *at = item;

	while (at < end && at->name == name)
		at++;
	return (size_t)(at - item);
}

static bool reach_same(const struct reach_item *a, const struct reach_item *b, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (memcmp(a[i].sha256, b[i].sha256, REACH_SHA256) != 0)
			return false;
	}
	return true;
}

/* the names for which two stores have something else, or in another order */
static int reach_compare_items(const struct reach_item *a, size_t a_count,
			       const struct reach_item *b, size_t b_count, struct mark_set *out)
{
	const struct reach_item *a_end = a + a_count, *b_end = b + b_count;

	while (a < a_end || b < b_end) {
		uint64_t name = b == b_end || (a < a_end && a->name < b->name) ? a->name : b->name;
		size_t a_run = reach_run(a, a_end, name), b_run = reach_run(b, b_end, name);

		if ((a_run != b_run || !reach_same(a, b, a_run)) && mark_set_add(out, name) < 0)
			return -ENOMEM;
		a += a_run;
		b += b_run;
	}
	return 0;
}

struct reach_edge {
	uint64_t subject, issuer;
};

/* adds the subjects of the certificates that a name of the set issued, until there are no more */
static int reach_descend(const struct store *store, struct mark_set *out)
{
	size_t count = store_count(store), before;
	struct reach_edge *edges _cleanup_free_ = calloc(count + 1, sizeof(*edges));

	if (!edges)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		X509 *certificate = store_certificate(store, i);

		if (mark_name(X509_get_subject_name(certificate), &edges[i].subject) < 0 ||
		    mark_name(X509_get_issuer_name(certificate), &edges[i].issuer) < 0)
			return -ENOMEM;
	}
	do {
		before = out->count;
		for (size_t i = 0; i < count; i++) {
			if (mark_set_has(out, edges[i].issuer) &&
			    mark_set_add(out, edges[i].subject) < 0)
				return -ENOMEM;
		}
	} while (out->count != before);
	return 0;
}

int reach_of_stores(const struct store *before, const struct store *now, struct mark_set *out)
{
	size_t before_count = 0, now_count = 0;
	struct reach_item *before_items _cleanup_free_ = reach_read(before, &before_count);
	struct reach_item *now_items _cleanup_free_ = reach_read(now, &now_count);

	if (!before_items || !now_items ||
	    reach_compare_items(before_items, before_count, now_items, now_count, out) < 0)
		return -ENOMEM;
	/* by the one alone: a way to a changed name through the other one's begins at another such */
	return reach_descend(before, out);
}

/* what is on one list and not on the other, of lists in order */
static int reach_compare_denied(const struct denied *a, const struct denied *b, struct mark_set *out)
{
	for (size_t i = 0; a && i < a->count; i++) {
		if (!denied_has(b, a->sha256[i]) &&
		    mark_set_add(out, mark_fingerprint(a->sha256[i])) < 0)
			return -ENOMEM;
	}
	return 0;
}

int reach_of_denied(const struct denied *before, const struct denied *now,
		    const struct store *store, struct mark_set *out)
{
	if (reach_compare_denied(before, now, out) < 0 || reach_compare_denied(now, before, out) < 0)
		return -ENOMEM;
	/* the peer may be under one that it did not send */
	for (size_t i = 0; i < store_count(store); i++) {
		X509 *certificate = store_certificate(store, i);
		uint64_t whole, subject;

		if (mark_certificate(certificate, &whole) < 0 ||
		    mark_name(X509_get_subject_name(certificate), &subject) < 0 ||
		    (mark_set_has(out, whole) && mark_set_add(out, subject) < 0))
			return -ENOMEM;
	}
	return reach_descend(store, out);
}
