/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * formats.h - a report in each of its formats, from its begun transaction on.
 *
 * In:  a report whose transaction is begun, the sensors it is about. Out: text, JSON or a folder of CSV. Called by
 * write.c.
 */
#ifndef OTORI_REPORT_FORMATS_H
#define OTORI_REPORT_FORMATS_H

#include "report/json.h"
#include "report/query.h"

/* Makes the sensor of that row the one at hand: sets report->sensor and report->about. */
void report_choose_sensor(struct report *report, int row);

/* Each: 0, or negative errno with the line in report->text. The first two write to report->out. */
int text_report(struct report *report, const PGresult *sensors);
int json_report(struct report *report, const PGresult *sensors);
/* folder: there, and empty. */
int csv_report(struct report *report, const PGresult *sensors, const char *folder);

/* The head that json and the manifest of csv share: format, version, language, time zone, period. */
void json_report_head(struct json *json, const struct report *report);
/* An object: what report->about holds. */
void json_report_about(struct json *json, const struct report *report, const char *name);
/* Name, number, title, columns of a figure, and its SQL (filled) where it is wanted; within an object. */
void json_report_figure(struct json *json, const struct report *report, const struct figure *figure,
			const char *filled);

#endif
