/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Single values of a configuration file. Each of these returns 0, -EINVAL with the
 * message set, or -ENOMEM, and writes its result on success alone. A key that is
 * not given yields the default.
 */
#ifndef USERSPACE_CONFIG_VALUE_H
#define USERSPACE_CONFIG_VALUE_H

#include <stdbool.h>
#include <stddef.h>

#include "userspace/config_syntax.h"

struct config_range {
	unsigned int min, max;
};

/* config_value_number - a decimal number within @range, both ends included */
int config_value_number(const struct config_syntax *syntax, cfg_t *section, const char *key,
			struct config_range range, unsigned int *number);

/* config_value_need - a key that has no default */
int config_value_need(const struct config_syntax *syntax, cfg_t *section, const char *key,
		      const char *example, const struct config_value **value);

/* config_value_text - a copy of a text that is not empty, of @max bytes at most */
int config_value_text(const struct config_syntax *syntax, cfg_t *section, const char *key,
		      const char *otherwise, size_t max, char **text);

/* config_value_path - the same for an absolute path */
int config_value_path(const struct config_syntax *syntax, cfg_t *section, const char *key,
		      const char *otherwise, size_t max, char **path);

/* config_value_file - the absolute path of a file to read; *path is borrowed, NULL if not given */
int config_value_file(const struct config_syntax *syntax, cfg_t *section, const char *key,
		      const struct config_value **path);

/*
 * config_value_choice - one of the words; @words end with NULL
 * @chosen: index of the word; left alone where the key is not given
 */
int config_value_choice(const struct config_syntax *syntax, cfg_t *section, const char *key,
			const char *const *words, unsigned int *chosen);

/* config_value_yes - "yes" or "no" */
int config_value_yes(const struct config_syntax *syntax, cfg_t *section, const char *key,
		     bool otherwise, bool *yes);

/* config_value_words - "none, low or medium": @words, which end with NULL, for a message */
void config_value_words(const char *const *words, char *out, size_t size);

/* config_value_list - copies of a list's texts; none where the key is not given */
int config_value_list(cfg_t *section, const char *key, char ***texts, size_t *count);

/* config_value_list_free - frees such a list; NULL is fine */
void config_value_list_free(char **texts, size_t count);

#endif
