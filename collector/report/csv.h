/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * csv.h - rows of comma-separated values (RFC 4180) that can't act in a spreadsheet.
 *
 * In:  cells of whatever bytes. Out: lines that end in CR LF, in valid UTF-8, on a FILE. Called by csv_report.c. Reads
 * nothing.
 */
#ifndef OTORI_REPORT_CSV_H
#define OTORI_REPORT_CSV_H

#include <stdbool.h>
#include <stdio.h>

/* A file being written; begins as { .out = FILE }. */
struct csv {
	FILE *out; /* borrowed */
	bool used; /* the line has a cell */
};

/*
 * Text of a stranger, always in quotes; NULL = an empty cell without quotes. Control characters and whatever else a
 * terminal obeys or nobody sees stand as \xHH or \u{HHHH}, bytes that are no UTF-8 as \xHH. Where the first character
 * that is no space is one of = + - @ (or their full-width forms) or an apostrophe, an apostrophe stands before the
 * text: no spreadsheet takes it for a formula then.
 */
void csv_text(struct csv *csv, const char *text);

/* What PostgreSQL made itself (numbers, days, times, addresses): as it is, without quotes; NULL = an empty cell. */
void csv_plain(struct csv *csv, const char *text);

void csv_end_line(struct csv *csv);

#endif
