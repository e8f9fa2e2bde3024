// SPDX-License-Identifier: Apache-2.0
/* What a line becomes: its directions, ports, names, namespace and conduct. */
#include <string.h>

#include "tests/config/files.h"
#include "tests/harness.h"
#include "userspace/config_prefix.h"

FIXTURE(line)
{
	struct files files;
	struct config *config;
	struct config_error error;
};

FIXTURE_SETUP(line)
{
	files_make(&self->files);
}

FIXTURE_TEARDOWN(line)
{
	config_free(self->config);
	files_remove(&self->files);
}

/* files_wide with an edit; its lines are provider (both ways), phones, web and branch. */
static const struct config *line_parse(FIXTURE_DATA(line) *self, const char *from, const char *to)
{
	_cleanup_free_ char *text = files_edit(files_wide, from, to);

	config_free(self->config);
	self->config = NULL;
	ASSERT_OK(files_parse(&self->files, text, FILES_NOW, &self->config, &self->error))
	{
		TH_LOG("%s", self->error.text);
	}
	return self->config;
}

static void line_expect_prefix(const char *expected, const struct config_line *line, size_t index)
{
	char text[CONFIG_PREFIX_LEN];

	ASSERT_LT(index, line->prefix_count);
	config_prefix_print(&line->prefixes[index], text);
	EXPECT_STREQ(expected, text);
}

/* a PBX with one trunk, in ten lines */
TEST_F(line, ten_lines_are_enough)
{
	static const char ten[] = "identity {\n"
				  "	certificate = \"@/identity.pem\"\n"
				  "	key = \"@/identity.key\"\n"
				  "}\n"
				  "trust-store = \"@/trusted\"\n"
				  "line trunk {\n"
				  "	function = sip-line\n"
				  "	remote = 192.0.2.0/24\n"
				  "	level = medium\n"
				  "}\n"
				  /* the packages have made the accounts */
				  "user = nobody group = daemon\n";
	const struct config_line *trunk;

	ASSERT_OK(files_parse(&self->files, ten, FILES_NOW, &self->config, &self->error));
	ASSERT_EQ(1, self->config->line_count);
	trunk = &self->config->lines[0];
	EXPECT_EQ(5061, trunk->port);
	EXPECT_EQ(DIRECTION_INBOUND, trunk->direction);
	EXPECT_EQ(CONFIG_ENFORCE, trunk->mode);
	EXPECT_EQ(CONFIG_CIPHERS_MEDIUM, trunk->ciphers);
	EXPECT_TRUE(trunk->resumption);
	EXPECT_TRUE(trunk->own_level);
	EXPECT_EQ(0, trunk->netns);
	EXPECT_EQ(0, trunk->rule.options);
	EXPECT_EQ(&self->config->identity, trunk->identity);
	EXPECT_EQ(1, self->config->namespace_count);
	EXPECT_STREQ("", self->config->namespaces[0].name);
	EXPECT_NULL(self->config->namespaces[0].path);
	EXPECT_EQ(0, self->config->closed_port_count);
	EXPECT_EQ(0, self->config->pbx_count);
	EXPECT_EQ(0, self->config->warning_count);
	EXPECT_FALSE(self->config->upgraded_host);
	EXPECT_TRUE(self->config->offer_id_chain);
	EXPECT_STREQ("/var/lib/linewarden", self->config->state_path);
}

TEST_F(line, ports_and_remotes_by_function)
{
	const struct config_line *lines = line_parse(self, NULL, "")->lines;

	ASSERT_EQ(5, self->config->line_count);
	EXPECT_EQ(5061, lines[0].port);
	EXPECT_EQ(5061, lines[1].port);
	EXPECT_EQ(5061, lines[2].port);
	EXPECT_EQ(443, lines[3].port);
	EXPECT_EQ(443, lines[4].port);
	line_expect_prefix("0.0.0.0/0", &lines[2], 0);
	line_expect_prefix("::/0", &lines[2], 1);
	line_expect_prefix("::/0", &lines[3], 1);
	line_expect_prefix("198.51.100.7/32", &lines[4], 0);
	EXPECT_EQ(1, lines[4].prefix_count);
}

TEST_F(line, levels_of_the_settings)
{
	const struct config_line *lines = line_parse(self, NULL, "")->lines;

	EXPECT_EQ(LEVEL_MEDIUM, lines[0].rule.level);
	EXPECT_EQ(LEVEL_MEDIUM, lines[2].rule.level);
	EXPECT_EQ(LEVEL_HIGH, lines[3].rule.level);
	EXPECT_FALSE(lines[0].own_level);
	EXPECT_TRUE(lines[4].own_level);
	EXPECT_EQ(LEVEL_HIGH, self->config->settings[FUNCTION_SETTING_MANAGEMENT]);
	EXPECT_EQ(LEVEL_MEDIUM, self->config->settings[FUNCTION_SETTING_TELEPHONY]);
}

TEST_F(line, its_own_level_wins)
{
	const struct config_line *lines =
		line_parse(self, "function = sip-phone", "function = sip-phone level = low")->lines;

	EXPECT_EQ(LEVEL_LOW, lines[2].rule.level);
	EXPECT_TRUE(lines[2].own_level);
	EXPECT_EQ(LEVEL_MEDIUM, lines[0].rule.level);
}

TEST_F(line, both_directions)
{
	const struct config_line *lines =
		line_parse(self, "direction = both", "direction = both remote-port = 5071")->lines;
	const struct config_line *in = &lines[0], *out = &lines[1];

	EXPECT_STREQ("provider", in->name);
	EXPECT_STREQ("provider", out->name);
	EXPECT_EQ(DIRECTION_INBOUND, in->direction);
	EXPECT_EQ(DIRECTION_OUTBOUND, out->direction);
	EXPECT_EQ(5061, in->port);
	EXPECT_EQ(5071, out->port);
	EXPECT_EQ(PEER_CLIENT, in->rule.peer);
	EXPECT_EQ(PEER_SERVER, out->rule.peer);
	EXPECT_EQ(ASK_REQUIRE, out->rule.ask);
	line_expect_prefix("192.0.2.0/24", in, 0);
	line_expect_prefix("192.0.2.0/24", out, 0);
	EXPECT_NE(in->prefixes, out->prefixes);
	/* nothing looks at them at this level, and they are the SNI of the other one */
	EXPECT_EQ(0, in->rule.sip_domain_count);
	EXPECT_NULL(in->server_name);
	EXPECT_STREQ("example.com", out->server_name);
}

TEST_F(line, outbound_alone)
{
	const struct config_line *lines =
		line_parse(self, "direction = both", "direction = outbound port = 5071")->lines;

	ASSERT_EQ(4, self->config->line_count);
	EXPECT_EQ(DIRECTION_OUTBOUND, lines[0].direction);
	EXPECT_EQ(5071, lines[0].port);
	EXPECT_EQ(DIRECTION_INBOUND, lines[1].direction);
}

TEST_F(line, both_directions_at_a_remote_level)
{
	const struct config_line *lines =
		line_parse(self, "direction = both",
			   "direction = both level = high+remote host-names = pbx.example.com")
			->lines;

	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(1, lines[i].rule.sip_domain_count);
		EXPECT_STREQ("example.com", lines[i].rule.sip_domains[0]);
		ASSERT_EQ(1, lines[i].rule.host_count);
		EXPECT_OK(rule_validate(&lines[i].rule));
	}
	EXPECT_NE(lines[0].rule.sip_domains, lines[1].rule.sip_domains);
}

FIXTURE(server_name)
{
	struct files files;
};

FIXTURE_VARIANT(server_name)
{
	const char *from, *to;
	const char *sent; /* NULL: none */
};

FIXTURE_SETUP(server_name)
{
	files_make(&self->files);
}

FIXTURE_TEARDOWN(server_name)
{
	files_remove(&self->files);
}

TEST_F(server_name, is_sent)
{
	_cleanup_free_ char *text = files_edit(files_wide, variant->from, variant->to);
	const struct config_line *line;
	struct config *config = NULL;
	struct config_error error;

	ASSERT_OK(files_parse(&self->files, text, FILES_NOW, &config, &error))
	{
		TH_LOG("%s", error.text);
	}
	line = config->lines;
	while (line->direction != DIRECTION_OUTBOUND)
		line++;
	if (variant->sent)
		EXPECT_STREQ(variant->sent, line->server_name);
	else
		EXPECT_NULL(line->server_name);
	config_free(config);
}

#define SENT(name, from_text, to_text, sent_text)                                                  \
	FIXTURE_VARIANT_ADD(server_name, name)                                                     \
	{                                                                                          \
		.from = from_text, .to = to_text, .sent = sent_text                                \
	}
#define DOMAINS "sip-domains = { example.com }"

SENT(domain_before_host, DOMAINS, "host-names = a.example.com sip-domains = { b.example.com, c.d }",
     "b.example.com");
SENT(host_without_domain, DOMAINS, "host-names = { 192.0.2.1, ::1, A.example.com., b.example.com }",
     "a.example.com");
SENT(a_label, DOMAINS, "sip-domains = \"b\303\274cher.example\"", "xn--bcher-kva.example");
SENT(never_an_address, DOMAINS, "host-names = { 192.0.2.1, 2001:db8::1 }", NULL);
SENT(no_name, DOMAINS, "", NULL);
SENT(ip_office, "line provider {",
     "line a { function = ip-office-line level = low remote = ::1 direction = outbound\n"
     "	host-names = { 192.0.2.1, office.example.com } }\nline provider {",
     "office.example.com");

TEST_F(line, exceptions)
{
	const struct config_line *lines =
		line_parse(self, "direction = both",
			   "direction = both exceptions = { accept-server-auth-client, "
			   "accept-missing-key-usage, strict-purpose }")
			->lines;

	EXPECT_EQ(RULE_ACCEPT_SERVER_AUTH_CLIENT | RULE_ACCEPT_MISSING_KEY_USAGE |
			  RULE_STRICT_PURPOSE,
		  lines[0].rule.options);
	/* the first is about clients */
	EXPECT_EQ(RULE_ACCEPT_MISSING_KEY_USAGE | RULE_STRICT_PURPOSE, lines[1].rule.options);
	EXPECT_EQ(0, lines[2].rule.options);
}

TEST_F(line, conduct)
{
	const struct config_line *lines =
		line_parse(self, "direction = both",
			   "direction = both mode = observe delivery = relay resumption = no "
			   "on-expiry = record")
			->lines;

	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(CONFIG_OBSERVE, lines[i].mode);
		EXPECT_FALSE(lines[i].resumption);
		EXPECT_EQ(CONFIG_EXPIRY_RECORD, lines[i].on_expiry);
		EXPECT_EQ(CONFIG_DELIVERY_RELAY, lines[i].delivery);
	}
	EXPECT_EQ(CONFIG_ENFORCE, lines[2].mode);
	EXPECT_TRUE(lines[2].resumption);
	EXPECT_EQ(CONFIG_EXPIRY_END, lines[2].on_expiry);
	EXPECT_EQ(CONFIG_DELIVERY_AUTO, lines[2].delivery);
}

/* what goes out is relayed, but for those who ask for it in place */
TEST_F(line, delivery_of_both_directions)
{
	static const struct {
		const char *text;
		enum config_delivery inbound, outbound;
	} rows[] = {
		{ "direction = both", CONFIG_DELIVERY_AUTO, CONFIG_DELIVERY_RELAY },
		{ "direction = both delivery = auto", CONFIG_DELIVERY_AUTO, CONFIG_DELIVERY_RELAY },
		{ "direction = both delivery = relay", CONFIG_DELIVERY_RELAY,
		  CONFIG_DELIVERY_RELAY },
		{ "direction = both delivery = adopt", CONFIG_DELIVERY_ADOPT,
		  CONFIG_DELIVERY_ADOPT },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct config_line *lines = line_parse(self, "direction = both", rows[i].text)
							  ->lines;

		EXPECT_EQ(DIRECTION_INBOUND, lines[0].direction);
		EXPECT_EQ(rows[i].inbound, lines[0].delivery);
		EXPECT_EQ(DIRECTION_OUTBOUND, lines[1].direction);
		EXPECT_EQ(rows[i].outbound, lines[1].delivery);
	}
}

TEST_F(line, namespaces)
{
	const struct config *config = line_parse(
		self, "line phones {",
		"line a { function = sip-phone namespace = blue }\n"
		"line b { function = sip-phone namespace = \"/run/netns/red\" }\n"
		"line c { function = sip-phone namespace = red port = 5071 }\nline phones {");

	/* the same ranges and ports as those of the line "phones", elsewhere */
	EXPECT_EQ(1, config->lines[2].netns);
	EXPECT_EQ(2, config->lines[3].netns);
	EXPECT_EQ(2, config->lines[4].netns);
	EXPECT_EQ(0, config->lines[5].netns);
	ASSERT_EQ(3, config->namespace_count);
	EXPECT_STREQ("blue", config->namespaces[1].name);
	EXPECT_STREQ("/run/netns/blue", config->namespaces[1].path);
	EXPECT_STREQ("/run/netns/red", config->namespaces[2].path);
}

TEST_F(line, too_many_namespaces)
{
	_cleanup_free_ char *text = strdup(files_wide);
	struct config_error error;
	char *more, line[96];

	for (int i = 1; i <= LW_NAMESPACES_MAX; i++) {
		snprintf(line, sizeof(line), "line n%d { function = sip-phone namespace = n%d }\n",
			 i, i);
		more = files_edit(text, NULL, line);
		free(text);
		text = more;
	}
	EXPECT_EQ(-22, files_parse(&self->files, text, FILES_NOW, &self->config, &error));
	EXPECT_STREQ("pbx.conf:62: line 'n32': namespace 'n32' is one too many; 31 are possible "
		     "beside the daemon's own",
		     error.text);
}

TEST_F(line, pbxs)
{
	_cleanup_free_ char *wide =
		files_edit(files_wide, "line provider {",
			   "pbx b { cgroup = /machine.slice/b/ unmatched = block }\n"
			   "pbx c { unit = \"kamailio%one.service\" unmatched = pass }\n"
			   "pbx d { unit = \"a-b%x.service\" }\nline provider {");
	_cleanup_free_ char *text = files_text(&self->files, wide);
	const struct config *config;

	/* an '@' would have become the folder */
	for (char *at = text; (at = strchr(at, '%'));)
		*at = '@';
	ASSERT_OK(config_parse("pbx.conf", text, strlen(text), FILES_NOW, 1, &self->config,
			       &self->error));
	config = self->config;
	ASSERT_EQ(4, config->pbx_count);
	EXPECT_STREQ("asterisk", config->pbxs[0].name);
	EXPECT_STREQ("/system.slice/asterisk.service", config->pbxs[0].cgroup);
	EXPECT_FALSE(config->pbxs[0].block_unmatched);
	EXPECT_STREQ("/machine.slice/b", config->pbxs[1].cgroup);
	EXPECT_TRUE(config->pbxs[1].block_unmatched);
	EXPECT_STREQ("/system.slice/system-kamailio.slice/kamailio@one.service",
		     config->pbxs[2].cgroup);
	EXPECT_FALSE(config->pbxs[2].block_unmatched);
	EXPECT_STREQ("/system.slice/system-a\\x2db.slice/a-b@x.service", config->pbxs[3].cgroup);
}
