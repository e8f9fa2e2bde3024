/* SPDX-License-Identifier: Apache-2.0 */
/* A folder with a configuration and all that it names, made anew for each test. */
#ifndef TESTS_CONFIG_FILES_H
#define TESTS_CONFIG_FILES_H

#include <stddef.h>
#include <sys/types.h>
#include <time.h>

#include "userspace/config.h"

/* the certificates are valid for a day around it */
#define FILES_NOW ((time_t)1767225600) /* 2026-01-01 */
#define FILES_DAY ((time_t)86400)

struct files {
	char folder[64];
};

/*
 * Makes in a new folder: identity.pem with its intermediate, identity.key, other.key,
 * passphrase.key, open.key (mode 0644), broken.pem, empty.pem, trusted/ca.pem and .der,
 * mixed/ where a file stands for each trouble, expired/only.pem, void/ without files, and fifo.
 */
void files_make(struct files *files);

/* Removes the folder. */
void files_remove(struct files *files);

/* A text in which every '@' is the folder; the caller frees it. */
char *files_text(const struct files *files, const char *text);

/* The first occurrence of from replaced; without from, to is added at the end. */
char *files_edit(const char *text, const char *from, const char *to);

/* A configuration without mistakes; '@' stands for the folder. Its lines are counted on. */
extern const char files_good[];

/* The same of another one: with settings, a PBX, and a line of every function. */
extern const char files_wide[];

/* Writes a file of the folder. */
void files_put(const struct files *files, const char *name, mode_t mode, const char *text);

/* A path of the folder; the caller frees it. */
char *files_path_of(const struct files *files, const char *name);

/* config_parse() of a text whose '@' is the folder, as "pbx.conf". */
int files_parse(const struct files *files, const char *text, time_t now, struct config **out,
		struct config_error *error);

#endif
