/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * json_report.c - a report as one JSON document (docs/report-json.md).
 *
 * In:  the list of figures, a database. Out: JSON. Called by write.c; the head, and what is said of a sensor and of a
 * figure, also by csv_report.c. Rows pass one by one.
 */
#include <stdlib.h>
#include <string.h>

#include "report/formats.h"
#include "report/value.h"

/* Raised when a reader of the older version could misread what is written; further names alone do not raise it. */
#define VERSION "1"

static const char *const languages[] = { [LANGUAGE_EN] = "en", [LANGUAGE_JA] = "ja" };

/* "" stands for null in what report->about holds. */
static const char *known(const char *text)
{
	return *text ? text : NULL;
}

void json_report_head(struct json *json, const struct report *report)
{
	const struct report_request *request = report->request;
	char time[VALUE_WORDS_BYTES];

	json_text(json, "format", "otori-report");
	json_number(json, "version", VERSION);
	json_text(json, "otori_version", OTORI_VERSION);
	json_text(json, "made_at", value_time(report->abouts[0].made_at, time));
	json_text(json, "language", languages[request->language]);
	json_text(json, "timezone", PQparameterStatus(report->connection, "TimeZone"));
	json_text(json, "from", request->from);
	json_text(json, "to", request->to);
}

void json_report_about(struct json *json, const struct report *report, const char *name)
{
	const struct report_about *about = report->about;

	json_object(json, name);
	json_text(json, "first_day", about->first_day);
	json_text(json, "last_day", about->last_day);
	json_number(json, "days", about->days);
	json_number(json, "servers", about->servers);
	json_array(json, "ports");
	for (const char *port = about->ports; *port; port += strspn(port, ", ")) {
		char number[8];
		int length = (int)strcspn(port, ",");

		snprintf(number, sizeof number, "%.*s", length, port);
		json_number(json, NULL, number);
		port += length;
	}
	json_end(json);
	json_text(json, "country_database_first", known(about->country_first));
	json_text(json, "country_database_last", known(about->country_last));
	json_number(json, "unknown_country_share", about->unknown_share);
	if (*about->mail_unadvertised)
		json_truth(json, "mail_unadvertised", !strcmp(about->mail_unadvertised, "t"));
	else
		json_text(json, "mail_unadvertised", NULL);
	json_number(json, "mail_records", about->mail_records);
	json_end(json);
}

void json_report_figure(struct json *json, const struct report *report, const struct figure *figure, const char *filled)
{
	static const char *const kinds[] = {
		[KIND_TEXT] = "text",	    [KIND_SENSOR] = "text",	  [KIND_WORD] = "word",
		[KIND_ADDRESS] = "address", [KIND_COUNTRY] = "country",	  [KIND_DAY] = "day",
		[KIND_TIME] = "time",	    [KIND_SECONDS] = "seconds",	  [KIND_PORT] = "port",
		[KIND_COUNT] = "count",	    [KIND_QUOTIENT] = "quotient", [KIND_SHARE] = "share",
	};
	enum language language = report->request->language;

	json_text(json, "figure", figure->number);
	json_text(json, "section", figure->section);
	json_text(json, "title", figure->title.in[language]);
	json_text(json, "relation", figure->relation);
	json_array(json, "columns");
	for (size_t i = 0; i < figure->column_count; i++) {
		json_line(json, NULL);
		json_text(json, "name", figure->columns[i].name);
		json_text(json, "kind", kinds[figure->columns[i].kind]);
		json_text(json, "heading", figure->columns[i].heading.in[language]);
		json_end(json);
	}
	json_end(json);
	if (filled)
		json_text(json, "sql", filled);
}

struct rows {
	struct json *json;
	const struct figure *figure;
};

static int write_row(void *context, const PGresult *result, int row)
{
	const struct rows *rows = context;

	json_line(rows->json, NULL);
	for (size_t i = 0; i < rows->figure->column_count; i++)
		value_json(rows->json, rows->figure->columns[i].name, rows->figure->columns[i].kind,
			   PQgetisnull(result, row, (int)i) ? NULL : PQgetvalue(result, row, (int)i));
	json_end(rows->json);
	return 0;
}

static int write_figure(struct json *json, struct report *report, const struct figure *figure)
{
	char *filled = report_fill_in(report, figure->sql);
	struct rows rows = { json, figure };
	int error;

	if (!filled)
		return -1;
	json_object(json, figure->name);
	json_report_figure(json, report, figure, report->request->show_sql ? filled : NULL);
	json_array(json, "rows");
	error = report_stream(report, filled, write_row, &rows, NULL);
	json_end(json);
	json_end(json);
	free(filled);
	return error;
}

static int write_sensor(struct json *json, struct report *report)
{
	int error = 0;

	json_object(json, NULL);
	json_text(json, "sensor", report->about->sensor);
	json_report_about(json, report, "about");
	json_object(json, "figures");
	for (size_t i = 0; !error && i < figure_count; i++)
		error = write_figure(json, report, figures + i);
	json_end(json);
	json_end(json);
	return error;
}

int json_report(struct report *report, const PGresult *sensors)
{
	struct json json = { .out = report->out };
	int error = 0;

	json_object(&json, NULL);
	json_report_head(&json, report);
	json_array(&json, "sensors");
	for (int row = 0; !error && row < PQntuples(sensors); row++) {
		report_choose_sensor(report, row);
		error = write_sensor(&json, report);
	}
	json_end(&json);
	json_end(&json);
	return error;
}
