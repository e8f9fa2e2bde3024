// SPDX-License-Identifier: Apache-2.0
/* Files of a trust store: certificates and revocation lists, as PEM and as DER to sign anew. */
#include <stdio.h>
#include <string.h>

#include "policy/cleanup.h"
#include "policy/rule.h"
#include "tests/fuzz/fixed.h"
#include "tests/fuzz/seed.h"
#include "tests/fuzz/status.h"
#include "tests/fuzz/store.h"

DEFINE_CLEANUP(X509_CRL *, X509_CRL_free);

static struct seed seed;

/* whom a list revokes, and for whom it speaks */
static const struct {
	const char *name;
	enum fixed_id issuer, revoked;
	long seconds;
	const char *scope;
} seed_lists[] = {
	{ "good", FIXED_INTERMEDIATE, FIXED_GOOD, STATUS_DAY, NULL },
	{ "server", FIXED_INTERMEDIATE, FIXED_SERVER, STATUS_DAY, NULL },
	{ "intermediate", FIXED_ROOT, FIXED_INTERMEDIATE, STATUS_DAY, NULL },
	{ "by-another", FIXED_CONSTRAINED, FIXED_GOOD, STATUS_DAY, NULL },
	{ "old", FIXED_INTERMEDIATE, FIXED_SERVER, -1, NULL },
	{ "old-good", FIXED_INTERMEDIATE, FIXED_GOOD, -1, NULL },
	{ "scope", FIXED_INTERMEDIATE, FIXED_SERVER, STATUS_DAY,
	  "critical,fullname:URI:http://crl.example.test/1" },
	{ "other-scope", FIXED_INTERMEDIATE, FIXED_SERVER, STATUS_DAY,
	  "critical,fullname:URI:http://crl.example.test/2" },
	{ "users", FIXED_INTERMEDIATE, FIXED_SERVER, STATUS_DAY, "critical,onlyuser:TRUE" },
	{ "authorities", FIXED_INTERMEDIATE, FIXED_SERVER, STATUS_DAY, "critical,onlyCA:TRUE" },
	{ "indirect", FIXED_INTERMEDIATE, FIXED_GOOD, STATUS_DAY, "critical,indirectCRL:TRUE" },
	{ "reasons", FIXED_INTERMEDIATE, FIXED_SERVER, STATUS_DAY,
	  "critical,onlysomereasons:keyCompromise" },
};

/* one list under every revocation setting, in a store that has the root or all */
static void seed_list(size_t i)
{
	struct store_head head = { .resign = 1, .level = LEVEL_MEDIUM - LEVEL_NONE };
	X509_CRL *list _cleanup_(cleanup_X509_CRL_free) =
		status_list(seed_lists[i].issuer, seed_lists[i].revoked, seed_lists[i].seconds,
			    seed_lists[i].scope);
	unsigned char *der = NULL;
	int len = i2d_X509_CRL(list, &der);

	for (head.crl = 0; head.crl < CRL_COUNT; head.crl++) {
		char file[64];

		head.filled = (uint8_t)(head.crl & 1);
		seed_begin(&seed, &head, sizeof(head));
		if (!head.filled)
			seed_add_certificate(&seed, fixed_certificate(FIXED_ROOT));
		seed_add(&seed, der, (size_t)len);
		snprintf(file, sizeof(file), "list-%s-%u", seed_lists[i].name, head.crl);
		seed_write(&seed, "store", file);
	}
	OPENSSL_free(der);
}

static void seed_store_text(const struct store_head *head, const char *name, const char *text)
{
	seed_begin(&seed, head, sizeof(*head));
	seed_add_text(&seed, text);
	seed_write(&seed, "store", name);
}

static void seed_issued_store(const char *name, const char *text, size_t len)
{
	static struct store_head head;

	head.level++;
	seed_begin(&seed, &head, sizeof(head));
	seed_add_text(&seed, "a word before\n");
	seed_add(&seed, text, len);
	seed_write(&seed, "store", name);
}

void seed_store(void)
{
	struct store_head head = { .level = LEVEL_HIGH - LEVEL_NONE };
	char *pem _cleanup_free_ = NULL;
	size_t pem_len;

	seed_begin(&seed, &head, sizeof(head));
	for (enum fixed_id id = 0; id < FIXED_COUNT; id++)
		seed_add_certificate(&seed, fixed_certificate(id));
	seed_write(&seed, "store", "all");
	pem = fixed_resign(seed.bytes + sizeof(head), seed.len - sizeof(head), &pem_len);
	seed_begin(&seed, &head, sizeof(head));
	seed_add(&seed, pem, pem_len);
	seed_write(&seed, "store", "all.pem");
	seed_each_issued(seed_issued_store);
	for (size_t i = 0; i < sizeof(seed_lists) / sizeof(seed_lists[0]); i++)
		seed_list(i);
	seed_store_text(&head, "key",
			"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
	seed_store_text(&head, "broken", "-----BEGIN CERTIFICATE-----\nMAAA\n-----END CERT");
	seed_store_text(&head, "not-der",
			"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n");
	seed_store_text(&head, "text", "no certificate at all\n");
	seed_store_text(&head, "empty", "");
}
