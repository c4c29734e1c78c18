/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * write.c - a report from its heading to its last figure, for each sensor that is wanted.
 *
 * In:  report.h. Out: text. Called by collector/report.c.
 */
#include "report/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "database/text.h"
#include "report/figures.h"
#include "report/query.h"
#include "report/words.h"

/* Sets the time zone and begins a transaction that only reads and sees one state. */
static int begin(struct report *report)
{
	const struct report_request *request = report->request;
	PGresult *result;
	int error = 0;

	if (request->timezone) {
		const char *const values[] = { request->timezone };

		result = PQexecParams(report->connection, "select set_config('TimeZone', $1, false)", 1, NULL, values,
				      NULL, NULL, 0);
		if (PQresultStatus(result) != PGRES_TUPLES_OK)
			error = database_fail(
				report->text, report->text_bytes, -EINVAL,
				"the database knows no time zone '%.60s'; expected a name such as Asia/Tokyo or UTC",
				request->timezone);
		PQclear(result);
		if (error)
			return error;
	}
	/* without jit: it takes seconds to compile queries that run for one */
	result = PQexec(report->connection,
			"begin transaction isolation level repeatable read read only; set local jit = off");
	if (PQresultStatus(result) != PGRES_COMMAND_OK) {
		database_text(report->text, report->text_bytes, "cannot begin to read",
			      PQerrorMessage(report->connection));
		error = -EIO;
	}
	PQclear(result);
	return error;
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

	if (PQresultStatus(result) != PGRES_TUPLES_OK) {
		database_text(report->text, report->text_bytes, "cannot read the sensors",
			      PQerrorMessage(report->connection));
	} else if (PQntuples(result)) {
		return result;
	} else {
		database_fail(report->text, report->text_bytes, 0, "nothing was observed%s%s%s%s%s%s",
			      request->sensor ? " by sensor " : "", request->sensor ? request->sensor : "",
			      request->from ? " from " : "", request->from ? request->from : "",
			      request->to ? " until " : "", request->to ? request->to : "");
	}
	PQclear(result);
	return NULL;
}

static void print_title(struct report *report, const char *sensor, bool first)
{
	char *name = words_defuse(sensor, 63);
	size_t width = 14 + (name ? words_width(name) : 0);

	fprintf(report->out, "%sotori: sensor %s\n", first ? "" : "\n\n", name ? name : "");
	for (size_t i = 0; i < width; i++)
		fputc('=', report->out);
	fprintf(report->out, "\nDays are those of %s.\n\n", PQparameterStatus(report->connection, "TimeZone"));
	if (report->request->show_sql)
		fprintf(report->out, "    set timezone = '%s';\n\n", PQparameterStatus(report->connection, "TimeZone"));
	free(name);
}

static int write_sensor(struct report *report, const char *sensor, bool first)
{
	static int (*const parts[])(struct report *) = {
		figures_summary,
		figures_accesses_by_port,
		figures_accesses_by_relay_port,
		figures_direct_mail,
		figures_mails,
		figures_destinations,
		figures_subjects,
	};
	int error = 0;

	report->sensor = PQescapeLiteral(report->connection, sensor, strlen(sensor));
	if (!report->sensor)
		return database_fail(report->text, report->text_bytes, -ENOMEM, "out of memory");
	print_title(report, sensor, first);
	for (size_t i = 0; !error && i < sizeof parts / sizeof *parts; i++)
		error = parts[i](report);
	PQfreemem(report->sensor);
	report->sensor = NULL;
	return error;
}

int report_write(PGconn *connection, const struct report_request *request, FILE *out, char *text, size_t text_bytes)
{
	struct report report = {
		.connection = connection, .request = request, .out = out, .text = text, .text_bytes = text_bytes
	};
	const char *from = request->from ? request->from : "-infinity", *to = request->to ? request->to : "infinity";
	PGresult *sensors = NULL;
	int error = begin(&report);

	if (error)
		return error;
	error = -ENOMEM;
	report.from = PQescapeLiteral(connection, from, strlen(from));
	report.to = PQescapeLiteral(connection, to, strlen(to));
	if (!report.from || !report.to) {
		database_fail(text, text_bytes, 0, "out of memory");
		goto out;
	}
	error = -ENOENT;
	sensors = find_sensors(&report);
	if (!sensors)
		goto out;
	error = 0;
	for (int row = 0; !error && row < PQntuples(sensors); row++)
		error = write_sensor(&report, PQgetvalue(sensors, row, 0), row == 0);
out:
	PQclear(sensors);
	PQfreemem(report.to);
	PQfreemem(report.from);
	PQclear(PQexec(connection, "rollback"));
	return error;
}
