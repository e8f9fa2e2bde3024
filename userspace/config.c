// SPDX-License-Identifier: Apache-2.0
#include "userspace/config.h"

#include <errno.h>
#include <string.h>

#include "userspace/config_account.h"
#include "userspace/config_claim.h"
#include "userspace/config_identity.h"
#include "userspace/config_include.h"
#include "userspace/config_line.h"
#include "userspace/config_namespace.h"
#include "userspace/config_pbx.h"
#include "userspace/config_service.h"
#include "userspace/config_settings.h"
#include "userspace/config_syntax.h"
#include "userspace/config_text.h"
#include "userspace/config_trust.h"
#include "userspace/config_value.h"
#include "userspace/config_warning.h"
#include "userspace/file.h"

#define CONFIG_FILE_MAX (4 << 20)

DEFINE_CLEANUP(struct config *, config_free);

static int config_read_lines(const struct config_syntax *syntax, struct config *config)
{
	int rc = config_namespace_own(config);

	if (rc == 0)
		rc = config_line_read(syntax, config->files[0], config);
	if (rc == 0)
		rc = config_include_read(syntax, config);
	if (rc < 0)
		return rc;
	if (!config->line_count)
		return config_syntax_refuse(syntax, syntax->root, 0,
					    config->closed_line_count ?
						    "every line's service is closed, and none is "
						    "left to serve; write one that is not" :
						    "there is no line; write line \"name\" { ... }");
	rc = config_service_close(config, syntax->error);
	return rc < 0 ? rc : config_claim_check(config, syntax->error);
}

/* What is in the files comes first, what is elsewhere on the host after it. */
static int config_read(const struct config_syntax *syntax, time_t now, uint64_t generation,
		       struct config *config)
{
	const char *file;
	int rc = config_include_name(config, syntax->name, &file);

	if (rc == 0)
		rc = config_settings_read(syntax, config);
	if (rc == 0)
		rc = config_pbx_read(syntax, config);
	if (rc == 0)
		rc = config_read_lines(syntax, config);
	if (rc == 0)
		rc = config_account_read(syntax, config);
	if (rc == 0)
		rc = config_identity_read(syntax, now, config);
	if (rc == 0)
		rc = config_trust_read(syntax, now, generation, config);
	if (rc == 0)
		rc = config_identity_offer(config);
	if (rc == 0)
		rc = config_lookup_build(config);
	return rc < 0 ? rc : config_warning_find(config);
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
		rc = config_syntax_read(name, text, NULL, &syntax, error);
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
		rc = config_syntax_read(path, text, NULL, &syntax, error);
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

int config_source_add(struct config *config, const char *path)
{
	char **sources = reallocarray(config->sources, config->source_count + 1, sizeof(*sources));

	if (!sources)
		return -ENOMEM;
	config->sources = sources;
	sources[config->source_count] = strdup(path);
	if (!sources[config->source_count])
		return -ENOMEM;
	config->source_count++;
	return 0;
}

static void config_free_lines(struct config_line *lines, size_t count)
{
	for (size_t i = 0; i < count; i++)
		config_line_free(&lines[i]);
	free(lines);
}

void config_free(struct config *config)
{
	if (!config)
		return;
	config_free_lines(config->lines, config->line_count);
	config_free_lines(config->closed_lines, config->closed_line_count);
	free(config->by_name);
	config_value_list_free(config->files, config->file_count);
	config_value_list_free(config->sources, config->source_count);
	config_value_list_free(config->warnings, config->warning_count);
	config_namespace_free(config);
	free(config->closed_ports);
	config_pbx_free(config);
	identity_free(&config->identity);
	identity_free(&config->telephony);
	store_free(config->trust);
	trust_report_free(&config->trust_report);
	free(config->state_path);
	free(config->user);
	free(config->group);
	free(config->audit_log);
	free(config->pin_path);
	free(config->run_path);
	free(config->cgroup);
	free(config);
}
