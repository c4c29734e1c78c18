/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * query.c - see query.h.
 *
 * In:  SQL with places. Out: results of libpq. The places hold literals that libpq has quoted, so that what is shown
 * can be pasted into psql as it is.
 */
#include "report/query.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "database/text.h"

/* The literal of the place at which at points, and the place's length; NULL where there is none. */
static const char *place_at(const struct report *report, const char *at, size_t *length)
{
	const struct {
		const char *name, *value;
	} places[] = { { "{sensor}", report->sensor },
		       { "{since}", report->since },
		       { "{until}", report->until },
		       { "{bucket}", report->bucket } };

	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		*length = strlen(places[i].name);
		if (!strncmp(at, places[i].name, *length))
			return places[i].value;
	}
	return NULL;
}

char *report_fill_in(struct report *report, const char *sql)
{
	char *filled = NULL;
	size_t bytes, length;
	FILE *stream = open_memstream(&filled, &bytes);
	bool failed = !stream;

	for (const char *at = sql; stream && *at;) {
		const char *value = *at == '{' ? place_at(report, at, &length) : NULL;

		if (value) {
			fputs(value, stream);
			at += length;
		} else {
			fputc(*at++, stream);
		}
	}
	if (stream && fclose(stream))
		failed = true;
	if (!failed)
		return filled;
	free(filled);
	database_fail(report->text, report->text_bytes, 0, "out of memory");
	return NULL;
}

static void tell_failure(struct report *report)
{
	database_text(report->text, report->text_bytes, "cannot read the figures", PQerrorMessage(report->connection));
}

PGresult *report_query(struct report *report, const char *filled)
{
	PGresult *result = PQexec(report->connection, filled);

	if (PQresultStatus(result) == PGRES_TUPLES_OK)
		return result;
	tell_failure(report);
	PQclear(result);
	return NULL;
}

/* Ends a query whose rows nobody wants any more. */
static void cancel(PGconn *connection)
{
	char ignored[256];
	PGcancel *request = PQgetCancel(connection);
	PGresult *result;

	if (request)
		PQcancel(request, ignored, sizeof ignored);
	PQfreeCancel(request);
	while ((result = PQgetResult(connection)))
		PQclear(result);
}

int report_stream(struct report *report, const char *filled, report_row *each, void *context, long *rows)
{
	PGresult *result;
	long count = 0;
	int error = 0;

	if (!PQsendQuery(report->connection, filled) || !PQsetSingleRowMode(report->connection)) {
		tell_failure(report);
		return -EIO;
	}
	while (!error && (result = PQgetResult(report->connection))) {
		switch (PQresultStatus(result)) {
		case PGRES_SINGLE_TUPLE:
			error = each(context, result, 0);
			count++;
			break;
		case PGRES_TUPLES_OK:
			break;
		default:
			tell_failure(report);
			error = -EIO;
		}
		PQclear(result);
	}
	if (error)
		cancel(report->connection);
	if (rows)
		*rows = count;
	return error;
}

const char *report_value(const PGresult *result, int row, int column)
{
	return row < PQntuples(result) && column >= 0 && !PQgetisnull(result, row, column)
		       ? PQgetvalue(result, row, column)
		       : "";
}

const char *report_named(const PGresult *result, int row, const char *column)
{
	return report_value(result, row, PQfnumber(result, column));
}
