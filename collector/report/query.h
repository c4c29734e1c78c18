/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * query.h - the queries of a report: filled in, shown if wanted, run.
 *
 * In:  SQL with the places that figure.h names. Out: results, whole or row by row. Shared by the files of report/. Only
 * reads.
 */
#ifndef OTORI_REPORT_QUERY_H
#define OTORI_REPORT_QUERY_H

#include "report/figure.h"
#include "report/report.h"

/* What a reader has to know about a report to judge it; texts are owned by the struct. */
struct report_about {
	char *sensor, *first_day, *last_day, *days, *servers; /* of the observation within the period */
	char *ports;					      /* "25, 1080" */
	char *timezone, *made_at;
	char *country_first, *country_last; /* dates of the country databases that were asked; "" = never */
	char *unknown_share;		    /* of accesses whose source has no country, 0 to 1; "" = no accesses */
	char *mail_unadvertised;	    /* "t", "f", "" = not stated */
	char *mail_records;		    /* of DNS that point at decoys, found by the enrichment: a number */
};

/* A report being written; of one owner. */
struct report {
	PGconn *connection;		      /* borrowed */
	const struct report_request *request; /* borrowed */
	FILE *out;			      /* borrowed; moves from file to file with csv */
	char **sensors;			      /* SQL literals of the sensors' names; owned, each by libpq (PQfreemem) */
	const char *sensor;		      /* of the sensor at hand; one of them */
	char *since, *until;		  /* SQL literals: when the period begins, and a time behind it; owned alike */
	const char *bucket;		  /* SQL: of tables by bucket; static */
	struct report_about *abouts;	  /* of each sensor; owned */
	const struct report_about *about; /* of the sensor at hand; one of them */
	char *text;			  /* where a problem is told; borrowed */
	size_t text_bytes;
};

/* The SQL with its places filled in; the caller frees it. NULL with the line in report->text. */
char *report_fill_in(struct report *report, const char *sql);

/* Runs filled SQL; the caller clears the result. NULL with the line in report->text. */
PGresult *report_query(struct report *report, const char *filled);

/* Called with each row. A negative errno ends the query. */
typedef int report_row(void *context, const PGresult *result, int row);

/*
 * Runs filled SQL, one row in memory at a time; *rows, if given, becomes their number. 0, or negative errno with the
 * line in report->text where the database failed.
 */
int report_stream(struct report *report, const char *filled, report_row *each, void *context, long *rows);

/* A value, "" where it is null or there is no such row. Borrowed from the result. */
const char *report_value(const PGresult *result, int row, int column);

/* The same by the column's name. */
const char *report_named(const PGresult *result, int row, const char *column);

/* Fills *about for report->sensor. 0 or negative errno with the line. */
int report_about_read(struct report *report, struct report_about *about);
void report_about_free(struct report_about *about);

#endif
