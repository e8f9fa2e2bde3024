/* SPDX-License-Identifier: Apache-2.0 */
/* Files with further lines. */
#ifndef USERSPACE_CONFIG_INCLUDE_H
#define USERSPACE_CONFIG_INCLUDE_H

#include "userspace/config.h"
#include "userspace/config_syntax.h"

/**
 * config_include_read - reads the lines of every file that "include" names, in its order
 * @syntax: of the configuration file itself; its own lines have been read
 *
 * Of a folder every file "*.conf" that does not begin with a dot is read, by name.
 *
 * Returns 0, -EINVAL with the message set, which names the file that the mistake is in, or
 * -ENOMEM.
 */
int config_include_read(const struct config_syntax *syntax, struct config *config);

/**
 * config_include_name - notes a file's name among the configuration's
 * @name: the configuration's own copy
 *
 * Returns 0 or -ENOMEM.
 */
int config_include_name(struct config *config, const char *file, const char **name);

#endif
