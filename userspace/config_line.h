/* SPDX-License-Identifier: Apache-2.0 */
/* The sections "line" of a configuration file. */
#ifndef USERSPACE_CONFIG_LINE_H
#define USERSPACE_CONFIG_LINE_H

#include "userspace/config.h"
#include "userspace/config_syntax.h"

/**
 * config_line_read - checks the sections "line" of one file and adds what they make
 * @config: everything that is not a line has been read into it
 * @file: of @syntax; one of the configuration's
 *
 * Returns 0, -EINVAL with the message set, or -ENOMEM.
 */
int config_line_read(const struct config_syntax *syntax, const char *file, struct config *config);

/* config_line_free - releases what a line holds; a half filled one is fine */
void config_line_free(struct config_line *line);

#endif
