// SPDX-License-Identifier: Apache-2.0
/* Identities of PKCS#12 files, the telephony identity, and the chain that is offered. */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/config/files.h"
#include "tests/harness.h"
#include "userspace/expiry.h"

FIXTURE(pkcs12)
{
	struct files files;
	struct config *config;
	struct config_error error;
	X509 *certificate, *middle, *ca;
	EVP_PKEY *key, *other;
	struct expiry expiry;
};

static X509 *pkcs12_read_certificate(const struct files *files, const char *name, int skip)
{
	_cleanup_free_ char *path = files_path_of(files, name);
	FILE *f = fopen(path, "r");
	X509 *certificate = NULL;

	ASSERT_NOT_NULL(f);
	for (int i = 0; i <= skip; i++) {
		X509_free(certificate);
		certificate = PEM_read_X509(f, NULL, NULL, NULL);
		ASSERT_NOT_NULL(certificate);
	}
	fclose(f);
	return certificate;
}

static EVP_PKEY *pkcs12_read_key(const struct files *files, const char *name)
{
	_cleanup_free_ char *path = files_path_of(files, name);
	FILE *f = fopen(path, "r");
	EVP_PKEY *key = f ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;

	ASSERT_NOT_NULL(key);
	fclose(f);
	return key;
}

FIXTURE_SETUP(pkcs12)
{
	files_make(&self->files);
	self->certificate = pkcs12_read_certificate(&self->files, "identity.pem", 0);
	self->middle = pkcs12_read_certificate(&self->files, "identity.pem", 1);
	self->ca = pkcs12_read_certificate(&self->files, "trusted/ca.pem", 0);
	self->key = pkcs12_read_key(&self->files, "identity.key");
	self->other = pkcs12_read_key(&self->files, "other.key");
	files_put(&self->files, "pass", 0600, "geheim\r\nsecond line\n");
}

FIXTURE_TEARDOWN(pkcs12)
{
	config_free(self->config);
	X509_free(self->certificate);
	X509_free(self->middle);
	X509_free(self->ca);
	EVP_PKEY_free(self->key);
	EVP_PKEY_free(self->other);
	files_remove(&self->files);
}

struct pkcs12_parts {
	const char *passphrase;
	EVP_PKEY *key;
	X509 *certificate;
	X509 *chain[3]; /* as many as there are before a NULL */
	int algorithm; /* NID; 0: the default */
};

static void pkcs12_write(FIXTURE_DATA(pkcs12) *self, const struct pkcs12_parts *parts)
{
	_cleanup_free_ char *path = files_path_of(&self->files, "identity.p12");
	STACK_OF(X509) *chain = sk_X509_new_null();
	PKCS12 *p12;
	FILE *f;

	for (size_t i = 0; i < 3 && parts->chain[i]; i++)
		ASSERT_LT(0, sk_X509_push(chain, parts->chain[i]));
	p12 = PKCS12_create(parts->passphrase, NULL, parts->key, parts->certificate, chain,
			    parts->algorithm, parts->algorithm, 0, 0, 0);
	ASSERT_NOT_NULL(p12)
	{
		ERR_print_errors_fp(stdout);
	}
	files_put(&self->files, "identity.p12", 0600, "");
	f = fopen(path, "w");
	ASSERT_NOT_NULL(f);
	ASSERT_EQ(1, i2d_PKCS12_fp(f, p12));
	fclose(f);
	PKCS12_free(p12);
	sk_X509_free(chain);
}

#define PEM_KEYS "	certificate = \"@/identity.pem\" # and its chain\n	key = \"@/identity.key\"\n"
#define P12 "	pkcs12 = \"@/identity.p12\"\n"
#define PASS P12 "	passphrase-file = \"@/pass\"\n"

/* files_good with other keys in its identity: the first of them is on line 2 */
static int pkcs12_parse(FIXTURE_DATA(pkcs12) *self, const char *keys)
{
	_cleanup_free_ char *text = files_edit(files_good, PEM_KEYS, keys);

	return files_parse(&self->files, text, FILES_NOW, &self->config, &self->error);
}

static void pkcs12_refuse(FIXTURE_DATA(pkcs12) *self, const char *keys, const char *message)
{
	_cleanup_free_ char *expected = files_text(&self->files, message);

	EXPECT_EQ(-EINVAL, pkcs12_parse(self, keys));
	EXPECT_STREQ(expected, self->error.text);
}

static void pkcs12_accept(FIXTURE_DATA(pkcs12) *self, const char *keys)
{
	ASSERT_OK(pkcs12_parse(self, keys))
	{
		TH_LOG("%s", self->error.text);
	}
	EXPECT_EQ(0, X509_cmp(self->certificate, self->config->identity.certificate));
	EXPECT_EQ(1, X509_check_private_key(self->certificate, self->config->identity.key));
}

TEST_F(pkcs12, passphrase_of_a_file)
{
	const STACK_OF(X509) *chain;

	/* in the order of issuing, whatever that of the file is; what is not of the chain is not */
	pkcs12_write(self, &(struct pkcs12_parts){ .passphrase = "geheim", .key = self->key,
						   .certificate = self->certificate,
						   .chain = { self->ca, self->middle } });
	pkcs12_accept(self, PASS);
	chain = self->config->identity.chain;
	ASSERT_EQ(2, sk_X509_num(chain));
	EXPECT_EQ(2, self->config->identity.chain_own);
	EXPECT_EQ(0, X509_cmp(self->middle, sk_X509_value(chain, 0)));
	EXPECT_EQ(0, X509_cmp(self->ca, sk_X509_value(chain, 1)));
}

TEST_F(pkcs12, passphrase_of_a_credential)
{
	pkcs12_write(self, &(struct pkcs12_parts){ .passphrase = "geheim", .key = self->key,
						   .certificate = self->certificate });
	setenv("CREDENTIALS_DIRECTORY", self->files.folder, 1);
	pkcs12_accept(self, P12 "	passphrase-credential = pass\n");
	unsetenv("CREDENTIALS_DIRECTORY");
}

TEST_F(pkcs12, credential_missing)
{
	setenv("CREDENTIALS_DIRECTORY", self->files.folder, 1);
	pkcs12_refuse(self, P12 "	passphrase-credential = gone\n",
		      "pbx.conf:3: identity: passphrase-credential 'gone': @/gone: No such file or "
		      "directory");
	unsetenv("CREDENTIALS_DIRECTORY");
}

TEST_F(pkcs12, no_credentials)
{
	unsetenv("CREDENTIALS_DIRECTORY");
	pkcs12_refuse(self, P12 "	passphrase-credential = pass\n",
		      "pbx.conf:3: identity: passphrase-credential 'pass': this process has no "
		      "credentials; add LoadCredential=pass:/path/to/file to the unit");
}

TEST_F(pkcs12, credential_elsewhere)
{
	setenv("CREDENTIALS_DIRECTORY", self->files.folder, 1);
	pkcs12_refuse(self, P12 "	passphrase-credential = ../pass\n",
		      "pbx.conf:3: identity: passphrase-credential '../pass' is no name; write the "
		      "one that LoadCredential= gives it");
	unsetenv("CREDENTIALS_DIRECTORY");
}

TEST_F(pkcs12, empty_passphrase)
{
	pkcs12_write(self, &(struct pkcs12_parts){ .passphrase = "", .key = self->key,
						   .certificate = self->certificate });
	pkcs12_accept(self, P12);
}

TEST_F(pkcs12, no_passphrase_at_all)
{
	pkcs12_write(self, &(struct pkcs12_parts){ .key = self->key,
						   .certificate = self->certificate });
	pkcs12_accept(self, P12);
}

TEST_F(pkcs12, wrong_passphrase)
{
	pkcs12_write(self, &(struct pkcs12_parts){ .passphrase = "other", .key = self->key,
						   .certificate = self->certificate });
	pkcs12_refuse(self, PASS,
		      "pbx.conf:2: identity: @/identity.p12: this is not its passphrase");
	pkcs12_refuse(self, P12,
		      "pbx.conf:2: identity: @/identity.p12: it has a passphrase; write "
		      "passphrase-file = \"/path/to/file\"");
}

TEST_F(pkcs12, no_key_in_it)
{
	pkcs12_write(self, &(struct pkcs12_parts){ .passphrase = "geheim",
						   .certificate = self->certificate });
	pkcs12_refuse(self, PASS,
		      "pbx.conf:2: identity: @/identity.p12: there is no private key in it; export "
		      "it with its key");
}

TEST_F(pkcs12, key_of_another_certificate)
{
	pkcs12_write(self, &(struct pkcs12_parts){ .passphrase = "geheim", .key = self->other,
						   .chain = { self->certificate } });
	pkcs12_refuse(self, PASS,
		      "pbx.conf:2: identity: @/identity.p12: the private key in it belongs to none "
		      "of its certificates");
}

/* as older Windows and OpenSSL exported it */
TEST_F(pkcs12, legacy_algorithm)
{
	OSSL_PROVIDER *legacy = OSSL_PROVIDER_load(NULL, "legacy");
	OSSL_PROVIDER *usual = OSSL_PROVIDER_load(NULL, "default");

	ASSERT_NOT_NULL(legacy);
	pkcs12_write(self,
		     &(struct pkcs12_parts){ .passphrase = "geheim", .key = self->key,
					     .certificate = self->certificate,
					     .algorithm = NID_pbe_WithSHA1And40BitRC2_CBC });
	OSSL_PROVIDER_unload(legacy);
	pkcs12_refuse(self, PASS,
		      "pbx.conf:2: identity: @/identity.p12: it is encrypted with an algorithm that "
		      "OpenSSL keeps for old files alone, such as RC2-40; make it anew with `openssl "
		      "pkcs12 -legacy -in OLD.p12 -nodes | openssl pkcs12 -export -out NEW.p12`");
	OSSL_PROVIDER_unload(usual);
}

TEST_F(pkcs12, out_of_date)
{
	_cleanup_free_ char *text = files_edit(files_good, PEM_KEYS, PASS);
	_cleanup_free_ char *expected = files_text(
		&self->files, "pbx.conf:2: identity: @/identity.p12: the certificate has expired; "
			      "renew it");

	pkcs12_write(self, &(struct pkcs12_parts){ .passphrase = "geheim", .key = self->key,
						   .certificate = self->certificate });
	EXPECT_EQ(-EINVAL, files_parse(&self->files, text, FILES_NOW + FILES_DAY + 1, &self->config,
				       &self->error));
	EXPECT_STREQ(expected, self->error.text);
}

TEST_F(pkcs12, open_to_others)
{
	_cleanup_free_ char *path = files_path_of(&self->files, "identity.p12");

	pkcs12_write(self, &(struct pkcs12_parts){ .passphrase = "geheim", .key = self->key,
						   .certificate = self->certificate });
	ASSERT_OK(chmod(path, 0640));
	pkcs12_refuse(self, PASS,
		      "pbx.conf:2: identity: @/identity.p12: others than its owner have access to "
		      "the private key (mode 0640); run chmod 600 on it");
}

TEST_F(pkcs12, passphrase_open_to_others)
{
	files_put(&self->files, "pass", 0604, "geheim\n");
	pkcs12_refuse(self, PASS,
		      "pbx.conf:3: identity: @/pass: others than its owner have access to the "
		      "passphrase (mode 0604); run chmod 600 on it");
}

TEST_F(pkcs12, passphrase_empty)
{
	files_put(&self->files, "pass", 0600, "\ngeheim\n");
	pkcs12_refuse(self, PASS,
		      "pbx.conf:3: identity: @/pass: its first line is empty; the passphrase goes "
		      "there");
}

TEST_F(pkcs12, is_pem)
{
	_cleanup_free_ char *from = files_edit(P12, ".p12", ".key");

	pkcs12_refuse(self, from,
		      "pbx.conf:2: identity: @/identity.key: it is PEM; name it as certificate and "
		      "key");
}

TEST_F(pkcs12, is_nothing)
{
	files_put(&self->files, "identity.p12", 0600, "0");
	pkcs12_refuse(self, P12, "pbx.conf:2: identity: @/identity.p12: there is no PKCS#12 in it");
}

TEST_F(pkcs12, two_kinds_of_identity)
{
	pkcs12_refuse(self, P12 "	key = \"@/identity.key\"\n",
		      "pbx.conf:3: identity: key is not used beside pkcs12, which holds certificate "
		      "and key; remove it");
	pkcs12_refuse(self, PEM_KEYS "	passphrase-file = \"@/pass\"\n",
		      "pbx.conf:4: identity: passphrase-file is for pkcs12 alone; remove it");
	pkcs12_refuse(self, PASS "	passphrase-credential = pass\n",
		      "pbx.conf:4: identity: passphrase-file and passphrase-credential are both "
		      "there; keep one of them");
	pkcs12_refuse(self, P12 "	passphrase-file = pass\n",
		      "pbx.conf:3: identity: passphrase-file 'pass' does not start with '/'; write "
		      "the whole path");
}

/* --- the telephony identity --- */

TEST_F(pkcs12, telephony_identity)
{
	_cleanup_free_ char *text =
		files_edit(files_wide, NULL, "telephony-identity {\n" PASS "}\n");
	const struct config *config;

	pkcs12_write(self, &(struct pkcs12_parts){ .passphrase = "geheim", .key = self->key,
						   .certificate = self->certificate });
	ASSERT_OK(files_parse(&self->files, text, FILES_NOW, &self->config, &self->error));
	config = self->config;
	ASSERT_NOT_NULL(config->telephony.certificate);
	for (size_t i = 0; i < config->line_count; i++)
		EXPECT_EQ(config->lines[i].function == FUNCTION_ADMIN ? &config->identity :
									&config->telephony,
			  config->lines[i].identity);
	/* both are watched; what a chain has of the store is there twice already */
	expiry_find(config, FILES_NOW, &self->expiry);
	ASSERT_EQ(5, self->expiry.total);
	EXPECT_STREQ("identity certificate", self->expiry.items[0].what);
	EXPECT_STREQ("identity chain", self->expiry.items[1].what);
	EXPECT_STREQ("telephony identity certificate", self->expiry.items[2].what);
	EXPECT_STREQ("trust store", self->expiry.items[3].what);
}

TEST_F(pkcs12, telephony_identity_mistake)
{
	pkcs12_refuse(self, PEM_KEYS "}\ntelephony-identity {\n	certificate = \"@/gone.pem\"\n"
				     "	key = \"@/identity.key\"\n",
		      "pbx.conf:6: telephony-identity: @/gone.pem: No such file or directory");
	pkcs12_refuse(self, PEM_KEYS "}\ntelephony-identity {\n}\ntelephony-identity {\n",
		      "pbx.conf: telephony-identity is there twice; keep one of them");
}

/* --- what is offered --- */

TEST_F(pkcs12, chain_of_the_store)
{
	pkcs12_write(self, &(struct pkcs12_parts){ .passphrase = "geheim", .key = self->key,
						   .certificate = self->certificate });
	pkcs12_accept(self, PASS);
	/* the store has both; a root is not offered */
	ASSERT_EQ(1, sk_X509_num(self->config->identity.chain));
	EXPECT_EQ(0, self->config->identity.chain_own);
	EXPECT_EQ(0, X509_cmp(self->middle, sk_X509_value(self->config->identity.chain, 0)));
}

TEST_F(pkcs12, no_chain_is_offered)
{
	pkcs12_accept(self, PEM_KEYS "}\noffer-id-chain = no\ntelephony-identity {\n" PEM_KEYS);
	EXPECT_EQ(0, sk_X509_num(self->config->identity.chain));
	EXPECT_EQ(0, sk_X509_num(self->config->telephony.chain));
}
