/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report.h - what the sensors saw, as text, JSON or CSV.
 *
 * In:  a connection with a current schema, what is wanted. Out: text or JSON on a FILE, or CSV files in a folder.
 * Called by collector/report.c. Changes nothing in the database: everything is read in one read-only transaction, so
 * that figures fit each other.
 */
#ifndef OTORI_REPORT_REPORT_H
#define OTORI_REPORT_REPORT_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdio.h>

#include "report/language.h"

enum report_format { REPORT_TEXT, REPORT_JSON, REPORT_CSV };

struct report_request {
	enum report_format format;
	enum language language;
	const char *sensor;    /* NULL = each */
	const char *timezone;  /* NULL = the session's */
	const char *from, *to; /* days YYYY-MM-DD, both included; NULL = no bound */
	bool show_sql;	       /* tell each query beside what it gave */
};

/*
 * Writes the report: csv into folder, which is there and empty, the others to out. 0 or negative errno with one line:
 * -ENOENT = nothing was observed, or there is no such sensor. What was written by then is of no use.
 */
int report_write(PGconn *connection, const struct report_request *request, FILE *out, const char *folder, char *text,
		 size_t text_bytes);

/* 0 where text is a day of the calendar, YYYY-MM-DD; else -EINVAL. */
int report_check_day(const char *text);

/*
 * 0 where PostgreSQL may know a time zone of this name: it is a file of the system's zone folder (in any case of
 * letters), or holds a digit as POSIX zones do, or there is no such folder here. -EINVAL where it can't; -EDOM of UTC+9
 * and its like, which as POSIX has it lie west, where nobody means it. The server has the last word.
 */
int report_check_zone(const char *name);

#endif
