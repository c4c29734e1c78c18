/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * csv_report.c - a report as a folder: a CSV file for each figure, with the rows of all sensors, and manifest.json.
 *
 * In:  the list of figures, a database, an empty folder. Out: files in it. Called by write.c. Rows pass one by one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "database/text.h"
#include "report/formats.h"
#include "report/value.h"

struct rows {
	struct csv csv;
	const struct figure *figure;
};

static int write_row(void *context, const PGresult *result, int row)
{
	struct rows *rows = context;

	for (size_t i = 0; i < rows->figure->column_count; i++)
		value_csv(&rows->csv, rows->figure->columns[i].kind,
			  PQgetisnull(result, row, (int)i) ? NULL : PQgetvalue(result, row, (int)i));
	csv_end_line(&rows->csv);
	return 0;
}

static int cannot_write(struct report *report, const char *folder, const char *name)
{
	return database_fail(report->text, report->text_bytes, -errno, "cannot write %s/%s: %s", folder, name,
			     strerror(errno));
}

static FILE *open_file(struct report *report, const char *folder, const char *name)
{
	char path[4200];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	file = fopen(path, "wxe");
	if (!file)
		cannot_write(report, folder, name);
	return file;
}

/* Closes a file; an error that came before stays. */
static int close_file(struct report *report, FILE *file, const char *folder, const char *name, int error)
{
	bool failed = ferror(file);

	errno = ENOSPC;
	if ((fclose(file) || failed) && !error)
		return cannot_write(report, folder, name);
	return error;
}

static int write_rows(struct report *report, struct rows *rows, const PGresult *sensors, long *count)
{
	int error = 0;

	for (size_t i = 0; i < rows->figure->column_count; i++)
		csv_plain(&rows->csv, rows->figure->columns[i].name);
	csv_end_line(&rows->csv);
	*count = 0;
	for (int row = 0; !error && row < PQntuples(sensors); row++) {
		char *filled;
		long of_sensor = 0;

		report_choose_sensor(report, row);
		filled = report_fill_in(report, rows->figure->sql);
		error = filled ? report_stream(report, filled, write_row, rows, &of_sensor) : -ENOMEM;
		*count += of_sensor;
		free(filled);
	}
	return error;
}

static int write_figure(struct report *report, const struct figure *figure, const PGresult *sensors, const char *folder,
			long *count)
{
	struct rows rows = { .figure = figure };
	char name[128];

	snprintf(name, sizeof name, "%s.csv", figure->name);
	rows.csv.out = open_file(report, folder, name);
	if (!rows.csv.out)
		return -EIO;
	return close_file(report, rows.csv.out, folder, name, write_rows(report, &rows, sensors, count));
}

static void list_sensors(struct json *json, struct report *report, const PGresult *sensors)
{
	json_array(json, "sensors");
	for (int row = 0; row < PQntuples(sensors); row++) {
		report_choose_sensor(report, row);
		json_object(json, NULL);
		json_text(json, "sensor", report->about->sensor);
		json_report_about(json, report, "about");
		json_end(json);
	}
	json_end(json);
}

/* The queries of all sensors, one behind the other; the caller frees them. NULL with the line. */
static char *queries(struct report *report, const struct figure *figure, const PGresult *sensors)
{
	char *all = NULL;
	size_t bytes;
	FILE *stream = open_memstream(&all, &bytes);
	int error = stream ? 0 : database_fail(report->text, report->text_bytes, -ENOMEM, "out of memory");

	for (int row = 0; !error && row < PQntuples(sensors); row++) {
		char *filled;

		report_choose_sensor(report, row);
		filled = report_fill_in(report, figure->sql);
		if (filled)
			fprintf(stream, "%s;\n", filled);
		else
			error = -ENOMEM;
		free(filled);
	}
	if (stream)
		fclose(stream);
	if (!error)
		return all;
	free(all);
	return NULL;
}

static int list_figure(struct json *json, struct report *report, const struct figure *figure, const PGresult *sensors,
		       long count)
{
	char *sql = report->request->show_sql ? queries(report, figure, sensors) : NULL;
	char text[128];

	if (report->request->show_sql && !sql)
		return -ENOMEM;
	json_object(json, NULL);
	snprintf(text, sizeof text, "%s.csv", figure->name);
	json_text(json, "file", text);
	snprintf(text, sizeof text, "%ld", count);
	json_number(json, "rows", text);
	json_report_figure(json, report, figure, sql);
	json_end(json);
	free(sql);
	return 0;
}

static int write_manifest(struct report *report, const PGresult *sensors, const char *folder, const long *counts)
{
	struct json json = { .out = open_file(report, folder, "manifest.json") };
	int error = 0;

	if (!json.out)
		return -EIO;
	json_object(&json, NULL);
	json_report_head(&json, report);
	list_sensors(&json, report, sensors);
	json_array(&json, "figures");
	for (size_t i = 0; !error && i < figure_count; i++)
		error = list_figure(&json, report, figures + i, sensors, counts[i]);
	json_end(&json);
	json_end(&json);
	return close_file(report, json.out, folder, "manifest.json", error);
}

int csv_report(struct report *report, const PGresult *sensors, const char *folder)
{
	long *counts = calloc(figure_count, sizeof *counts);
	int error = counts ? 0 : database_fail(report->text, report->text_bytes, -ENOMEM, "out of memory");

	for (size_t i = 0; !error && i < figure_count; i++)
		error = write_figure(report, figures + i, sensors, folder, counts + i);
	if (!error)
		error = write_manifest(report, sensors, folder, counts);
	free(counts);
	return error;
}
