/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * figure.h - what a figure of the report is: its place in the report of 2008, its title, its query, its columns.
 *
 * In:  nothing. Out: the list of figures, in the order of the report. Read by all formats: what a figure means stands
 * in figure_list.c and nowhere else.
 */
#ifndef OTORI_REPORT_FIGURE_H
#define OTORI_REPORT_FIGURE_H

#include <stdbool.h>
#include <stddef.h>

#include "report/language.h"

/* What a value is, and so how it is written. */
enum kind {
	KIND_TEXT,     /* a stranger's text, or a word of ours */
	KIND_SENSOR,   /* name of the sensor: left out in text, whose parts are of one sensor each */
	KIND_WORD,     /* a word of the schema (class, kind, ...): text translates it */
	KIND_ADDRESS,  /* an IP address */
	KIND_COUNTRY,  /* ISO 3166 alpha-2; text adds the name */
	KIND_DAY,      /* YYYY-MM-DD */
	KIND_TIME,     /* RFC 3339 in json and csv */
	KIND_SECONDS,  /* a period */
	KIND_PORT,     /* an integer that counts nothing */
	KIND_COUNT,    /* an integer that counts */
	KIND_QUOTIENT, /* unrounded in json and csv */
	KIND_SHARE,    /* a fraction of 1, unrounded in json and csv */
};

struct figure_column {
	const char *name; /* in json and csv: that of the view's column */
	enum kind kind;
	struct phrase heading;
};

/*
 * How text shows a figure that would be too long day by day, or is easier to read with its kinds side by side. by_kind:
 * the query gives bucket, kind, the kind's place among the columns, count, and then `columns` that are the same for all
 * rows of a bucket.
 */
struct figure_table {
	const char *sql;
	bool by_kind;
	const struct figure_column *columns;
	size_t column_count;
};

/*
 * sql has places: {sensor} (a literal), {since} and {until} (when the period begins, and the time behind it, as
 * literals), and in a table's query {bucket} (the day, or the first of its month or year).
 */
struct figure {
	const char *name;     /* in json and csv; a name of a file */
	const char *number;   /* of the figure in the report of 2008; NULL = it says this in words */
	const char *section;  /* of the report of 2008 that says it; NULL = it doesn't */
	const char *relation; /* the view or table that it comes from */
	struct phrase title;
	const char *sql;
	const struct figure_column *columns;
	size_t column_count;
	const struct figure_table *table; /* NULL = text shows the rows of sql */
	bool only_summary;		  /* text says it in sentences and prints no table */
};

extern const struct figure figures[];
extern const size_t figure_count;

/* The figure of that name; it must be there. */
const struct figure *figure_named(const char *name);

#endif
