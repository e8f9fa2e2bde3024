// SPDX-License-Identifier: Apache-2.0
/* What an accepted configuration warns of. */
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "tests/config/files.h"
#include "tests/harness.h"

FIXTURE(warning)
{
	struct files files;
	struct config *config;
	struct config_error error;
};

FIXTURE_SETUP(warning)
{
	files_make(&self->files);
}

FIXTURE_TEARDOWN(warning)
{
	config_free(self->config);
	files_remove(&self->files);
}

/* The identity anew, signed by itself, with an extended key usage. */
static void warning_usage(const struct files *files, const char *usage)
{
	_cleanup_free_ char *key_path = files_path_of(files, "identity.key");
	_cleanup_free_ char *path = files_path_of(files, "identity.pem");
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_ext_key_usage, usage);
	FILE *f = fopen(key_path, "r");
	EVP_PKEY *key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	X509 *certificate;

	ASSERT_NOT_NULL(key);
	fclose(f);
	f = fopen(path, "r+");
	certificate = PEM_read_X509(f, NULL, NULL, NULL);
	ASSERT_EQ(1, X509_add_ext(certificate, extension, -1));
	ASSERT_LT(0, X509_sign(certificate, key, EVP_sha256()));
	rewind(f);
	/* it has grown over what was the beginning of its chain: there is none now */
	f = freopen(path, "w", f);
	ASSERT_EQ(1, PEM_write_X509(f, certificate));
	fclose(f);
	X509_EXTENSION_free(extension);
	X509_free(certificate);
	EVP_PKEY_free(key);
}

static void warning_expect(FIXTURE_DATA(warning) *self, const char *first, const char *second)
{
	ASSERT_OK(files_parse(&self->files, files_wide, FILES_NOW, &self->config, &self->error))
	{
		TH_LOG("%s", self->error.text);
	}
	ASSERT_EQ(!!first + !!second, self->config->warning_count);
	if (first)
		EXPECT_STREQ(first, self->config->warnings[0]);
	if (second)
		EXPECT_STREQ(second, self->config->warnings[1]);
}

#define AS_SERVER                                                                                  \
	"pbx.conf:18: line 'provider': the identity certificate (CN=pbx) is shown as a TLS server, " \
	"and its extended key usage has no serverAuth: peers that check it refuse it; have it "      \
	"issued with both uses"
#define AS_CLIENT                                                                                  \
	"pbx.conf:18: line 'provider': the identity certificate (CN=pbx) is shown as a TLS client, " \
	"and its extended key usage has no clientAuth: peers that check it refuse it; have it "      \
	"issued with both uses"

TEST_F(warning, no_usage_at_all)
{
	warning_expect(self, NULL, NULL);
}

TEST_F(warning, both_usages)
{
	warning_usage(&self->files, "serverAuth,clientAuth");
	warning_expect(self, NULL, NULL);
}

TEST_F(warning, any_usage)
{
	warning_usage(&self->files, "anyExtendedKeyUsage");
	warning_expect(self, NULL, NULL);
}

TEST_F(warning, server_alone)
{
	warning_usage(&self->files, "serverAuth");
	warning_expect(self, AS_CLIENT, NULL);
}

TEST_F(warning, client_alone)
{
	warning_usage(&self->files, "clientAuth");
	warning_expect(self, AS_SERVER, NULL);
}

TEST_F(warning, neither)
{
	warning_usage(&self->files, "codeSigning");
	warning_expect(self, AS_SERVER, AS_CLIENT);
}

static size_t warning_count(FIXTURE_DATA(warning) *self, const char *store, const char *level)
{
	_cleanup_free_ char *elsewhere = files_edit(files_good, "@/trusted", store);
	_cleanup_free_ char *leveled = files_edit(elsewhere, "level = medium", level);
	_cleanup_free_ char *text = files_edit(leveled, NULL, "crl = require\n");
	size_t count;

	ASSERT_OK(files_parse(&self->files, text, FILES_NOW, &self->config, &self->error));
	count = self->config->warning_count;
	if (count)
		EXPECT_STREQ("pbx.conf:13: line 'trunk-a': crl = require, and the trust store has "
			     "no revocation list: every certificate is refused; add the "
			     "authorities' lists, or write crl = prefer",
			     self->config->warnings[0]);
	config_free(self->config);
	self->config = NULL;
	return count;
}

TEST_F(warning, revocation_lists)
{
	EXPECT_EQ(1, warning_count(self, "@/trusted", "level = medium"));
	/* there are lists; the store is not looked at */
	EXPECT_EQ(0, warning_count(self, "@/mixed", "level = medium"));
	EXPECT_EQ(0, warning_count(self, "@/trusted", "level = low"));
}
