/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * about.c - what a reader has to know about a report to judge it: when and what was observed, how old the answers are
 * that countries come from, and what the operator states.
 *
 * In:  the tables of schema/. Out: struct report_about. Called by write.c, once a sensor.
 */
#include "report/query.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "database/text.h"

static const char about_sql[] =
	"with known as (\n"
	"  select country_dated from source where sensor = {sensor}\n"
	"  union all\n"
	"  select country_dated from relay_destination where sensor = {sensor}\n"
	"), dated as (\n"
	"  select min(country_dated) as first, max(country_dated) as last from known\n"
	")\n"
	"select sensor, first_day, last_day, days, servers,\n"
	"       (select string_agg(decoy_port::text, ', ' order by decoy_port)\n"
	"        from (select distinct decoy_port from observed_port({since}, {until}, {sensor})) as offered),\n"
	"       current_setting('TimeZone'), date_trunc('second', transaction_timestamp()), dated.first, dated.last,\n"
	"       (select sum(share) filter (where country = 'ZZ') / nullif(sum(share), 0)\n"
	"        from source_countries({since}, {until}, {sensor})),\n"
	"       (select mail_unadvertised from sensor where sensor = {sensor}),\n"
	"       (select count(*) from mail_record_warning where sensor = {sensor})\n"
	"from sensor_summary({since}, {until}, {sensor}) cross join dated";

/* The members of *about in the order of the query's columns. */
static char **member(struct report_about *about, int column)
{
	char **const members[] = {
		&about->sensor,	       &about->first_day,    &about->last_day,	    &about->days,
		&about->servers,       &about->ports,	     &about->timezone,	    &about->made_at,
		&about->country_first, &about->country_last, &about->unknown_share, &about->mail_unadvertised,
		&about->mail_records,
	};

	return column < (int)(sizeof members / sizeof *members) ? members[column] : NULL;
}

int report_about_read(struct report *report, struct report_about *about)
{
	char *filled = report_fill_in(report, about_sql);
	PGresult *result = filled ? report_query(report, filled) : NULL;
	int error = result ? 0 : -EIO;

	for (int column = 0; result && member(about, column); column++) {
		char *copy = strdup(report_value(result, 0, column));

		if (!copy)
			error = database_fail(report->text, report->text_bytes, -ENOMEM, "out of memory");
		*member(about, column) = copy;
	}
	PQclear(result);
	free(filled);
	return error;
}

void report_about_free(struct report_about *about)
{
	for (int column = 0; member(about, column); column++)
		free(*member(about, column));
	memset(about, 0, sizeof *about);
}
