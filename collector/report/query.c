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
	static const char *const names[] = { "{sensor}", "{from}", "{to}" };
	const char *const values[] = { report->sensor, report->from, report->to };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		*length = strlen(names[i]);
		if (!strncmp(at, names[i], *length))
			return values[i];
	}
	return NULL;
}

static char *fill_in(const struct report *report, const char *sql)
{
	char *filled = NULL;
	size_t bytes, length;
	FILE *stream = open_memstream(&filled, &bytes);

	if (!stream)
		return NULL;
	for (const char *at = sql; *at;) {
		const char *value = *at == '{' ? place_at(report, at, &length) : NULL;

		if (value) {
			fputs(value, stream);
			at += length;
		} else {
			fputc(*at++, stream);
		}
	}
	if (fclose(stream)) {
		free(filled);
		return NULL;
	}
	return filled;
}

PGresult *report_query(struct report *report, const char *sql)
{
	char *filled = fill_in(report, sql);
	PGresult *result;

	if (!filled) {
		database_fail(report->text, report->text_bytes, 0, "out of memory");
		return NULL;
	}
	if (report->request->show_sql) {
		fputs("    ", report->out);
		for (const char *at = filled; *at; at++) {
			fputc(*at, report->out);
			if (*at == '\n')
				fputs("    ", report->out);
		}
		fputs(";\n\n", report->out);
	}
	result = PQexec(report->connection, filled);
	free(filled);
	if (PQresultStatus(result) == PGRES_TUPLES_OK)
		return result;
	database_text(report->text, report->text_bytes, "cannot read the figures", PQerrorMessage(report->connection));
	PQclear(result);
	return NULL;
}

const char *report_value(const PGresult *result, int row, int column)
{
	return row < PQntuples(result) && !PQgetisnull(result, row, column) ? PQgetvalue(result, row, column) : "";
}
