// SPDX-License-Identifier: Apache-2.0
/* What the main process keeps of very many sessions takes little of its memory. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/harness.h"
#include "userspace/chain_store.h"
#include "userspace/session_table.h"

#define BYTES_MAX 1024 /* each */
#define CHAIN_BYTES 2000 /* a peer's certificate and two authorities' */

enum { SESSIONS = 50000 };

FIXTURE(many) {
	char run[64];
	int chains;
	struct session_table *table;
};

/* how many different chains their peers presented */
FIXTURE_VARIANT(many) {
	unsigned int chains;
};

FIXTURE_VARIANT_ADD(many, of_one_chain) { .chains = 1 };
FIXTURE_VARIANT_ADD(many, of_500_chains) { .chains = 500 };
FIXTURE_VARIANT_ADD(many, of_a_chain_each) { .chains = SESSIONS };

/* what malloc() has given away, with what it keeps of each piece */
static size_t memory(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

static void keep_chain(int folder, unsigned int number, uint8_t name[LW_CHAIN_LEN])
{
	uint8_t bytes[CHAIN_BYTES] = { 0 };
	const struct presented presented = { bytes, sizeof(bytes) };

	memcpy(bytes, &number, sizeof(number));
	chain_store_hash(&presented, name);
	ASSERT_OK(chain_store_keep(folder, &presented, name));
}

FIXTURE_SETUP(many)
{
	uint8_t name[LW_CHAIN_LEN];

	snprintf(self->run, sizeof(self->run), "/tmp/many-XXXXXX");
	ASSERT_NOT_NULL(mkdtemp(self->run));
	self->chains = chain_store_open(self->run);
	ASSERT_LE(0, self->chains);
	/* libcrypto's own memory comes with the first */
	keep_chain(self->chains, SESSIONS, name);
}

static bool wants_none(const uint8_t name[LW_CHAIN_LEN], void *arg)
{
	(void)name;
	(void)arg;
	return false;
}

FIXTURE_TEARDOWN(many)
{
	char path[80];

	chain_store_sweep(self->chains, wants_none, NULL);
	snprintf(path, sizeof(path), "%s/chains", self->run);
	rmdir(path);
	rmdir(self->run);
}

static struct session make_session(int folder, unsigned int chain)
{
	/* each cohort is due some time, as those of certificates that expire are */
	struct session session = { .line = "a line", .valid_until = 1 + chain };

	keep_chain(folder, chain, session.chain);
	return session;
}

TEST_F_TIMEOUT(many, take_little, 120)
{
	const size_t before = memory();
	struct cohort *cohort, *emptied;
	size_t each, cohorts = 0;
	struct session session;
	unsigned int i;

	self->table = session_table_new();
	ASSERT_NOT_NULL(self->table);
	/* those of one chain one after the other: whose it is is written once */
	for (i = 0; i < SESSIONS; i++) {
		if (i % (SESSIONS / variant->chains) == 0)
			session = make_session(self->chains, i / (SESSIONS / variant->chains));
		cohort = session_table_add(self->table, i, &session);
		ASSERT_NOT_NULL(cohort);
	}
	each = (memory() - before) / SESSIONS;
	TH_LOG("%d sessions of %u chains: %zu bytes each", SESSIONS, variant->chains, each);
	EXPECT_GT(BYTES_MAX, each);
	/* it has them all */
	for (i = 0; i < SESSIONS; i++)
		if (session_table_remove(self->table, i, &emptied)) {
			free(emptied);
			cohorts++;
		}
	EXPECT_EQ(variant->chains, cohorts);
	session_table_free(self->table);
	/* but for a few pieces that malloc() keeps at hand */
	EXPECT_GE(before + 4096, memory());
}
