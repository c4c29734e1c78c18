/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * table.h - rows of text, printed with aligned columns.
 *
 * In:  headings and cells (whatever strangers wrote in them). Out: lines on a FILE. Called by figures.c. Knows no
 * database.
 */
#ifndef OTORI_REPORT_TABLE_H
#define OTORI_REPORT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define TABLE_COLUMNS_MAX 40	/* 32 ports of a sensor and what stands beside them */
#define TABLE_CELL_WIDTH_MAX 60 /* columns on the terminal; longer cells end in an ellipsis */

struct table; /* opaque: table.c */

struct table *table_new(void);
void table_free(struct table *table);

/* Adds a column; before the first row. numeric: aligned to the right. Returns its number, or -1 where there are too
 * many. */
int table_column(struct table *table, const char *heading, bool numeric);

/* Begins a row, all cells empty. 0 or -ENOMEM. */
int table_row(struct table *table);

/* Sets a cell of the last row: text is copied, defused and cut. 0, -EINVAL (no such column) or -ENOMEM. */
int table_set(struct table *table, int column, const char *text);

/* The text of a cell of the last row; "" where it is empty. */
const char *table_get(const struct table *table, int column);

size_t table_rows(const struct table *table);

/* Prints headings, a rule and the rows, each line behind indent. */
void table_print(const struct table *table, const char *indent, FILE *out);

#endif
