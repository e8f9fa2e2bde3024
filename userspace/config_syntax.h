/* SPDX-License-Identifier: Apache-2.0 */
/* The sections, keys and values of a configuration file, each with its line. */
#ifndef USERSPACE_CONFIG_SYNTAX_H
#define USERSPACE_CONFIG_SYNTAX_H

#include <confuse.h>
#include <stddef.h>

#include "policy/cleanup.h"
#include "userspace/config_error.h"

/* What libconfuse holds for every value: cfg_getnptr() gives it, NULL where there is none. */
struct config_value {
	unsigned int line;
	char text[];
};

/* Where checks of a file's values find the values, and say what is wrong with them. */
struct config_syntax {
	const char *name; /* of the file, borrowed */
	cfg_t *root;
	struct config_error *error; /* borrowed */
};

/**
 * config_syntax_read - parses a file into sections, keys and values
 * @name: stands for the file in messages
 * @text: from config_text_clean()
 * @main: of the file that includes this one, in which lines alone have a place; or NULL
 * @syntax: written on success alone; release it with config_syntax_free()
 *
 * Unknown keys, keys that are given twice and sections of the same name are refused here.
 * libconfuse's scanner is global, so two of these cannot run at once.
 *
 * Returns 0, -EINVAL with @error set, or -ENOMEM.
 */
int config_syntax_read(const char *name, const char *text, const struct config_syntax *main,
		       struct config_syntax *syntax, struct config_error *error);

/* config_syntax_free - releases what config_syntax_read() filled in; a zeroed one is fine */
void config_syntax_free(struct config_syntax *syntax);

/**
 * config_syntax_value - the value of a key that has one
 *
 * Returns NULL where the key is not given.
 */
const struct config_value *config_syntax_value(cfg_t *section, const char *key);

/**
 * config_syntax_refuse - says what is wrong, and in which section
 * @section: named in the message; the root is not
 * @line: of the file; 0 for where the section ends, or for the file as a whole
 *
 * Returns -EINVAL.
 */
int config_syntax_refuse(const struct config_syntax *syntax, cfg_t *section, unsigned int line,
			 const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
