/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * table.c - see table.h.
 *
 * In:  headings and cells. Out: aligned lines. Memory grows with the rows and is given back by table_free.
 */
#include "report/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "report/words.h"

struct table {
	char *headings[TABLE_COLUMNS_MAX];
	bool numeric[TABLE_COLUMNS_MAX];
	int columns;
	char **cells; /* rows * columns, row after row; NULL = empty */
	size_t rows, room;
};

struct table *table_new(void)
{
	return calloc(1, sizeof(struct table));
}

void table_free(struct table *table)
{
	if (!table)
		return;
	for (int column = 0; column < table->columns; column++)
		free(table->headings[column]);
	for (size_t cell = 0; cell < table->rows * (size_t)table->columns; cell++)
		free(table->cells[cell]);
	free(table->cells);
	free(table);
}

int table_column(struct table *table, const char *heading, bool numeric)
{
	if (table->rows || table->columns == TABLE_COLUMNS_MAX)
		return -1;
	table->headings[table->columns] = words_defuse(heading, TABLE_CELL_WIDTH_MAX);
	if (!table->headings[table->columns])
		return -1;
	table->numeric[table->columns] = numeric;
	return table->columns++;
}

int table_row(struct table *table)
{
	size_t wide = (size_t)table->columns;

	if (table->rows == table->room) {
		size_t room = table->room ? 2 * table->room : 32;
		char **cells = reallocarray(table->cells, room * wide, sizeof *cells);

		if (!cells)
			return -ENOMEM;
		table->cells = cells;
		table->room = room;
	}
	memset(table->cells + table->rows * wide, 0, wide * sizeof *table->cells);
	table->rows++;
	return 0;
}

static char **last_cell(const struct table *table, int column)
{
	if (!table->rows || column < 0 || column >= table->columns)
		return NULL;
	return &table->cells[(table->rows - 1) * (size_t)table->columns + (size_t)column];
}

int table_set(struct table *table, int column, const char *text)
{
	char **cell = last_cell(table, column), *copy;

	if (!cell)
		return -EINVAL;
	copy = words_defuse(text, TABLE_CELL_WIDTH_MAX);
	if (!copy)
		return -ENOMEM;
	free(*cell);
	*cell = copy;
	return 0;
}

const char *table_get(const struct table *table, int column)
{
	char **cell = last_cell(table, column);

	return cell && *cell ? *cell : "";
}

size_t table_rows(const struct table *table)
{
	return table->rows;
}

static void print_cell(const char *text, size_t width, bool right, bool last, FILE *out)
{
	size_t fill = width - words_width(text);

	if (right)
		fprintf(out, "%*s%s", (int)fill, "", text);
	else
		fprintf(out, "%s%*s", text, last ? 0 : (int)fill, "");
	fputs(last ? "\n" : "  ", out);
}

void table_print(const struct table *table, const char *indent, FILE *out)
{
	size_t widths[TABLE_COLUMNS_MAX], wide = (size_t)table->columns;

	for (size_t column = 0; column < wide; column++) {
		widths[column] = words_width(table->headings[column]);
		for (size_t row = 0; row < table->rows; row++) {
			const char *text = table->cells[row * wide + column];
			size_t width = text ? words_width(text) : 0;

			if (width > widths[column])
				widths[column] = width;
		}
	}
	fputs(indent, out);
	for (size_t column = 0; column < wide; column++)
		print_cell(table->headings[column], widths[column], table->numeric[column], column + 1 == wide, out);
	fputs(indent, out);
	for (size_t column = 0; column < wide; column++) {
		for (size_t dash = 0; dash < widths[column]; dash++)
			fputc('-', out);
		fputs(column + 1 == wide ? "\n" : "  ", out);
	}
	for (size_t row = 0; row < table->rows; row++) {
		fputs(indent, out);
		for (size_t column = 0; column < wide; column++) {
			const char *text = table->cells[row * wide + column];

			print_cell(text ? text : "", widths[column], table->numeric[column], column + 1 == wide, out);
		}
	}
}
