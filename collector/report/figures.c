/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * figures.c - the daily figures, and what was asked for most, as tables.
 *
 * In:  the views of schema/. Out: tables. Called by report.c. Whatever strangers wrote passes table.c, which defuses
 * it.
 */
#include "report/figures.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "database/text.h"
#include "report/table.h"
#include "report/words.h"

/* How a value of a query is shown. */
enum shown { SHOWN_TEXT, SHOWN_NUMBER, SHOWN_COUNT, SHOWN_QUOTIENT };

struct shown_column {
	const char *heading;
	enum shown shown;
};

static int out_of_memory(struct report *report)
{
	return database_fail(report->text, report->text_bytes, -EIO, "out of memory");
}

static const char *show(enum shown shown, const char *value, char words[WORDS_NUMBER_BYTES])
{
	if (shown == SHOWN_COUNT)
		return words_count(value, words);
	return shown == SHOWN_QUOTIENT ? words_quotient(value, words) : value;
}

static void print_heading(struct report *report, const char *heading)
{
	fprintf(report->out, "\n%s\n\n", heading);
}

/* A table of which each row is a row of the result. */
static int print_rows(struct report *report, const PGresult *result, const struct shown_column *columns, int count)
{
	struct table *table = table_new();
	char words[WORDS_NUMBER_BYTES];
	int error = table ? 0 : -ENOMEM;

	for (int column = 0; !error && column < count; column++)
		error = table_column(table, columns[column].heading, columns[column].shown != SHOWN_TEXT) < 0 ? -ENOMEM
													      : 0;
	for (int row = 0; !error && row < PQntuples(result); row++) {
		error = table_row(table);
		for (int column = 0; !error && column < count; column++)
			error = table_set(table, column,
					  show(columns[column].shown, report_value(result, row, column), words));
	}
	if (!error)
		table_print(table, "  ", report->out);
	table_free(table);
	return error ? out_of_memory(report) : 0;
}

/* A query and its table; where the query gives no row, the line `none` instead. */
static int print_query(struct report *report, const char *heading, const char *none, const char *sql,
		       const struct shown_column *columns, int count)
{
	PGresult *result;
	int error = 0;

	print_heading(report, heading);
	result = report_query(report, sql);
	if (!result)
		return -EIO;
	if (PQntuples(result))
		error = print_rows(report, result, columns, count);
	else
		fprintf(report->out, "  %s\n", none);
	PQclear(result);
	return error;
}

/* The kinds of a result by day, ordered by their places; each becomes a column. */
struct kind {
	const char *name;
	long place;
};

enum by_day_column { BY_DAY, BY_DAY_KIND, BY_DAY_PLACE, BY_DAY_COUNT, BY_DAY_BEHIND };

/* Collects the kinds; returns how many, at most room. */
static int find_kinds(const PGresult *result, struct kind *kinds, int room)
{
	int count = 0;

	for (int row = 0; row < PQntuples(result); row++) {
		long place = strtol(report_value(result, row, BY_DAY_PLACE), NULL, 10);
		int at = 0;

		while (at < count && kinds[at].place < place)
			at++;
		if ((at < count && kinds[at].place == place) || count == room)
			continue;
		memmove(kinds + at + 1, kinds + at, (size_t)(count - at) * sizeof *kinds);
		kinds[at] = (struct kind){ report_value(result, row, BY_DAY_KIND), place };
		count++;
	}
	return count;
}

/* Puts a row of the result into the last row of the table. */
static int set_kind(struct table *table, const PGresult *result, int row, const struct kind *kinds, int kind_count)
{
	char words[WORDS_NUMBER_BYTES];

	for (int kind = 0; kind < kind_count; kind++) {
		if (!strcmp(kinds[kind].name, report_value(result, row, BY_DAY_KIND)))
			return table_set(table, 1 + kind, words_count(report_value(result, row, BY_DAY_COUNT), words));
	}
	return 0;
}

/*
 * A table with a row for each day and a column for each kind of thing: the result has day, kind, the kind's place among
 * the columns, count, ordered by day; the columns behind these are the same for all rows of a day, and stand at the
 * end.
 */
static int print_by_day(struct report *report, const PGresult *result, const struct shown_column *behind, int count)
{
	struct kind kinds[TABLE_COLUMNS_MAX];
	int kind_count = find_kinds(result, kinds, TABLE_COLUMNS_MAX - 1 - count);
	struct table *table = table_new();
	char words[WORDS_NUMBER_BYTES];
	int error = table && table_column(table, "day", false) == 0 ? 0 : -ENOMEM;

	for (int kind = 0; !error && kind < kind_count; kind++)
		error = table_column(table, kinds[kind].name, true) < 0 ? -ENOMEM : 0;
	for (int column = 0; !error && column < count; column++)
		error = table_column(table, behind[column].heading, true) < 0 ? -ENOMEM : 0;
	for (int row = 0; !error && row < PQntuples(result); row++) {
		const char *day = report_value(result, row, BY_DAY);

		if (!table_rows(table) || strcmp(day, table_get(table, 0)) != 0) {
			error = table_row(table);
			if (!error)
				error = table_set(table, 0, day);
			for (int column = 0; !error && column < count; column++)
				error = table_set(table, 1 + kind_count + column,
						  show(behind[column].shown,
						       report_value(result, row, BY_DAY_BEHIND + column), words));
		}
		if (!error)
			error = set_kind(table, result, row, kinds, kind_count);
	}
	if (!error)
		table_print(table, "  ", report->out);
	table_free(table);
	return error ? out_of_memory(report) : 0;
}

/* The query and the table. */
static int print_query_by_day(struct report *report, const char *heading, const char *none, const char *sql,
			      const struct shown_column *behind, int count)
{
	PGresult *result;
	int error = 0;

	print_heading(report, heading);
	result = report_query(report, sql);
	if (!result)
		return -EIO;
	if (PQntuples(result))
		error = print_by_day(report, result, behind, count);
	else
		fprintf(report->out, "  %s\n", none);
	PQclear(result);
	return error;
}

int figures_accesses_by_port(struct report *report)
{
	static const struct shown_column behind[] = { { "all", SHOWN_COUNT },
						      { "servers", SHOWN_COUNT },
						      { "per server", SHOWN_QUOTIENT } };

	return print_query_by_day(
		report, "Accesses by listening port (view accesses_by_port_daily)", "No port was offered.",
		"select day, decoy_port || '/TCP', decoy_port, accesses, sum(accesses) over of_day, servers,\n"
		"       sum(accesses_per_server) over of_day\n"
		"from accesses_by_port_daily\n"
		"where sensor = {sensor} and day between {from} and {to}\n"
		"window of_day as (partition by day)\n"
		"order by day, decoy_port",
		behind, 3);
}

/* A relay port's column; what is asked for rarely shares one, or a table would have a thousand. */
#define RELAY_KIND \
	"case when class = 'exploit' then 'exploits' when relay_port is null then 'none'\n" \
	"            when relay_port in (25, 80, 443, 465, 587) then relay_port::text else 'others' end"

int figures_accesses_by_relay_port(struct report *report)
{
	return print_query_by_day(report,
				  "Accesses by the port that a relay was asked for to (view "
				  "accesses_by_relay_port_daily; days without are left out)",
				  "None.",
				  "select day, " RELAY_KIND ",\n"
				  "       case when class = 'exploit' then 65538 when relay_port is null then 65537\n"
				  "            when relay_port in (25, 80, 443, 465, 587) then relay_port else 65536 "
				  "end as place, sum(accesses)\n"
				  "from accesses_by_relay_port_daily\n"
				  "where sensor = {sensor} and day between {from} and {to}\n"
				  "group by 1, 2, 3\n"
				  "order by 1, 3",
				  NULL, 0);
}

int figures_direct_mail(struct report *report)
{
	static const struct shown_column columns[] = { { "day", SHOWN_TEXT },
						       { "attempts", SHOWN_COUNT },
						       { "servers", SHOWN_COUNT },
						       { "per server", SHOWN_QUOTIENT } };

	return print_query(report, "Attempts to relay mail directly (view direct_mail_daily)",
			   "None; port 25 was not offered.",
			   "select day, attempts, servers, attempts_per_server\n"
			   "from direct_mail_daily\n"
			   "where sensor = {sensor} and day between {from} and {to}\n"
			   "order by day",
			   columns, 4);
}

int figures_mails(struct report *report)
{
	static const struct shown_column columns[] = { { "day", SHOWN_TEXT },
						       { "mails", SHOWN_COUNT },
						       { "servers", SHOWN_COUNT },
						       { "per server", SHOWN_QUOTIENT } };

	return print_query(report, "Mails through the proxies (view mails_daily)", "None.",
			   "select day, mails, servers, mails_per_server\n"
			   "from mails_daily\n"
			   "where sensor = {sensor} and day between {from} and {to}\n"
			   "order by day",
			   columns, 4);
}

int figures_destinations(struct report *report)
{
	static const struct shown_column columns[] = { { "relay host", SHOWN_TEXT },
						       { "port", SHOWN_NUMBER },
						       { "accesses", SHOWN_COUNT },
						       { "addresses", SHOWN_COUNT } };

	return print_query(
		report, "Relays that were asked for most (table access; the first ten)", "None.",
		"select rtrim(lower(relay_host), '.'), relay_port, count(*), count(distinct source)\n"
		"from access\n"
		"where sensor = {sensor} and depth >= 'payload' and protocol is distinct from 'smtp' and relay_host is "
		"not null\n"
		"  and started_at >= {from}::date::timestamptz and started_at < ({to}::date + 1)::timestamptz\n"
		"group by 1, 2\n"
		"order by 3 desc, 1, 2\n"
		"limit 10",
		columns, 4);
}

int figures_subjects(struct report *report)
{
	static const struct shown_column columns[] = { { "subject", SHOWN_TEXT },
						       { "mails", SHOWN_COUNT },
						       { "addresses", SHOWN_COUNT } };

	return print_query(
		report, "Subjects of mails through the proxies (table mail; the ten most frequent)", "None.",
		"select coalesce(subject, '(no subject)'), count(*), count(distinct source)\n"
		"from mail\n"
		"where sensor = {sensor} and complete and not direct\n"
		"  and received_at >= {from}::date::timestamptz and received_at < ({to}::date + 1)::timestamptz\n"
		"group by 1\n"
		"order by 2 desc, 1\n"
		"limit 10",
		columns, 3);
}
