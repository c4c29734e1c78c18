/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * query.h - the queries of a report: filled in, shown if wanted, run.
 *
 * In:  SQL with places {sensor}, {from}, {to}. Out: results. Shared by the files of report/. Only reads.
 */
#ifndef OTORI_REPORT_QUERY_H
#define OTORI_REPORT_QUERY_H

#include "report/report.h"

/* A report being written; of one owner. */
struct report {
	PGconn *connection;		      /* borrowed */
	const struct report_request *request; /* borrowed */
	FILE *out;			      /* borrowed */
	char *sensor, *from, *to;	      /* SQL literals; owned by libpq (PQfreemem) */
	char *text;			      /* where a problem is told; borrowed */
	size_t text_bytes;
};

/* Runs sql; the caller clears the result. NULL with the line in report->text. */
PGresult *report_query(struct report *report, const char *sql);

/* A value, "" where it is null or there is no such row. Borrowed from the result. */
const char *report_value(const PGresult *result, int row, int column);

#endif
