// SPDX-License-Identifier: Apache-2.0
/*
 * Whom a change of store or deny list concerns: all those whose verdict it changes, and not those
 * who have nothing to do with it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/crl.h"
#include "policy/denied.h"
#include "policy/reach.h"
#include "tests/harness.h"
#include "tests/policy/maker.h"

/* what a store may have; CROSS is of UPPER's key, and its name in another case */
enum {
	ROOT, UPPER, LOWER, CROSS_ROOT, CROSS, FOREIGN, PEER, CERTIFICATES,
	LIST_ROOT = CERTIFICATES, LIST_UPPER, LIST_LOWER, LIST_REVOKES, LIST_CROSS_ROOT,
	LIST_FOREIGN, ITEMS,
};

#define BIT(item) (1U << (item))
#define ALL_BELOW (BIT(ROOT) | BIT(UPPER) | BIT(LOWER))

struct pki {
	const struct made *made[CERTIFICATES];
	struct store *lists; /* each made once: two of the same contents would differ */
};

static void pki_make(struct pki *pki)
{
	const struct made **made = pki->made;

	made[ROOT] = make(NULL, (struct recipe){ .name = "Root", .ca = true });
	made[UPPER] = make(made[ROOT], (struct recipe){ .name = "The Upper", .ca = true });
	made[LOWER] = make(made[UPPER], (struct recipe){ .name = "Lower", .ca = true });
	made[CROSS_ROOT] = make(NULL, (struct recipe){ .name = "Cross Root", .ca = true });
	made[CROSS] = make(made[CROSS_ROOT], (struct recipe){ .name = "the  UPPER", .ca = true,
							      .same_key = made[UPPER] });
	made[FOREIGN] = make(NULL, (struct recipe){ .name = "Foreign", .ca = true });
	made[PEER] = make(made[LOWER], (struct recipe){ .name = "Peer" });

	pki->lists = make_store(NULL);
	make_crl(pki->lists, made[ROOT], (struct crl_recipe){ 0 });
	make_crl(pki->lists, made[UPPER], (struct crl_recipe){ 0 });
	make_crl(pki->lists, made[LOWER], (struct crl_recipe){ 0 });
	make_crl(pki->lists, made[CROSS], (struct crl_recipe){ .revoked = made[LOWER] });
	make_crl(pki->lists, made[CROSS_ROOT], (struct crl_recipe){ .revoked = made[CROSS] });
	make_crl(pki->lists, made[FOREIGN], (struct crl_recipe){ 0 });
}

static void store_add(struct store *store, const struct pki *pki, int item)
{
	unsigned char *der = NULL;
	int len = item < CERTIFICATES ?
			  i2d_X509(pki->made[item]->certificate, &der) :
			  i2d_X509_CRL(store_crl(pki->lists, (size_t)(item - CERTIFICATES))->list,
				       &der);

	ASSERT_LT(0, len);
	ASSERT_LE(0, store_add_bytes(store, "item", der, (size_t)len, NULL, 0));
	OPENSSL_free(der);
}

/* from another item on, in a circle: the order is another one, too */
static struct store *store_of(const struct pki *pki, unsigned int items, int first)
{
	struct store *store = store_new(1);

	for (int i = 0; i < ITEMS; i++) {
		if (items & BIT((i + first) % ITEMS))
			store_add(store, pki, (i + first) % ITEMS);
	}
	return store;
}

static STACK_OF(X509) *stack_of(const struct pki *pki, unsigned int items)
{
	STACK_OF(X509) *stack = sk_X509_new_null();

	for (int i = 0; i < CERTIFICATES; i++) {
		if (items & BIT(i))
			ASSERT_LT(0, sk_X509_push(stack, pki->made[i]->certificate));
	}
	return stack;
}

static bool concerns(const struct mark_set *set, const struct made *leaf, STACK_OF(X509) *untrusted)
{
	uint64_t marks[REACH_MARKS_MAX];
	int count = reach_chain(leaf->certificate, untrusted, marks);
	bool found = false;

	ASSERT_LT(0, count);
	for (int i = 0; i < count; i++)
		found |= mark_set_has(set, marks[i]);
	return found;
}

FIXTURE(reach)
{
	struct pki pki;
};

FIXTURE_VARIANT(reach)
{
	unsigned int before, now;
	unsigned int sent; /* besides the peer's own */
	bool concerned;
};

#define REACH_VARIANT(name, ...) FIXTURE_VARIANT_ADD(reach, name) { __VA_ARGS__ }

REACH_VARIANT(nothing, ALL_BELOW, ALL_BELOW, 0, false);
REACH_VARIANT(foreign_added, ALL_BELOW, ALL_BELOW | BIT(FOREIGN), 0, false);
REACH_VARIANT(foreign_removed, ALL_BELOW | BIT(FOREIGN), ALL_BELOW, BIT(LOWER), false);
REACH_VARIANT(foreign_list, ALL_BELOW | BIT(FOREIGN), ALL_BELOW | BIT(FOREIGN) | BIT(LIST_FOREIGN),
	      BIT(LOWER), false);
REACH_VARIANT(foreign_sent, ALL_BELOW, ALL_BELOW | BIT(FOREIGN), BIT(FOREIGN), true);
REACH_VARIANT(anchor_removed, ALL_BELOW, BIT(UPPER) | BIT(LOWER), 0, true);
REACH_VARIANT(anchor_of_sent_removed, BIT(ROOT), 0, BIT(UPPER) | BIT(LOWER), true);
REACH_VARIANT(list_one_up, ALL_BELOW, ALL_BELOW | BIT(LIST_LOWER), 0, true);
REACH_VARIANT(list_two_up, ALL_BELOW, ALL_BELOW | BIT(LIST_UPPER), 0, true);
REACH_VARIANT(list_of_root, ALL_BELOW, ALL_BELOW | BIT(LIST_ROOT), BIT(LOWER), true);
REACH_VARIANT(list_removed, ALL_BELOW | BIT(LIST_ROOT), ALL_BELOW, 0, true);
/* by its issuer's name in another case, and with other spaces */
REACH_VARIANT(list_other_case, ALL_BELOW, ALL_BELOW | BIT(LIST_REVOKES), 0, true);
REACH_VARIANT(cross_added, ALL_BELOW, ALL_BELOW | BIT(CROSS), 0, true);
REACH_VARIANT(cross_root_removed, ALL_BELOW | BIT(CROSS) | BIT(CROSS_ROOT), ALL_BELOW | BIT(CROSS),
	      BIT(LOWER), true);
REACH_VARIANT(cross_root_without_cross, ALL_BELOW | BIT(CROSS_ROOT), ALL_BELOW, BIT(LOWER), false);
REACH_VARIANT(cross_list, ALL_BELOW | BIT(CROSS), ALL_BELOW | BIT(CROSS) | BIT(LIST_CROSS_ROOT), 0,
	      true);
REACH_VARIANT(pinned, ALL_BELOW, ALL_BELOW | BIT(PEER), 0, true);
REACH_VARIANT(sent_added, BIT(ROOT), BIT(ROOT) | BIT(LOWER), BIT(LOWER) | BIT(UPPER), true);

FIXTURE_SETUP(reach)
{
	pki_make(&self->pki);
}

FIXTURE_TEARDOWN(reach)
{
	(void)self;
}

TEST_F(reach, of_stores)
{
	struct store *before _cleanup_(cleanup_store_free) =
		store_of(&self->pki, variant->before, 0);
	struct store *now _cleanup_(cleanup_store_free) = store_of(&self->pki, variant->now, 0);
	STACK_OF(X509) *sent = stack_of(&self->pki, variant->sent);
	struct mark_set set _cleanup_(mark_set_release) = { 0 };

	ASSERT_OK(reach_of_stores(before, now, &set));
	EXPECT_EQ(variant->concerned, concerns(&set, self->pki.made[PEER], sent));
	sk_X509_free(sent);
}

/* limits of the search make the order count: among what has one name, and nowhere else */
TEST(reach_of_another_order)
{
	static const struct {
		unsigned int items;
		int first;
		bool concerned;
	} rows[] = {
		{ ALL_BELOW | BIT(FOREIGN), UPPER, false },
		{ ALL_BELOW | BIT(CROSS), CROSS, true },
	};
	struct pki pki;

	pki_make(&pki);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct store *before _cleanup_(cleanup_store_free) =
			store_of(&pki, rows[i].items, 0);
		struct store *now _cleanup_(cleanup_store_free) =
			store_of(&pki, rows[i].items, rows[i].first);
		struct mark_set set _cleanup_(mark_set_release) = { 0 };

		ASSERT_OK(reach_of_stores(before, now, &set));
		EXPECT_EQ(rows[i].concerned, concerns(&set, pki.made[PEER], NULL));
	}
}

/* the lists as they are read; of one certificate each, or none */
static struct denied denied_of(const struct pki *pki, int item, uint8_t sha256[1][DENIED_SHA256])
{
	if (item == CERTIFICATES)
		return (struct denied){ 0 };
	ASSERT_EQ(1, X509_digest(pki->made[item]->certificate, EVP_sha256(), sha256[0], NULL));
	return (struct denied){ (const uint8_t(*)[DENIED_SHA256])sha256, 1 };
}

TEST(reach_of_denied)
{
	static const struct {
		int before, now;
		bool concerned;
	} rows[] = {
		{ CERTIFICATES, PEER, true },	  { CERTIFICATES, LOWER, true },
		{ CERTIFICATES, ROOT, true },	  { ROOT, CERTIFICATES, true },
		{ CERTIFICATES, FOREIGN, false }, { FOREIGN, CERTIFICATES, false },
		{ FOREIGN, FOREIGN, false },	  { ROOT, ROOT, false },
		/* not in the store, and not sent: it can stand in no path */
		{ CERTIFICATES, CROSS, false },
	};
	struct pki pki;

	pki_make(&pki);
	struct store *store _cleanup_(cleanup_store_free) =
		store_of(&pki, ALL_BELOW | BIT(FOREIGN), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mark_set set _cleanup_(mark_set_release) = { 0 };
		uint8_t sha256[2][1][DENIED_SHA256];
		struct denied before = denied_of(&pki, rows[i].before, sha256[0]);
		struct denied now = denied_of(&pki, rows[i].now, sha256[1]);

		ASSERT_OK(reach_of_denied(&before, &now, store, &set));
		EXPECT_EQ(rows[i].concerned, concerns(&set, pki.made[PEER], NULL)) {
			TH_LOG("row %zu", i);
		}
	}
}

TEST(reach_of_too_many)
{
	uint64_t marks[REACH_MARKS_MAX];
	struct pki pki;
	STACK_OF(X509) *sent;

	pki_make(&pki);
	sent = stack_of(&pki, BIT(LOWER));
	EXPECT_EQ(0, reach_chain(NULL, sent, marks));
	/* subject, issuer and fingerprint; the lower one's subject is the issuer */
	EXPECT_EQ(5, reach_chain(pki.made[PEER]->certificate, sent, marks));
	while (sk_X509_num(sent) < REACH_CERTIFICATES_MAX - 1)
		sk_X509_push(sent, pki.made[FOREIGN]->certificate);
	EXPECT_LT(0, reach_chain(pki.made[PEER]->certificate, sent, marks));
	sk_X509_push(sent, pki.made[FOREIGN]->certificate);
	EXPECT_EQ(-E2BIG, reach_chain(pki.made[PEER]->certificate, sent, marks));
	sk_X509_free(sent);
}

static bool same_verdict(const struct verdict *a, const struct verdict *b)
{
	return a->accepted == b->accepted && a->refusal == b->refusal && a->failed == b->failed &&
	       a->holds_until == b->holds_until && !strcmp(a->reason, b->reason);
}

struct change {
	struct store *before, *now;
	struct denied denied_before, denied_now;
};

/* true: it is concerned; whoever is not is judged as before, by any rule */
static bool check_change(const struct pki *pki, const struct change *change, unsigned int sent,
			 unsigned int *differ)
{
	struct mark_set of_stores _cleanup_(mark_set_release) = { 0 };
	struct mark_set of_denied _cleanup_(mark_set_release) = { 0 };
	STACK_OF(X509) *untrusted = stack_of(pki, sent);
	struct evidence before = {
		.store = change->before,
		.leaf = pki->made[PEER]->certificate,
		.untrusted = untrusted,
		.denied = &change->denied_before,
	};
	struct evidence now = before;
	bool concerned;

	now.store = change->now;
	now.denied = &change->denied_now;
	ASSERT_OK(reach_of_stores(before.store, now.store, &of_stores));
	/* the deny list may be read before the store or after it */
	ASSERT_OK(reach_of_denied(before.denied, now.denied, sent & 1 ? now.store : before.store,
				  &of_denied));
	concerned = concerns(&of_stores, pki->made[PEER], untrusted) ||
		    concerns(&of_denied, pki->made[PEER], untrusted);
	/* with each setting for lists, and at last by whether the store has a copy */
	for (int crl = 0; crl <= CRL_COUNT; crl++) {
		struct rule rule = make_rule(crl < CRL_COUNT ? MAKER_CHAIN :
							       CHECK_BIT(CHECK_IN_STORE));
		struct verdict old, new;

		rule.crl = crl % CRL_COUNT;
		ASSERT_OK(policy_check_chain(&before, &rule, MAKER_NOW, &old, NULL));
		ASSERT_OK(policy_check_chain(&now, &rule, MAKER_NOW, &new, NULL));
		*differ += !same_verdict(&old, &new);
		ASSERT_TRUE(concerned || same_verdict(&old, &new)) {
			TH_LOG("%s, was %s", new.reason, old.reason);
		}
	}
	sk_X509_free(untrusted);
	return concerned;
}

/* half of the changes are of one item; few are of the deny list */
static unsigned int random_change(unsigned int items)
{
	return rand() % 2 ? items ^ BIT(rand() % ITEMS) : (unsigned int)rand() % BIT(ITEMS);
}

TEST_TIMEOUT(reach_of_any_change, 120)
{
	enum { CHANGES = 2000 };
	unsigned int concerned = 0, differ = 0;
	struct pki pki;

	pki_make(&pki);
	srand(1);
	for (int i = 0; i < CHANGES; i++) {
		unsigned int items = (unsigned int)rand() % BIT(ITEMS);
		unsigned int sent = (unsigned int)(rand() & rand()) % BIT(CERTIFICATES);
		uint8_t sha256[2][1][DENIED_SHA256];
		int first = rand() % 4 ? 0 : rand() % ITEMS;
		int denied = rand() % 8 ? CERTIFICATES : rand() % CERTIFICATES;
		struct change change = {
			.before = store_of(&pki, items, 0),
			.now = store_of(&pki, random_change(items), first),
			.denied_before = denied_of(&pki, CERTIFICATES, sha256[0]),
			.denied_now = denied_of(&pki, denied, sha256[1]),
		};

		concerned += check_change(&pki, &change, sent, &differ);
		store_free(change.before);
		store_free(change.now);
	}
	/* neither is a promise that holds because it is never put to the test */
	EXPECT_LT(CHANGES / 20, differ);
	EXPECT_LT(CHANGES / 20, CHANGES - concerned);
	TH_LOG("%d changes: %u concern the peer, %u verdicts differ", CHANGES, concerned, differ);
}
