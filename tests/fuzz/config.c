// SPDX-License-Identifier: Apache-2.0
/* Configuration files of anything: accepted as a whole, or refused with one line that says why. */
#include "tests/fuzz/config.h"

#include <errno.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/cleanup.h"
#include "policy/name.h"
#include "tests/fuzz/fixed.h"
#include "tests/fuzz/target.h"
#include "userspace/config.h"
#include "userspace/config_prefix.h"
#include "userspace/config_text.h"

/* a file in memory that CONFIG_CERTIFICATE and the like are the path of */
static FILE *config_open(const char *path)
{
	int want = atoi(strrchr(path, '/') + 1), fd = memfd_create("fuzz", MFD_CLOEXEC);

	REQUIRE(fd >= 0 && fchmod(fd, 0600) == 0 && dup2(fd, want) == want);
	close(fd);

	FILE *file = fdopen(dup(want), "w");

	REQUIRE(file);
	return file;
}

static void config_make_files(void)
{
	FILE *file = config_open(CONFIG_CERTIFICATE);

	PEM_write_X509(file, fixed_certificate(FIXED_SERVER));
	PEM_write_X509(file, fixed_certificate(FIXED_INTERMEDIATE));
	REQUIRE(fclose(file) == 0);
	file = config_open(CONFIG_KEY);
	PEM_write_PrivateKey(file, fixed_key(FIXED_SERVER), NULL, NULL, 0, NULL, NULL);
	REQUIRE(fclose(file) == 0);
	file = config_open(CONFIG_TRUST);
	PEM_write_X509(file, fixed_certificate(FIXED_ROOT));
	REQUIRE(fclose(file) == 0);
	file = config_open(CONFIG_LINES);
	REQUIRE(fputs("line more { function = sip-line remote = 10.77.0.0/16 level = low }\n",
		      file) >= 0);
	REQUIRE(fclose(file) == 0);
}

/* config_parse() with both streams caught: a parser of a daemon has nothing to print */
static int config_parse_silently(const char *buf, size_t len, struct config **config,
				 struct config_error *error)
{
	static FILE *caught;
	static char *text;
	static size_t size;
	FILE *out = stdout, *err = stderr;

	if (!caught)
		caught = open_memstream(&text, &size);
	REQUIRE(caught);
	stdout = stderr = caught;

	int rc = config_parse("fuzz.conf", buf, len, FIXED_NOW, 1, config, error);

	stdout = out;
	stderr = err;
	REQUIRE(ftell(caught) == 0);
	return rc;
}

static void config_require_prefix(const struct config_prefix *prefix)
{
	char text[CONFIG_PREFIX_LEN], why[256];
	struct config_prefix again;

	config_prefix_print(prefix, text);
	REQUIRE_TEXT(text);
	REQUIRE(config_prefix_parse(text, &again, why, sizeof(why)) == 0);
	REQUIRE(config_prefix_compare(prefix, &again) == 0);
	REQUIRE(prefix->at);
}

static enum certificate_ask config_ask(const struct config_line *line)
{
	if (line->direction == DIRECTION_OUTBOUND ||
	    (line->function == FUNCTION_ADMIN && line->security == CONFIG_SECURITY_SECURE_HIGH))
		return ASK_REQUIRE;
	return function_ask(line->function);
}

static void config_require_direction(const struct config *config, const struct config_line *line)
{
	bool outbound = line->direction == DIRECTION_OUTBOUND;
	struct name_reference name;

	REQUIRE(line->rule.peer == (outbound ? PEER_SERVER : PEER_CLIENT));
	REQUIRE(outbound || line->direction == DIRECTION_INBOUND);
	REQUIRE(!outbound || (config->pbx_count && function_connects(line->function)));
	REQUIRE(!outbound || !(line->rule.options & RULE_ACCEPT_SERVER_AUTH_CLIENT));
	if (!line->server_name)
		return;
	REQUIRE(outbound && name_reference_parse(line->server_name, &name) == 0);
	REQUIRE(!name.address_len && strcmp(name.dns, line->server_name) == 0);
}

static void config_require_line(const struct config *config, const struct config_line *line)
{
	REQUIRE_TEXT(line->name);
	REQUIRE(line->function > FUNCTION_NONE && line->function < FUNCTION_COUNT);
	REQUIRE(line->port && line->prefix_count && line->netns < config->namespace_count);
	REQUIRE(rule_validate(&line->rule) == 0 && level_name(line->rule.level));
	REQUIRE(function_allows(line->function, line->rule.level));
	REQUIRE(line->rule.ask == config_ask(line) && line->ciphers < CONFIG_CIPHERS_COUNT);
	REQUIRE(!line->rule.checks && line->rule.sip == function_is_sip(line->function));
	REQUIRE(!(line->rule.options & RULE_BEFORE_R11_1_3));
	REQUIRE(line->identity == &config->identity || line->identity == &config->telephony);
	REQUIRE(line->identity->certificate && line->identity->key);
	config_require_direction(config, line);
	for (size_t i = 0; i < line->prefix_count; i++)
		config_require_prefix(&line->prefixes[i]);
}

/* a closed port is none of a line that is served */
static void config_require_places(const struct config *config)
{
	REQUIRE(config->namespace_count && config->namespace_count <= LW_NAMESPACES_MAX);
	REQUIRE(!*config->namespaces[0].name && !config->namespaces[0].path);
	for (size_t i = 1; i < config->namespace_count; i++)
		REQUIRE(config->namespaces[i].path[0] == '/');
	for (size_t i = 0; i < config->pbx_count; i++)
		REQUIRE(config->pbxs[i].cgroup[0] == '/' && config->pbxs[i].cgroup[1]);
	for (size_t i = 0; i < config->closed_port_count; i++) {
		for (size_t j = 0; j < config->line_count; j++)
			REQUIRE(config->lines[j].direction == DIRECTION_OUTBOUND ||
				config->lines[j].netns != config->closed_ports[i].netns ||
				config->lines[j].port != config->closed_ports[i].port);
	}
}

static void config_require_accepted(const struct config *config)
{
	REQUIRE(config->line_count && config->identity.certificate && config->identity.key);
	REQUIRE(config->uid && config->gid && config->gid != config->control_gid);
	REQUIRE(config->workers <= 256 && config->max_handshakes);
	REQUIRE(config->connect_timeout >= 100 && config->connect_timeout <= 10000);
	REQUIRE(config->handshake_timeout >= 1 && config->handshake_timeout <= 300);
	REQUIRE(config->audit_log[0] == '/' && config->pin_path[0] == '/');
	REQUIRE(config->run_path[0] == '/' && strlen(config->run_path) <= 80);
	REQUIRE(!config->cgroup[0] || config->cgroup[0] == '/');
	config_require_places(config);
	for (size_t i = 0; i < config->line_count; i++) {
		config_require_line(config, &config->lines[i]);
		if (rule_checks(&config->lines[i].rule) & CHECK_BIT(CHECK_TRUST_CHAIN))
			REQUIRE(store_count(config->trust));
		for (size_t j = 0; j < i; j++)
			REQUIRE(strcmp(config->lines[i].name, config->lines[j].name) != 0 ||
				(j + 1 == i &&
				 config->lines[i].direction != config->lines[j].direction));
	}
}

/* an operator's own words may be other than ASCII; what moves a cursor is never there */
static void config_require_error(const struct config_error *error)
{
	size_t len = strnlen(error->text, sizeof(error->text));

	REQUIRE(len < sizeof(error->text));
	/* or an included file, which is there by its whole path */
	REQUIRE((strncmp(error->text, "fuzz.conf:", 10) == 0 && len > 12) || *error->text == '/');
	for (size_t i = 0; i < len; i++)
		REQUIRE((unsigned char)error->text[i] >= ' ' && error->text[i] != 0x7f);
}

static unsigned int config_count_lines(const char *buf, size_t len)
{
	unsigned int count = 0;

	for (size_t i = 0; i < len; i++)
		count += buf[i] == '\n';
	return count;
}

/* a line's number in a message is that of the operator's file */
static void config_require_lines(const char *buf, size_t len)
{
	struct config_error error;
	char *clean _cleanup_free_ = NULL;
	int rc = config_text_clean("fuzz.conf", buf, len, &clean, &error);

	REQUIRE(rc == 0 || (rc == -EINVAL && !clean));
	if (rc == 0)
		REQUIRE(config_count_lines(buf, len) == config_count_lines(clean, strlen(clean)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static bool made;
	struct config *config = NULL;
	struct config_error error;

	if (!made)
		config_make_files();
	made = true;
	config_require_lines((const char *)data, len);

	int rc = config_parse_silently((const char *)data, len, &config, &error);

	if (rc == 0) {
		REQUIRE(config && !error.text[0]);
		config_require_accepted(config);
	} else {
		REQUIRE(rc == -EINVAL && !config);
		config_require_error(&error);
	}
	config_free(config);
	return 0;
}
