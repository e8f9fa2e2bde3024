// SPDX-License-Identifier: Apache-2.0
/* The complete examples that the man page refers to: each is read as an operator would use it. */
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <stdio.h>
#include <string.h>

#include "tests/config/files.h"
#include "tests/harness.h"
#include "userspace/file.h"

FIXTURE(example)
{
	struct files files;
	struct config *config;
	struct config_error error;
};

/* telephony.p12, with the identity's own key */
static void example_make_pkcs12(const struct files *files)
{
	_cleanup_free_ char *certificate_path = files_path_of(files, "identity.pem");
	_cleanup_free_ char *key_path = files_path_of(files, "identity.key");
	_cleanup_free_ char *path = files_path_of(files, "telephony.p12");
	FILE *f = fopen(certificate_path, "r");
	X509 *certificate = PEM_read_X509(f, NULL, NULL, NULL);
	EVP_PKEY *key;
	PKCS12 *p12;

	fclose(f);
	f = fopen(key_path, "r");
	key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	fclose(f);
	p12 = PKCS12_create("geheim", NULL, key, certificate, NULL, 0, 0, 0, 0, 0);
	ASSERT_NOT_NULL(p12);
	files_put(files, "telephony.pass", 0600, "geheim\n");
	files_put(files, "telephony.p12", 0600, "");
	f = fopen(path, "w");
	ASSERT_EQ(1, i2d_PKCS12_fp(f, p12));
	fclose(f);
	PKCS12_free(p12);
	EVP_PKEY_free(key);
	X509_free(certificate);
}

FIXTURE_SETUP(example)
{
	files_make(&self->files);
	example_make_pkcs12(&self->files);
}

FIXTURE_TEARDOWN(example)
{
	config_free(self->config);
	files_remove(&self->files);
}

/* With the accounts of any host, and the folder in place of /etc/linewarden. */
static const struct config *example_read(FIXTURE_DATA(example) *self, const char *path)
{
	_cleanup_file_ struct file file = { 0 };
	_cleanup_free_ char *text = NULL, *more = NULL;
	static const char home[] = "/etc/linewarden/";

	ASSERT_OK(file_read(path, 1 << 16, &file))
	{
		TH_LOG("%s: this test runs in the top of the tree", path);
	}
	text = strndup(file.data, file.len);
	ASSERT_NULL(strchr(text, '@'));
	for (char *at; (at = strstr(text, home));) {
		*at = '@';
		memmove(at + 1, at + strlen(home) - 1, strlen(at + strlen(home) - 1) + 1);
	}
	more = files_edit(text, NULL, "\nuser = nobody\ngroup = daemon\n");
	ASSERT_OK(files_parse(&self->files, more, FILES_NOW, &self->config, &self->error))
	{
		TH_LOG("%s: %s", path, self->error.text);
	}
	return self->config;
}

TEST_F(example, small_office)
{
	const struct config *config = example_read(self, "docs/examples/small-office.conf");

	ASSERT_EQ(4, config->line_count);
	EXPECT_EQ(DIRECTION_OUTBOUND, config->lines[1].direction);
	EXPECT_STREQ("example.com", config->lines[1].server_name);
	EXPECT_EQ(FUNCTION_SIP_PHONE, config->lines[2].function);
	EXPECT_EQ(FUNCTION_ADMIN, config->lines[3].function);
	ASSERT_EQ(1, config->closed_port_count);
	EXPECT_EQ(80, config->closed_ports[0].port);
	EXPECT_EQ(1, config->pbx_count);
}

TEST_F(example, sm_and_ip_office)
{
	const struct config *config;

	files_put(&self->files, "lines.d/nord.conf", 0644,
		  "line nord { function = ip-office-line remote = 198.51.100.9 level = medium }\n");
	config = example_read(self, "docs/examples/sm-and-ip-office.conf");
	ASSERT_LT(5, config->line_count);
	EXPECT_STREQ("nord", config->lines[config->line_count - 1].name);
	EXPECT_EQ(&config->telephony, config->lines[0].identity);
	EXPECT_EQ(FUNCTION_SM_LINE, config->lines[0].function);
	EXPECT_EQ(2, config->file_count);
}

TEST_F(example, high_trust_domain)
{
	const struct config *config = example_read(self, "docs/examples/high-trust-domain.conf");

	for (size_t i = 0; i < config->line_count; i++)
		EXPECT_LE(LEVEL_HIGH, config->lines[i].rule.level);
	EXPECT_EQ(CRL_REQUIRE, config->crl);
	EXPECT_TRUE(config->pbxs[0].block_unmatched);
}
