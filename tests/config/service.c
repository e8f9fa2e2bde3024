// SPDX-License-Identifier: Apache-2.0
/* The six Service Security Levels of admin services, and the ports that they close. */
#include <stdio.h>
#include <string.h>

#include "tests/config/files.h"
#include "tests/harness.h"

FIXTURE(service)
{
	struct files files;
};

FIXTURE_VARIANT(service)
{
	const char *security;
	bool served;
	enum config_ciphers ciphers;
	enum certificate_ask ask;
	uint16_t closed[2]; /* in their order; 0: none */
};

FIXTURE_SETUP(service)
{
	files_make(&self->files);
}

FIXTURE_TEARDOWN(service)
{
	files_remove(&self->files);
}

static struct config *service_parse(const struct files *files, const char *from, const char *to)
{
	_cleanup_free_ char *text = files_edit(files_wide, from, to);
	struct config *config = NULL;
	struct config_error error;

	ASSERT_OK(files_parse(files, text, FILES_NOW, &config, &error))
	{
		TH_LOG("%s", error.text);
	}
	return config;
}

static const struct config_line *service_find(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->line_count; i++) {
		if (strcmp(config->lines[i].name, name) == 0)
			return &config->lines[i];
	}
	return NULL;
}

static void service_expect_closed(const struct config *config, const uint16_t *ports, size_t count)
{
	ASSERT_EQ(count, config->closed_port_count);
	for (size_t i = 0; i < count; i++) {
		EXPECT_EQ(ports[i], config->closed_ports[i].port);
		EXPECT_EQ(0, config->closed_ports[i].netns);
	}
}

TEST_F(service, level)
{
	char line[160];
	const struct config_line *found;
	struct config *config;
	size_t closed = !!variant->closed[0] + !!variant->closed[1];

	/* a port of its own, so that no other line is served on it */
	snprintf(line, sizeof(line), "port = 8443\n	service-security = %s\n	plain-port = 80",
		 variant->security);
	config = service_parse(&self->files, "plain-port = 80", line);
	found = service_find(config, "web");
	EXPECT_EQ(variant->served, found != NULL);
	EXPECT_EQ(variant->served ? 0 : 1, config->closed_line_count);
	if (found) {
		EXPECT_EQ(variant->ciphers, found->ciphers);
		EXPECT_EQ(variant->ask, found->rule.ask);
		EXPECT_EQ(80, found->plain_port);
	} else {
		EXPECT_STREQ("web", config->closed_lines[0].name);
	}
	service_expect_closed(config, variant->closed, closed);
	config_free(config);
}

FIXTURE_VARIANT_ADD(service, disabled) { .security = "disabled", .closed = { 80, 8443 } };
FIXTURE_VARIANT_ADD(service, unsecure_only) { .security = "unsecure-only", .closed = { 8443 } };
FIXTURE_VARIANT_ADD(service, unsecure_secure)
{
	.security = "unsecure+secure", .served = true, .ciphers = CONFIG_CIPHERS_LOW,
	.ask = ASK_NONE,
};
FIXTURE_VARIANT_ADD(service, secure_low)
{
	.security = "secure-low", .served = true, .ciphers = CONFIG_CIPHERS_LOW,
	.ask = ASK_NONE, .closed = { 80 },
};
FIXTURE_VARIANT_ADD(service, secure_medium)
{
	.security = "secure-medium", .served = true, .ciphers = CONFIG_CIPHERS_MEDIUM,
	.ask = ASK_NONE, .closed = { 80 },
};
FIXTURE_VARIANT_ADD(service, secure_high)
{
	.security = "secure-high", .served = true, .ciphers = CONFIG_CIPHERS_HIGH,
	.ask = ASK_REQUIRE, .closed = { 80 },
};

FIXTURE(service_ports)
{
	struct files files;
	struct config *config;
};

FIXTURE_SETUP(service_ports)
{
	files_make(&self->files);
}

FIXTURE_TEARDOWN(service_ports)
{
	config_free(self->config);
	files_remove(&self->files);
}

TEST_F(service_ports, medium_is_the_default)
{
	self->config = service_parse(&self->files, NULL, "");
	EXPECT_EQ(CONFIG_SECURITY_SECURE_MEDIUM, service_find(self->config, "web")->security);
	EXPECT_EQ(ASK_NONE, service_find(self->config, "web")->rule.ask);
	service_expect_closed(self->config, (uint16_t[]){ 80 }, 1);
}

TEST_F(service_ports, plain_port_has_no_default)
{
	self->config = service_parse(&self->files, "	plain-port = 80\n", "");
	service_expect_closed(self->config, NULL, 0);
}

/* port 443 stays open for the line "branch"; the administrators are of no line then */
TEST_F(service_ports, shared_port_stays_open)
{
	self->config = service_parse(&self->files, "plain-port = 80", "service-security = disabled");
	EXPECT_NULL(service_find(self->config, "web"));
	EXPECT_EQ(443, service_find(self->config, "branch")->port);
	service_expect_closed(self->config, NULL, 0);
}

/* the other line connects to that port of its peer, and leaves this host's alone */
TEST_F(service_ports, outbound_does_not_keep_a_port_open)
{
	self->config = service_parse(&self->files, "line branch {\n	function = ip-office-line",
				     "line b { function = admin service-security = disabled "
				     "port = 5071 }\n"
				     "line branch { port = 5071\n	function = ip-office-line"
				     "\n	direction = outbound");
	service_expect_closed(self->config, (uint16_t[]){ 80, 5071 }, 2);
}

TEST_F(service_ports, closed_once)
{
	self->config = service_parse(&self->files, "line branch {",
				     "line b { function = admin plain-port = 80 remote = ::1 }\n"
				     "line branch {");
	service_expect_closed(self->config, (uint16_t[]){ 80 }, 1);
}

/* what is open in one namespace is no contradiction to what is closed in another */
TEST_F(service_ports, namespaces_are_apart)
{
	self->config = service_parse(&self->files, "line branch {",
				     "line b { function = admin plain-port = 80 namespace = blue\n"
				     "	service-security = unsecure+secure }\n"
				     "line c { function = admin plain-port = 8080 namespace = blue\n"
				     "	port = 8443 service-security = disabled }\n"
				     "line branch {");
	ASSERT_EQ(3, self->config->closed_port_count);
	EXPECT_EQ(80, self->config->closed_ports[0].port);
	EXPECT_EQ(0, self->config->closed_ports[0].netns);
	EXPECT_EQ(8080, self->config->closed_ports[1].port);
	EXPECT_EQ(1, self->config->closed_ports[1].netns);
	EXPECT_EQ(8443, self->config->closed_ports[2].port);
	EXPECT_EQ(1, self->config->closed_ports[2].netns);
}
