// SPDX-License-Identifier: Apache-2.0
#include "userspace/config.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "userspace/config_account.h"
#include "userspace/config_claim.h"
#include "userspace/config_line.h"
#include "userspace/config_syntax.h"
#include "userspace/config_text.h"
#include "userspace/config_value.h"
#include "userspace/file.h"
#include "userspace/trust.h"

#define CONFIG_FILE_MAX (4 << 20)
#define CONFIG_RUN_PATH_MAX 80 /* a socket's address in it has 108 bytes */

DEFINE_CLEANUP(struct config *, config_free);

static int config_read_paths(const struct config_syntax *syntax, struct config *config)
{
	const struct {
		const char *key, *otherwise;
		size_t max;
		char **path;
	} paths[] = {
		{ "audit-log", "/var/log/linewarden/audit.jsonl", PATH_MAX - 1,
		  &config->audit_log },
		{ "pin-path", "/sys/fs/bpf/linewarden", PATH_MAX - 64, &config->pin_path },
		{ "run-path", "/run/linewarden", CONFIG_RUN_PATH_MAX, &config->run_path },
	};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		int rc = config_value_path(syntax, syntax->root, paths[i].key, paths[i].otherwise,
					   paths[i].max, paths[i].path);

		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Here alone "" is a value, the default's. */
static int config_read_cgroup(const struct config_syntax *syntax, struct config *config)
{
	const struct config_value *value = config_syntax_value(syntax->root, "cgroup");

	if (value && *value->text)
		return config_value_path(syntax, syntax->root, "cgroup", "", PATH_MAX - 1,
					 &config->cgroup);
	config->cgroup = strdup("");
	return config->cgroup ? 0 : -ENOMEM;
}

static int config_read_numbers(const struct config_syntax *syntax, struct config *config)
{
	const struct {
		const char *key;
		struct config_range range;
		unsigned int otherwise;
		unsigned int *number;
	} numbers[] = {
		{ "expiry-warning", { 1, 3650 }, 60, &config->expiry_warning },
		{ "workers", { 0, 256 }, 0, &config->workers },
		{ "handshake-timeout", { 1, 300 }, 10, &config->handshake_timeout },
		{ "max-handshakes", { 1, 1000000 }, 4096, &config->max_handshakes },
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		int rc;

		*numbers[i].number = numbers[i].otherwise;
		rc = config_value_number(syntax, syntax->root, numbers[i].key, numbers[i].range,
					 numbers[i].number);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int config_read_ktls(const struct config_syntax *syntax, struct config *config)
{
	const struct config_value *value = config_syntax_value(syntax->root, "ktls");

	config->ktls = CONFIG_KTLS_REQUIRE;
	if (!value || strcmp(value->text, "require") == 0)
		return 0;
	if (strcmp(value->text, "prefer") != 0)
		return config_syntax_refuse(syntax, syntax->root, value->line,
					    "ktls '%s' is unknown; use require or prefer",
					    value->text);
	config->ktls = CONFIG_KTLS_PREFER;
	return 0;
}

static int config_read_crl(const struct config_syntax *syntax, struct config *config)
{
	const struct config_value *value = config_syntax_value(syntax->root, "crl");

	config->crl = CRL_PREFER;
	if (value && rule_crl_parse(value->text, &config->crl) < 0)
		return config_syntax_refuse(syntax, syntax->root, value->line,
					    "crl '%s' is unknown; use off, prefer or require",
					    value->text);
	return 0;
}

static int config_read_lines(const struct config_syntax *syntax, struct config *config)
{
	size_t count = cfg_size(syntax->root, "line");

	if (!count)
		return config_syntax_refuse(syntax, syntax->root, 0,
					    "there is no line; write line \"name\" { ... }");
	config->lines = calloc(count, sizeof(*config->lines));
	if (!config->lines)
		return -ENOMEM;
	config->line_count = count;
	for (size_t i = 0; i < count; i++) {
		int rc = config_line_read(syntax,
					  cfg_getnsec(syntax->root, "line", (unsigned int)i),
					  &config->lines[i]);

		if (rc < 0)
			return rc;
		config->lines[i].rule.crl = config->crl;
	}
	return config_claim_check(syntax, config->lines, count);
}

static int config_read_identity(const struct config_syntax *syntax, time_t now,
				struct config *config)
{
	const struct config_value *certificate = NULL, *key = NULL;
	char why[CONFIG_ERROR_LEN] = "";
	cfg_t *section;
	int rc;

	if (cfg_size(syntax->root, "identity") != 1)
		return config_syntax_refuse(syntax, syntax->root, 0,
					    cfg_size(syntax->root, "identity") ?
						    "identity is there twice; keep one of them" :
						    "identity is missing; write identity { "
						    "certificate = ... key = ... }");
	section = cfg_getnsec(syntax->root, "identity", 0);
	rc = config_value_need(syntax, section, "certificate", "\"/path/to/identity.pem\"",
			       &certificate);
	if (rc == 0)
		rc = config_value_need(syntax, section, "key", "\"/path/to/identity.key\"", &key);
	if (rc == 0)
		rc = config_value_file(syntax, section, "certificate", &certificate);
	if (rc == 0)
		rc = config_value_file(syntax, section, "key", &key);
	if (rc < 0)
		return rc;
	rc = identity_load_certificate(certificate->text, now, &config->identity, why, sizeof(why));
	if (rc == -EINVAL)
		return config_syntax_refuse(syntax, section, certificate->line, "%s", why);
	if (rc == 0)
		rc = identity_load_key(key->text, &config->identity, why, sizeof(why));
	if (rc == -EINVAL)
		return config_syntax_refuse(syntax, section, key->line, "%s", why);
	return rc;
}

/* The first line whose level asks for a chain to the store; NULL where none does. */
static const struct config_line *config_needs_trust(const struct config *config)
{
	for (size_t i = 0; i < config->line_count; i++) {
		if (rule_checks(&config->lines[i].rule) & CHECK_BIT(CHECK_TRUST_CHAIN))
			return &config->lines[i];
	}
	return NULL;
}

static int config_read_trust(const struct config_syntax *syntax, time_t now, uint64_t generation,
			     struct config *config)
{
	const struct config_line *line = config_needs_trust(config);
	const struct config_value *value;
	char why[CONFIG_ERROR_LEN] = "";
	int rc = config_value_file(syntax, syntax->root, "trust-store", &value);

	if (rc < 0)
		return rc;
	config->trust = store_new(generation);
	if (!config->trust)
		return -ENOMEM;
	if (!value && line)
		return config_syntax_refuse(syntax, syntax->root, 0,
					    "trust-store is missing, and line '%s' at level '%s' "
					    "needs one; write trust-store = \"/path/to/folder\"",
					    line->name, level_name(line->rule.level));
	if (!value)
		return 0;
	rc = trust_load(value->text, now, config->trust, &config->trust_report, why, sizeof(why));
	if (rc == 0 && line && !trust_report_usable(&config->trust_report)) {
		trust_explain_empty(value->text, &config->trust_report, why, sizeof(why));
		rc = -EINVAL;
	}
	if (rc == -EINVAL)
		return config_syntax_refuse(syntax, syntax->root, value->line, "trust-store: %s",
					    why);
	return rc;
}

/* What is in the file comes first, what is elsewhere on the host after it. */
static int config_read(const struct config_syntax *syntax, time_t now, uint64_t generation,
		       struct config *config)
{
	static int (*const steps[])(const struct config_syntax *, struct config *) = {
		config_read_ktls,  config_read_crl,    config_read_numbers,
		config_read_paths, config_read_cgroup, config_read_lines,
		config_account_read,
	};
	int rc;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		rc = steps[i](syntax, config);
		if (rc < 0)
			return rc;
	}
	rc = config_read_identity(syntax, now, config);
	return rc < 0 ? rc : config_read_trust(syntax, now, generation, config);
}

int config_parse(const char *name, const char *buf, size_t len, time_t now, uint64_t generation,
		 struct config **out, struct config_error *error)
{
	_cleanup_(cleanup_config_free) struct config *config = calloc(1, sizeof(*config));
	_cleanup_(config_syntax_free) struct config_syntax syntax = { 0 };
	_cleanup_free_ char *text = NULL;
	int rc = config ? 0 : -ENOMEM;

	*error = (struct config_error){ 0 };
	if (rc == 0)
		rc = config_text_clean(name, buf, len, &text, error);
	if (rc == 0)
		rc = config_syntax_read(name, text, &syntax, error);
	if (rc == 0)
		rc = config_read(&syntax, now, generation, config);
	if (rc == -ENOMEM)
		config_error_set(error, name, 0, "out of memory");
	if (rc < 0)
		return rc;
	*out = TAKE_PTR(config);
	return 0;
}

static int config_read_file(const char *path, struct file *file, struct config_error *error)
{
	int rc = file_read(path, CONFIG_FILE_MAX, file);

	*error = (struct config_error){ 0 };
	if (rc < 0)
		config_error_set(error, path, 0, "%s", file_error(rc));
	return rc;
}

int config_load(const char *path, time_t now, uint64_t generation, struct config **out,
		struct config_error *error)
{
	_cleanup_file_ struct file file = { 0 };
	int rc = config_read_file(path, &file, error);

	if (rc < 0)
		return rc;
	return config_parse(path, file.data, file.len, now, generation, out, error);
}

int config_trust_path(const char *path, char **trust, struct config_error *error)
{
	_cleanup_(config_syntax_free) struct config_syntax syntax = { 0 };
	_cleanup_file_ struct file file = { 0 };
	_cleanup_free_ char *text = NULL;
	const struct config_value *value;
	char *copy = NULL;
	int rc = config_read_file(path, &file, error);

	if (rc == 0)
		rc = config_text_clean(path, file.data, file.len, &text, error);
	if (rc == 0)
		rc = config_syntax_read(path, text, &syntax, error);
	if (rc == 0)
		rc = config_value_file(&syntax, syntax.root, "trust-store", &value);
	if (rc == 0 && value) {
		copy = strdup(value->text);
		rc = copy ? 0 : -ENOMEM;
	}
	if (rc == -ENOMEM)
		config_error_set(error, path, 0, "out of memory");
	if (rc == 0)
		*trust = copy;
	return rc;
}

void config_free(struct config *config)
{
	if (!config)
		return;
	for (size_t i = 0; i < config->line_count; i++)
		config_line_free(&config->lines[i]);
	free(config->lines);
	identity_free(&config->identity);
	store_free(config->trust);
	trust_report_free(&config->trust_report);
	free(config->user);
	free(config->group);
	free(config->audit_log);
	free(config->pin_path);
	free(config->run_path);
	free(config->cgroup);
	free(config);
}
