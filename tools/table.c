// SPDX-License-Identifier: Apache-2.0
#include "tools/table.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct table_cell {
	char *text;
	enum table_colour colour;
};

struct table {
	const char *const *columns;
	size_t column_count;
	struct table_cell *cells;
	size_t cell_count, cell_room;
};

static const char *const table_colours[] = {
	[TABLE_PLAIN] = "\033[0m", [TABLE_GOOD] = "\033[32m", [TABLE_BAD] = "\033[31m",
	[TABLE_DIM] = "\033[2m",   [TABLE_HEAD] = "\033[1m",
};
_Static_assert(sizeof(table_colours) / sizeof(table_colours[0]) == TABLE_COLOUR_COUNT,
	       "every colour has its sequence");

void table_colour(FILE *out, enum table_colour colour)
{
	const char *no_colour = getenv("NO_COLOR");

	if (isatty(fileno(out)) && !(no_colour && *no_colour))
		fputs(table_colours[colour], out);
}

struct table *table_new(const char *const *columns)
{
	struct table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->columns = columns;
	while (columns[table->column_count])
		table->column_count++;
	return table;
}

static void table_out_of_memory(void)
{
	fputs("out of memory\n", stderr);
	exit(EXIT_FAILURE);
}

void table_add(struct table *table, enum table_colour colour, const char *format, ...)
{
	struct table_cell cell = { .colour = colour };
	struct table_cell *cells;
	va_list args;

	va_start(args, format);
	if (vasprintf(&cell.text, format, args) < 0)
		table_out_of_memory();
	va_end(args);
	if (table->cell_count == table->cell_room) {
		table->cell_room = table->cell_room ? 2 * table->cell_room : 64;
		cells = reallocarray(table->cells, table->cell_room, sizeof(*cells));
		if (!cells)
			table_out_of_memory();
		table->cells = cells;
	}
	table->cells[table->cell_count++] = cell;
}

/* of UTF-8 text in columns of the terminal: none of what is printed here is wide */
static size_t table_text_width(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

static size_t table_width(const struct table *table, size_t column)
{
	size_t i, len, width = table_text_width(table->columns[column]);

	for (i = column; i < table->cell_count; i += table->column_count) {
		len = table_text_width(table->cells[i].text);
		if (len > width)
			width = len;
	}
	return width;
}

static void table_print_cell(const struct table *table, FILE *out, size_t column,
			     const struct table_cell *cell)
{
	size_t pad = table_width(table, column) - table_text_width(cell->text);

	table_colour(out, cell->colour);
	fputs(cell->text, out);
	table_colour(out, TABLE_PLAIN);
	if (column + 1 == table->column_count) /* no blanks at a line's end */
		putc('\n', out);
	else
		fprintf(out, "%*s", (int)pad + 2, "");
}

static void table_free(struct table *table)
{
	size_t i;

	for (i = 0; i < table->cell_count; i++)
		free(table->cells[i].text);
	free(table->cells);
	free(table);
}

void table_print(struct table *table, FILE *out, const char *empty)
{
	struct table_cell head = { .colour = TABLE_HEAD };
	size_t i;

	if (!table->cell_count) {
		fprintf(out, "%s\n", empty);
		table_free(table);
		return;
	}
	for (i = 0; i < table->column_count; i++) {
		head.text = (char *)table->columns[i];
		table_print_cell(table, out, i, &head);
	}
	for (i = 0; i < table->cell_count; i++)
		table_print_cell(table, out, i % table->column_count, &table->cells[i]);
	table_free(table);
}
