// SPDX-License-Identifier: Apache-2.0
#include "userspace/config_settings.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "userspace/config_level.h"
#include "userspace/config_value.h"

#define SETTINGS_RUN_PATH_MAX 80 /* a socket's address in it has 108 bytes */

static int settings_read_paths(const struct config_syntax *syntax, struct config *config)
{
	const struct {
		const char *key, *otherwise;
		size_t max;
		char **path;
	} paths[] = {
		{ "audit-log", "/var/log/linewarden/audit.jsonl", PATH_MAX - 1,
		  &config->audit_log },
		{ "pin-path", "/sys/fs/bpf/linewarden", PATH_MAX - 64, &config->pin_path },
		{ "run-path", "/run/linewarden", SETTINGS_RUN_PATH_MAX, &config->run_path },
		{ "state-path", "/var/lib/linewarden", PATH_MAX - 64, &config->state_path },
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
static int settings_read_cgroup(const struct config_syntax *syntax, struct config *config)
{
	const struct config_value *value = config_syntax_value(syntax->root, "cgroup");

	if (value && *value->text)
		return config_value_path(syntax, syntax->root, "cgroup", "", PATH_MAX - 1,
					 &config->cgroup);
	config->cgroup = strdup("");
	return config->cgroup ? 0 : -ENOMEM;
}

static int settings_read_numbers(const struct config_syntax *syntax, struct config *config)
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
		{ "connect-timeout", { 100, 10000 }, 1000, &config->connect_timeout },
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

static int settings_read_words(const struct config_syntax *syntax, struct config *config)
{
	static const char *const ktls[] = {
		[CONFIG_KTLS_REQUIRE] = "require", [CONFIG_KTLS_PREFER] = "prefer", NULL
	};
	static const char *const crl[] = { "off", "prefer", "require", NULL };
	static const enum rule_crl crls[] = { CRL_OFF, CRL_PREFER, CRL_REQUIRE };
	unsigned int ktls_chosen = CONFIG_KTLS_REQUIRE, crl_chosen = 1;
	int rc = config_value_choice(syntax, syntax->root, "ktls", ktls, &ktls_chosen);

	if (rc == 0)
		rc = config_value_choice(syntax, syntax->root, "crl", crl, &crl_chosen);
	if (rc == 0)
		rc = config_value_yes(syntax, syntax->root, "offer-id-chain", true,
				      &config->offer_id_chain);
	if (rc == 0)
		rc = config_value_yes(syntax, syntax->root, "upgraded-host", false,
				      &config->upgraded_host);
	if (rc == 0)
		rc = config_value_yes(syntax, syntax->root, "watch-files", true,
				      &config->watch_files);
	config->ktls = ktls_chosen;
	config->crl = crls[crl_chosen];
	return rc;
}

int config_settings_read(const struct config_syntax *syntax, struct config *config)
{
	static int (*const steps[])(const struct config_syntax *, struct config *) = {
		settings_read_words,  settings_read_numbers, settings_read_paths,
		settings_read_cgroup, config_level_settings,
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		int rc = steps[i](syntax, config);

		if (rc < 0)
			return rc;
	}
	return 0;
}
