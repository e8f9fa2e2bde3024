/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of a configuration file. */
#ifndef USERSPACE_CONFIG_LINE_H
#define USERSPACE_CONFIG_LINE_H

#include "userspace/config.h"
#include "userspace/config_syntax.h"

/**
 * config_line_read - checks one section "line" and fills the line in
 * @line: zeroed; to be freed with config_line_free() in any case
 *
 * Returns 0, -EINVAL with the message set, or -ENOMEM.
 */
int config_line_read(const struct config_syntax *syntax, cfg_t *section, struct config_line *line);

/* config_line_free - releases what a line holds; a half filled one is fine */
void config_line_free(struct config_line *line);

#endif
