/* SPDX-License-Identifier: Apache-2.0 */
/* An audit record, or an answer in its form, as an operator reads it. */
#ifndef TOOLS_VIEW_H
#define TOOLS_VIEW_H

#include <jansson.h>

#include "tools/table.h"

/* Prints the verdict, who it was, and a row for each check. */
void view_record(const json_t *record);

/* "✓", "✗" or "–" and its colour for an outcome's name. */
const char *view_mark(const char *outcome, enum table_colour *colour);

#endif
