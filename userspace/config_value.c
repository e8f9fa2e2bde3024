// SPDX-License-Identifier: Apache-2.0
#include "userspace/config_value.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Digits alone: no sign, no hexadecimal, no leading zero that elsewhere means octal. */
static int value_parse_number(const char *text, struct config_range range, unsigned int *number)
{
	unsigned long n = 0;

	if (!*text || strlen(text) > 9 || (text[0] == '0' && text[1]))
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		n = n * 10 + (unsigned long)(*text - '0');
	}
	if (n < range.min || n > range.max)
		return -EINVAL;
	*number = (unsigned int)n;
	return 0;
}

int config_value_number(const struct config_syntax *syntax, cfg_t *section, const char *key,
			struct config_range range, unsigned int *number)
{
	const struct config_value *value = config_syntax_value(section, key);

	if (!value)
		return 0;
	if (value_parse_number(value->text, range, number) < 0)
		return config_syntax_refuse(syntax, section, value->line,
					    "%s '%s' is not a number from %u to %u", key,
					    value->text, range.min, range.max);
	return 0;
}

int config_value_need(const struct config_syntax *syntax, cfg_t *section, const char *key,
		      const char *example, const struct config_value **value)
{
	*value = config_syntax_value(section, key);
	if (!*value)
		return config_syntax_refuse(syntax, section, 0, "%s is missing; write %s = %s", key,
					    key, example);
	return 0;
}

int config_value_text(const struct config_syntax *syntax, cfg_t *section, const char *key,
		      const char *otherwise, size_t max, char **text)
{
	const struct config_value *value = config_syntax_value(section, key);

	if (value && !*value->text)
		return config_syntax_refuse(syntax, section, value->line,
					    "%s is empty; leave the key out for the default, '%s'",
					    key, otherwise);
	if (value && strlen(value->text) > max)
		return config_syntax_refuse(syntax, section, value->line,
					    "%s is longer than %zu characters", key, max);
	*text = strdup(value ? value->text : otherwise);
	return *text ? 0 : -ENOMEM;
}

int config_value_file(const struct config_syntax *syntax, cfg_t *section, const char *key,
		      const struct config_value **path)
{
	*path = config_syntax_value(section, key);
	/* a daemon has no current folder that its operator knows of */
	if (*path && *(*path)->text != '/')
		return config_syntax_refuse(syntax, section, (*path)->line,
					    "%s '%s' does not start with '/'; write the whole path",
					    key, (*path)->text);
	return 0;
}

int config_value_path(const struct config_syntax *syntax, cfg_t *section, const char *key,
		      const char *otherwise, size_t max, char **path)
{
	const struct config_value *value;
	int rc = config_value_file(syntax, section, key, &value);

	return rc < 0 ? rc : config_value_text(syntax, section, key, otherwise, max, path);
}

void config_value_words(const char *const *words, char *out, size_t size)
{
	size_t used = 0;

	*out = '\0';
	for (size_t i = 0; words[i] && used < size; i++)
		used += (size_t)snprintf(out + used, size - used, "%s%s",
					 !i ? "" : words[i + 1] ? ", " : " or ", words[i]);
}

int config_value_choice(const struct config_syntax *syntax, cfg_t *section, const char *key,
			const char *const *words, unsigned int *chosen)
{
	const struct config_value *value = config_syntax_value(section, key);
	char known[192];

	if (!value)
		return 0;
	for (unsigned int i = 0; words[i]; i++) {
		if (strcmp(words[i], value->text) == 0) {
			*chosen = i;
			return 0;
		}
	}
	config_value_words(words, known, sizeof(known));
	return config_syntax_refuse(syntax, section, value->line, "%s '%s' is unknown; use %s", key,
				    value->text, known);
}

int config_value_yes(const struct config_syntax *syntax, cfg_t *section, const char *key,
		     bool otherwise, bool *yes)
{
	static const char *const words[] = { "yes", "no", NULL };
	unsigned int chosen = otherwise ? 0 : 1;
	int rc = config_value_choice(syntax, section, key, words, &chosen);

	*yes = chosen == 0;
	return rc;
}

int config_value_list(cfg_t *section, const char *key, char ***texts, size_t *count)
{
	size_t n = cfg_size(section, key);
	char **list = n ? calloc(n, sizeof(*list)) : NULL;

	if (n && !list)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct config_value *value = cfg_getnptr(section, key, (unsigned int)i);

		list[i] = strdup(value->text);
		if (!list[i]) {
			config_value_list_free(list, i);
			return -ENOMEM;
		}
	}
	*texts = list;
	*count = n;
	return 0;
}

void config_value_list_free(char **texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(texts[i]);
	free(texts);
}
