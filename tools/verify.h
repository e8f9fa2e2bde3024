/* SPDX-License-Identifier: Apache-2.0 */
/* What `linewarden verify-config` shows of a configuration. */
#ifndef TOOLS_VERIFY_H
#define TOOLS_VERIFY_H

#include <jansson.h>

#include "userspace/config.h"

/* "required", "requested", "not asked" */
const char *verify_ask(const struct config_line *line);

/* "server" or "client": what this host is */
const char *verify_role(const struct config_line *line);

/* All of it, for people. An exit status of tools/tool.h. */
int verify_print(const struct config *config);

/* The same for machines. A new reference; NULL when out of memory. */
json_t *verify_to_json(const struct config *config);

#endif
