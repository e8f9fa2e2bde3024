// SPDX-License-Identifier: Apache-2.0
/* What an accepted configuration holds. */
#include <grp.h>
#include <netinet/in.h>
#include <openssl/x509.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "tests/config/files.h"
#include "tests/harness.h"
#include "userspace/config_prefix.h"

FIXTURE(good)
{
	struct files files;
	struct config *config;
	struct config_error error;
};

FIXTURE_SETUP(good)
{
	files_make(&self->files);
}

FIXTURE_TEARDOWN(good)
{
	config_free(self->config);
	files_remove(&self->files);
}

static const struct config *good_parse(FIXTURE_DATA(good) *self, const char *text)
{
	ASSERT_OK(files_parse(&self->files, text, FILES_NOW, &self->config, &self->error))
	{
		TH_LOG("%s", self->error.text);
	}
	EXPECT_STREQ("", self->error.text);
	return self->config;
}

TEST_F(good, lines)
{
	const struct config *config = good_parse(self, files_good);
	const struct config_line *trunk = &config->lines[0], *phones = &config->lines[1];
	char text[CONFIG_PREFIX_LEN];

	ASSERT_EQ(2, config->line_count);
	EXPECT_STREQ("trunk-a", trunk->name);
	EXPECT_EQ(FUNCTION_SIP_LINE, trunk->function);
	EXPECT_EQ(5061, trunk->port);
	EXPECT_EQ(LEVEL_MEDIUM, trunk->rule.level);
	EXPECT_EQ(PEER_CLIENT, trunk->rule.peer);
	EXPECT_EQ(ASK_REQUIRE, trunk->rule.ask);
	EXPECT_TRUE(trunk->rule.sip);
	EXPECT_EQ(0, trunk->rule.options);
	ASSERT_EQ(2, trunk->prefix_count);
	EXPECT_EQ(AF_INET, trunk->prefixes[0].family);
	EXPECT_EQ(120, trunk->prefixes[0].length);
	EXPECT_MEMEQ("\0\0\0\0\0\0\0\0\0\0\377\377\300\0\2\0", trunk->prefixes[0].addr, 16);
	EXPECT_EQ(AF_INET6, trunk->prefixes[1].family);
	config_prefix_print(&trunk->prefixes[1], text);
	EXPECT_STREQ("2001:db8:1::/48", text);
	EXPECT_STREQ("phones", phones->name);
	EXPECT_EQ(ASK_REQUEST, phones->rule.ask);
	ASSERT_EQ(1, phones->prefix_count);
}

TEST_F(good, defaults)
{
	const struct config *config = good_parse(self, files_good);

	EXPECT_EQ(CONFIG_KTLS_REQUIRE, config->ktls);
	EXPECT_EQ(CRL_PREFER, config->lines[0].rule.crl);
	EXPECT_EQ(60, config->expiry_warning);
	EXPECT_EQ(0, config->workers);
	EXPECT_EQ(10, config->handshake_timeout);
	EXPECT_EQ(1000, config->connect_timeout);
	EXPECT_EQ(4096, config->max_handshakes);
	EXPECT_STREQ("/var/log/linewarden/audit.jsonl", config->audit_log);
	EXPECT_STREQ("/sys/fs/bpf/linewarden", config->pin_path);
	EXPECT_STREQ("/run/linewarden", config->run_path);
	EXPECT_STREQ("", config->cgroup);
}

TEST_F(good, files_are_read)
{
	const struct config *config = good_parse(self, files_good);

	ASSERT_NOT_NULL(config->identity.certificate);
	EXPECT_EQ(1, X509_check_private_key(config->identity.certificate, config->identity.key));
	EXPECT_EQ(1, sk_X509_num(config->identity.chain));
	EXPECT_EQ(2, store_count(config->trust));
	EXPECT_EQ(7, store_generation(config->trust));
}

TEST_F(good, accounts)
{
	const struct config *config = good_parse(self, files_good);

	EXPECT_STREQ("nobody", config->user);
	EXPECT_EQ(getpwnam("nobody")->pw_uid, config->uid);
	EXPECT_EQ(getpwnam("nobody")->pw_gid, config->gid);
	EXPECT_STREQ("daemon", config->group);
	EXPECT_EQ(getgrnam("daemon")->gr_gid, config->control_gid);
}

TEST_F(good, every_setting)
{
	_cleanup_free_ char *text = files_edit(files_good, NULL,
					       "crl = require\n"
					       "expiry-warning = 3650\n"
					       "ktls = prefer\n"
					       "workers = 2\n"
					       "handshake-timeout = 300\n"
					       "connect-timeout = 100\n"
					       "max-handshakes = 1\n"
					       "audit-log = /a/b.jsonl\n"
					       "pin-path = /c\n"
					       "run-path = /d\n"
					       "cgroup = \"/sys/fs/cgroup/pbx\"\n");
	const struct config *config = good_parse(self, text);

	EXPECT_EQ(CRL_REQUIRE, config->crl);
	EXPECT_EQ(CRL_REQUIRE, config->lines[0].rule.crl);
	EXPECT_EQ(CRL_REQUIRE, config->lines[1].rule.crl);
	EXPECT_EQ(3650, config->expiry_warning);
	EXPECT_EQ(CONFIG_KTLS_PREFER, config->ktls);
	EXPECT_EQ(2, config->workers);
	EXPECT_EQ(300, config->handshake_timeout);
	EXPECT_EQ(100, config->connect_timeout);
	EXPECT_EQ(1, config->max_handshakes);
	EXPECT_STREQ("/a/b.jsonl", config->audit_log);
	EXPECT_STREQ("/c", config->pin_path);
	EXPECT_STREQ("/d", config->run_path);
	EXPECT_STREQ("/sys/fs/cgroup/pbx", config->cgroup);
}

TEST_F(good, remote_names)
{
	_cleanup_free_ char *text =
		files_edit(files_good, "level = medium",
			   "level = high+remote\n"
			   "	host-names = { pbx.example.com, 2001:db8::7 }\n"
			   "	sip-domains = { example.com, example.net, }");
	const struct rule *rule = &good_parse(self, text)->lines[0].rule;

	EXPECT_EQ(LEVEL_HIGH_REMOTE, rule->level);
	ASSERT_EQ(2, rule->host_count);
	EXPECT_STREQ("pbx.example.com", rule->hosts[0]);
	EXPECT_STREQ("2001:db8::7", rule->hosts[1]);
	ASSERT_EQ(2, rule->sip_domain_count);
	EXPECT_STREQ("example.net", rule->sip_domains[1]);
}

/* none and low do not look at the store, so that a host without one can begin there */
TEST_F(good, without_trust_store)
{
	_cleanup_free_ char *no_store = files_edit(files_good, "trust-store = \"@/trusted\"\n", "");
	_cleanup_free_ char *text = files_edit(no_store, "level = medium", "level = none");

	EXPECT_EQ(0, store_count(good_parse(self, text)->trust));
}

TEST_F(good, one_trusted_file)
{
	_cleanup_free_ char *text = files_edit(files_good, "@/trusted", "@/trusted/ca.pem");

	EXPECT_EQ(1, store_count(good_parse(self, text)->trust));
}

/* the longest prefix wins, so that one range within another is no contradiction */
TEST_F(good, range_within_a_range)
{
	_cleanup_free_ char *text = files_edit(files_good, "10.0.0.0/8", "192.0.2.128/25");

	good_parse(self, text);
}

TEST_F(good, windows_line_ends)
{
	_cleanup_free_ char *text = files_edit(files_good, "port = 5061\n", "port = 5061\r\n");

	good_parse(self, text);
}

TEST_F(good, loaded_from_a_file)
{
	_cleanup_free_ char *text = files_text(&self->files, files_good);
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/pbx.conf", self->files.folder);
	f = fopen(path, "w");
	ASSERT_NOT_NULL(f);
	ASSERT_LE(0, fputs(text, f));
	fclose(f);
	ASSERT_OK(config_load(path, FILES_NOW, 1, &self->config, &self->error));
	EXPECT_EQ(2, self->config->line_count);
}

/* both ends of the validity are part of it (RFC 5280 section 4.1.2.5) */
TEST_F(good, last_second_of_the_identity)
{
	ASSERT_OK(files_parse(&self->files, files_good, FILES_NOW + FILES_DAY, &self->config,
			      &self->error));
}

TEST_F(good, first_second_of_the_identity)
{
	ASSERT_OK(files_parse(&self->files, files_good, FILES_NOW - FILES_DAY, &self->config,
			      &self->error));
}
