// SPDX-License-Identifier: Apache-2.0
#include "userspace/config_include.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "userspace/config_line.h"
#include "userspace/config_text.h"
#include "userspace/file.h"

#define INCLUDE_FILE_MAX (4 << 20)
#define INCLUDE_ENDING ".conf"

struct include_folder {
	struct dirent **entries;
	int count;
};

static void include_folder_free(struct include_folder *folder)
{
	for (int i = 0; i < folder->count; i++)
		free(folder->entries[i]);
	free(folder->entries);
}

int config_include_name(struct config *config, const char *file, const char **name)
{
	char **files = reallocarray(config->files, config->file_count + 1, sizeof(*files));

	if (!files)
		return -ENOMEM;
	config->files = files;
	files[config->file_count] = strdup(file);
	if (!files[config->file_count])
		return -ENOMEM;
	*name = files[config->file_count++];
	return 0;
}

/* -EISDIR, without a word, for a folder: the caller knows what to do with one. */
static int include_file(const struct config_syntax *main, const struct config_value *value,
			const char *path, struct config *config)
{
	_cleanup_(config_syntax_free) struct config_syntax syntax = { 0 };
	_cleanup_file_ struct file file = { 0 };
	_cleanup_free_ char *text = NULL;
	const char *name;
	int rc = file_read(path, INCLUDE_FILE_MAX, &file);

	if (rc == -ENOMEM || (rc == -EISDIR && path == value->text))
		return rc;
	if (rc < 0)
		return config_syntax_refuse(main, main->root, value->line, "include: %s: %s", path,
					    file_error(rc));
	rc = config_include_name(config, path, &name);
	if (rc == 0)
		rc = config_text_clean(name, file.data, file.len, &text, main->error);
	if (rc == 0)
		rc = config_syntax_read(name, text, main, &syntax, main->error);
	return rc < 0 ? rc : config_line_read(&syntax, name, config);
}

static int include_is_named(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name), ending = strlen(INCLUDE_ENDING);

	return entry->d_name[0] != '.' && len > ending &&
	       strcmp(entry->d_name + len - ending, INCLUDE_ENDING) == 0;
}

/* not alphasort(): the order must not depend on a locale */
static int include_compare(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int include_folder(const struct config_syntax *main, const struct config_value *value,
			  struct config *config)
{
	_cleanup_(include_folder_free) struct include_folder folder = { 0 };
	int rc = 0;

	rc = config_source_add(config, value->text);
	if (rc < 0)
		return rc;
	folder.count = scandir(value->text, &folder.entries, include_is_named, include_compare);
	if (folder.count < 0)
		return config_syntax_refuse(main, main->root, value->line, "include: %s: %s",
					    value->text, strerror(errno));
	for (int i = 0; rc == 0 && i < folder.count; i++) {
		_cleanup_free_ char *path = NULL;

		if (asprintf(&path, "%s/%s", value->text, folder.entries[i]->d_name) < 0) {
			path = NULL;
			return -ENOMEM;
		}
		rc = include_file(main, value, path, config);
	}
	return rc;
}

int config_include_read(const struct config_syntax *syntax, struct config *config)
{
	int rc = 0;

	for (unsigned int i = 0; rc == 0 && i < cfg_size(syntax->root, "include"); i++) {
		const struct config_value *value = cfg_getnptr(syntax->root, "include", i);

		if (*value->text != '/')
			return config_syntax_refuse(syntax, syntax->root, value->line,
						    "include '%s' does not start with '/'; write "
						    "the whole path",
						    value->text);
		rc = include_file(syntax, value, value->text, config);
		if (rc == -EISDIR)
			rc = include_folder(syntax, value, config);
	}
	return rc;
}
