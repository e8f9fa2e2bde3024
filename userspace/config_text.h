/* SPDX-License-Identifier: Apache-2.0 */
/* The characters of a configuration file, made safe for libconfuse's scanner. */
#ifndef USERSPACE_CONFIG_TEXT_H
#define USERSPACE_CONFIG_TEXT_H

#include <stddef.h>

#include "userspace/config_error.h"

/**
 * config_text_clean - checks the characters and writes what libconfuse is to see
 * @name: stands for the file in the message
 * @buf: @len bytes of anything
 * @out: a string of the caller's, on success alone; its lines are those of @buf
 *
 * What libconfuse 3.3 does not do as the file's reader expects is settled here: it counts
 * a comment as three lines, skips characters that it does not know, splits a word
 * at "+", puts environment variables into strings, takes an empty list for no list, and
 * takes the end of the file for the end of a section: a file that was cut is accepted.
 *
 * Returns 0, -EINVAL with @error set, or -ENOMEM.
 */
int config_text_clean(const char *name, const char *buf, size_t len, char **out,
		      struct config_error *error);

#endif
