/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * value.h - a value of a figure as each format writes it.
 *
 * In:  its kind, its text as PostgreSQL writes it (ISO dates). Out: text, JSON or CSV. Called by the files of report/
 * that write figures.
 */
#ifndef OTORI_REPORT_VALUE_H
#define OTORI_REPORT_VALUE_H

#include "report/csv.h"
#include "report/figure.h"
#include "report/json.h"

#define VALUE_WORDS_BYTES 128

/* For a reader: numbers rounded, countries named. "" = null. Returns value or to. */
const char *value_words(enum kind kind, const char *value, enum language language, char to[VALUE_WORDS_BYTES]);

/* value: NULL = null. */
void value_json(struct json *json, const char *name, enum kind kind, const char *value);
void value_csv(struct csv *csv, enum kind kind, const char *value);

/* Does a column of it stand to the right? */
bool value_is_numeric(enum kind kind);

/*
 * RFC 3339 of what PostgreSQL writes for a timestamptz: 2007-11-01 12:00:00+09 -> 2007-11-01T12:00:00+09:00. Other text
 * (infinity, a year behind 9999) as it is. Returns to.
 */
const char *value_time(const char *time, char to[VALUE_WORDS_BYTES]);

#endif
