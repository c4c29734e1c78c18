/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * write.c - a report from its transaction to its end: period, sensors, and the format that is wanted.
 *
 * In:  report.h. Out: what the formats write. Called by collector/report.c.
 */
#include "report/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "database/text.h"
#include "report/formats.h"
#include "report/words.h"

static int run(struct report *report, const char *sql)
{
	PGresult *result = PQexec(report->connection, sql);
	int error = PQresultStatus(result) == PGRES_COMMAND_OK ? 0 : -EIO;

	if (error)
		database_text(report->text, report->text_bytes, "cannot begin to read",
			      PQerrorMessage(report->connection));
	PQclear(result);
	return error;
}

static int set_zone(struct report *report)
{
	const char *const values[] = { report->request->timezone };
	PGresult *result = PQexecParams(report->connection, "select set_config('TimeZone', $1, false)", 1, NULL, values,
					NULL, NULL, 0);
	int error = PQresultStatus(result) == PGRES_TUPLES_OK ? 0 : -EINVAL;

	PQclear(result);
	if (error)
		database_fail(report->text, report->text_bytes, error,
			      "the database knows no time zone '%.60s'; expected a name such as Asia/Tokyo or UTC",
			      values[0]);
	return error;
}

/* Sets the time zone and begins a transaction that only reads and sees one state. */
static int begin(struct report *report)
{
	int error = report->request->timezone ? set_zone(report) : 0;

	if (!error)
		error = run(report, "set datestyle = iso, ymd");
	/* without jit: it takes seconds to compile queries that run for one */
	return error ? error
		     : run(report, "begin transaction isolation level repeatable read read only; set local jit = off");
}

/* A literal of SQL; the caller frees it by PQfreemem. NULL with the line. */
static char *literal(struct report *report, const char *value)
{
	char *quoted = PQescapeLiteral(report->connection, value, strlen(value));

	if (!quoted)
		database_fail(report->text, report->text_bytes, 0, "out of memory");
	return quoted;
}

/*
 * When the first day begins, and the one behind the last, in the zone of the days; where the clock shows midnight
 * twice, the first of both. Constants let the planner leave out what a period doesn't need.
 */
static int set_period(struct report *report)
{
	const char *const values[] = { report->request->from, report->request->to };
	PGresult *result =
		PQexecParams(report->connection,
			     "select coalesce(otori.bucket_begin($1::date::timestamptz, '1 day'), '-infinity'),"
			     " coalesce(otori.bucket_begin(($2::date + 1)::timestamptz, '1 day'), 'infinity')",
			     2, NULL, values, NULL, NULL, 0);
	int error = PQresultStatus(result) == PGRES_TUPLES_OK ? 0 : -EIO;

	if (error)
		database_text(report->text, report->text_bytes, "cannot read the period",
			      PQerrorMessage(report->connection));
	if (!error) {
		report->since = literal(report, PQgetvalue(result, 0, 0));
		report->until = literal(report, PQgetvalue(result, 0, 1));
		error = report->since && report->until ? 0 : -ENOMEM;
	}
	PQclear(result);
	return error;
}

/* Says why there is no sensor to write about. */
static void tell_missing(struct report *report)
{
	const struct report_request *request = report->request;
	const char *const values[] = { request->sensor };
	char *name = request->sensor ? words_defuse(request->sensor, 63) : NULL;
	PGresult *known = PQexecParams(
		report->connection,
		"select string_agg(sensor, ', ' order by sensor), coalesce(bool_or(sensor = $1), $1 is null)"
		" from (select sensor from sensor order by sensor is distinct from $1, sensor limit 10) as named",
		1, NULL, values, NULL, NULL, 0);

	if (PQresultStatus(known) == PGRES_TUPLES_OK && !strcmp(report_value(known, 0, 1), "f"))
		database_fail(report->text, report->text_bytes, 0, "there is no sensor '%s'%s%s", name ? name : "",
			      *report_value(known, 0, 0) ? "; known: " : "", report_value(known, 0, 0));
	else
		database_fail(report->text, report->text_bytes, 0, "nothing was observed%s%s%s%s%s%s",
			      name ? " by sensor " : "", name ? name : "", request->from ? " from " : "",
			      request->from ? request->from : "", request->to ? " until " : "",
			      request->to ? request->to : "");
	PQclear(known);
	free(name);
}

/* The sensors that observed on the wanted days, by name. NULL with a line, also where there are none. */
static PGresult *find_sensors(struct report *report)
{
	const struct report_request *request = report->request;
	const char *const values[] = { request->sensor, request->from ? request->from : "-infinity",
				       request->to ? request->to : "infinity" };
	PGresult *result = PQexecParams(
		report->connection,
		"select distinct sensor from observed_day"
		" where ($1::text is null or sensor = $1) and day between $2::date and $3::date order by sensor",
		3, NULL, values, NULL, NULL, 0);

	if (PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result))
		return result;
	if (PQresultStatus(result) == PGRES_TUPLES_OK)
		tell_missing(report);
	else
		database_text(report->text, report->text_bytes, "cannot read the sensors",
			      PQerrorMessage(report->connection));
	PQclear(result);
	return NULL;
}

void report_choose_sensor(struct report *report, int row)
{
	report->sensor = report->sensors[row];
	report->about = report->abouts + row;
}

/* The literal of each sensor's name, and what is to be known of it. */
static int read_sensors(struct report *report, const PGresult *sensors)
{
	int error = 0;

	report->sensors = calloc((size_t)PQntuples(sensors), sizeof *report->sensors);
	report->abouts = calloc((size_t)PQntuples(sensors), sizeof *report->abouts);
	if (!report->sensors || !report->abouts)
		return database_fail(report->text, report->text_bytes, -ENOMEM, "out of memory");
	for (int row = 0; !error && row < PQntuples(sensors); row++) {
		report->sensors[row] = literal(report, PQgetvalue(sensors, row, 0));
		report_choose_sensor(report, row);
		error = report->sensor ? report_about_read(report, report->abouts + row) : -ENOMEM;
	}
	return error;
}

static void free_sensors(struct report *report, int count)
{
	for (int row = 0; row < count; row++) {
		if (report->sensors)
			PQfreemem(report->sensors[row]);
		if (report->abouts)
			report_about_free(report->abouts + row);
	}
	free(report->sensors);
	free(report->abouts);
}

static int write_format(struct report *report, const PGresult *sensors, const char *folder)
{
	switch (report->request->format) {
	case REPORT_JSON:
		return json_report(report, sensors);
	case REPORT_CSV:
		return csv_report(report, sensors, folder);
	default:
		return text_report(report, sensors);
	}
}

int report_write(PGconn *connection, const struct report_request *request, FILE *out, const char *folder, char *text,
		 size_t text_bytes)
{
	struct report report = {
		.connection = connection, .request = request, .out = out, .text = text, .text_bytes = text_bytes
	};
	PGresult *sensors = NULL;
	int error = begin(&report);

	if (!error)
		error = set_period(&report);
	if (!error) {
		sensors = find_sensors(&report);
		error = sensors ? read_sensors(&report, sensors) : -ENOENT;
	}
	if (!error)
		error = write_format(&report, sensors, folder);
	free_sensors(&report, PQntuples(sensors));
	PQclear(sensors);
	PQfreemem(report.until);
	PQfreemem(report.since);
	PQclear(PQexec(connection, "rollback"));
	return error;
}
