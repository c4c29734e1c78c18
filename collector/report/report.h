/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report.h - the summary and the daily figures, as text.
 *
 * In:  a connection with a current schema, what is wanted. Out: text on a FILE. Called by collector/report.c. Changes
 * nothing in the database: everything is read in one read-only transaction, so that figures fit each other.
 */
#ifndef OTORI_REPORT_REPORT_H
#define OTORI_REPORT_REPORT_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdio.h>

struct report_request {
	const char *sensor;    /* NULL = each */
	const char *timezone;  /* NULL = the session's */
	const char *from, *to; /* days YYYY-MM-DD, both included; NULL = no bound */
	bool show_sql;	       /* print each query above what it gave */
};

/* Writes the report. 0 or negative errno with one line: -ENOENT = nothing was observed, or there is no such sensor. */
int report_write(PGconn *connection, const struct report_request *request, FILE *out, char *text, size_t text_bytes);

/* 0 where text is a day of the calendar, YYYY-MM-DD; else -EINVAL. */
int report_check_day(const char *text);

/*
 * 0 where PostgreSQL may know a time zone of this name: it is a file of the system's zone folder (in any case of
 * letters), or holds a digit as POSIX zones do, or there is no such folder here. -EINVAL where it can't. The server has
 * the last word.
 */
int report_check_zone(const char *name);

#endif
