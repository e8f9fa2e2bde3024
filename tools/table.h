/* SPDX-License-Identifier: Apache-2.0 */
/* Aligned tables for people; colour only on a terminal, and not with NO_COLOR set. */
#ifndef TOOLS_TABLE_H
#define TOOLS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum table_colour {
	TABLE_PLAIN,
	TABLE_GOOD,
	TABLE_BAD,
	TABLE_DIM,
	TABLE_HEAD,
	TABLE_COLOUR_COUNT,
};

struct table;

/* columns: the headings, ended by NULL; they must outlive the table. NULL: out of memory. */
struct table *table_new(const char *const *columns);

/* Adds a cell to the current row, which begins after the last column. The text is copied. */
void table_add(struct table *table, enum table_colour colour, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Prints it, headings first, or empty instead where it has no row; then frees it. */
void table_print(struct table *table, FILE *out, const char *empty);

/* Starts or ends a colour outside of a table. */
void table_colour(FILE *out, enum table_colour colour);

#endif
