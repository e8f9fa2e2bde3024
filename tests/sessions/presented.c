// SPDX-License-Identifier: Apache-2.0
/* What a peer presented: there and back, and whatever a worker may give in its place. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "policy/cleanup.h"
#include "tests/harness.h"
#include "userspace/presented.h"

static X509 *make_certificate(EVP_PKEY *key, long serial)
{
	X509 *certificate = X509_new();

	ASSERT_NOT_NULL(certificate);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial);
	X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 1000);
	X509_set_pubkey(certificate, key);
	ASSERT_LT(0, X509_sign(certificate, key, EVP_sha256()));
	return certificate;
}

FIXTURE(presented)
{
	EVP_PKEY *key;
	X509 *leaf, *ca;
	STACK_OF(X509) *chain;
	struct presented bytes;
	struct presented_chain back;
};

FIXTURE_SETUP(presented)
{
	static const unsigned char status[] = "a response";

	self->key = EVP_EC_gen("P-256");
	self->leaf = make_certificate(self->key, 1);
	self->ca = make_certificate(self->key, 2);
	self->chain = sk_X509_new_null();
	/* as libssl gives it: with the peer's own among them */
	sk_X509_push(self->chain, self->leaf);
	sk_X509_push(self->chain, self->ca);
	ASSERT_OK(presented_pack(self->leaf, self->chain,
				 (struct staple){ status, sizeof(status) }, &self->bytes));
}

FIXTURE_TEARDOWN(presented)
{
	presented_free(&self->bytes);
	presented_chain_release(&self->back);
	sk_X509_free(self->chain);
	X509_free(self->leaf);
	X509_free(self->ca);
	EVP_PKEY_free(self->key);
}

TEST_F(presented, there_and_back)
{
	ASSERT_OK(presented_unpack(&self->bytes, &self->back));
	ASSERT_EQ(2, sk_X509_num(self->back.certificates));
	EXPECT_EQ(0, X509_cmp(self->leaf, sk_X509_value(self->back.certificates, 0)));
	EXPECT_EQ(0, X509_cmp(self->ca, sk_X509_value(self->back.certificates, 1)));
	EXPECT_STREQ("a response", (const char *)self->back.staple.bytes);
}

TEST_F(presented, nothing)
{
	ASSERT_OK(presented_pack(NULL, NULL, (struct staple){ 0 }, &self->bytes));
	ASSERT_OK(presented_unpack(&self->bytes, &self->back));
	EXPECT_EQ(0, sk_X509_num(self->back.certificates));
	EXPECT_EQ(0, self->back.staple.len);
}

/* what can be told without a look at the certificates, and what each of them is found by */
TEST_F(presented, marks)
{
	struct presented_marks marks;
	uint64_t expected[REACH_MARKS_MAX];
	int count = reach_chain(self->leaf, self->chain, expected);

	presented_read_marks(&self->bytes, &marks);
	EXPECT_TRUE(marks.known);
	ASSERT_EQ(count, marks.count);
	EXPECT_MEMEQ(expected, marks.marks, marks.count * sizeof(expected[0]));

	ASSERT_OK(presented_pack(NULL, NULL, (struct staple){ 0 }, &self->bytes));
	presented_read_marks(&self->bytes, &marks);
	EXPECT_TRUE(marks.known);
	EXPECT_EQ(0, marks.count);

	/* too many to have marks: everything concerns it, and it is no reason to refuse it */
	while (sk_X509_num(self->chain) < REACH_CERTIFICATES_MAX)
		sk_X509_push(self->chain, self->ca);
	ASSERT_OK(presented_pack(self->leaf, self->chain, (struct staple){ 0 }, &self->bytes));
	presented_read_marks(&self->bytes, &marks);
	EXPECT_FALSE(marks.known);
	ASSERT_OK(presented_unpack(&self->bytes, &self->back));
}

/* a worker may say what it likes: what is no whole is nothing */
TEST_F(presented, marks_damaged)
{
	struct presented_marks marks;

	for (size_t len = 0; len < self->bytes.len; len++) {
		presented_read_marks(&(struct presented){ self->bytes.bytes, len }, &marks);
		EXPECT_FALSE(marks.known);
		EXPECT_EQ(0, marks.count);
	}
	for (uint32_t count = 0; count < 4 * REACH_MARKS_MAX; count++) {
		/* it stands behind the two lengths */
		memcpy(self->bytes.bytes + 2 * sizeof(count), &count, sizeof(count));
		presented_read_marks(&self->bytes, &marks);
		EXPECT_EQ(marks.known, marks.count > 0);
		EXPECT_LE(marks.count, REACH_MARKS_MAX);
	}
}

/* cut anywhere, or with a byte more: it is not what was packed */
TEST_F(presented, damaged)
{
	const struct presented whole = self->bytes;
	uint8_t more[PRESENTED_BYTES_MAX];

	for (size_t len = 0; len < whole.len; len++) {
		EXPECT_EQ(-EBADMSG, presented_unpack(&(struct presented){ whole.bytes, len },
						     &self->back));
		EXPECT_NULL(self->back.certificates);
	}
	memset(more, 0, sizeof(more));
	memcpy(more, whole.bytes, whole.len);
	EXPECT_EQ(-EBADMSG, presented_unpack(&(struct presented){ more, whole.len + 1 },
					     &self->back));
}

TEST_F(presented, sealed_or_not_taken)
{
	struct presented taken = { 0 };
	int sealed = presented_seal(&self->bytes);
	int open = memfd_create("open", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int long_one = memfd_create("long", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	ASSERT_LE(0, sealed);
	EXPECT_EQ(-1, pwrite(sealed, "x", 1, 0));
	ASSERT_OK(presented_take(sealed, &taken));
	ASSERT_EQ(self->bytes.len, taken.len);
	EXPECT_MEMEQ(self->bytes.bytes, taken.bytes, taken.len);
	presented_free(&taken);
	/* one that can still be written is not what was looked at a moment ago */
	EXPECT_EQ((ssize_t)self->bytes.len, write(open, self->bytes.bytes, self->bytes.len));
	EXPECT_EQ(-EBADMSG, presented_take(open, &taken));
	ASSERT_OK(ftruncate(long_one, PRESENTED_BYTES_MAX + 1));
	ASSERT_OK(fcntl(long_one, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE));
	EXPECT_EQ(-EBADMSG, presented_take(long_one, &taken));
	EXPECT_EQ(-EBADMSG, presented_take(STDIN_FILENO, &taken));
	EXPECT_NULL(taken.bytes);
	close(sealed);
	close(open);
	close(long_one);
}
