/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * visitors.c - countries and networks of visitors.
 *
 * In:  visitors of the roll-ups without an answer (with --refresh: with one of an older database). Out: rows of source
 * and source_answer. Called by enrich_pass. Asks nothing of any network.
 */
#include "enrichment/enrichment.h"

#include <errno.h>
#include <stdio.h>

#include "enrichment/address_database.h"
#include "enrichment/array_text.h"
#include "enrichment/statement.h"

/* $1 = sensor, $2 and $3 = dates of the two databases (null = there is none), $4 = refresh. */
static const char wanted[] =
	"select sensor, source,"
	" $2::date is not null and (known.source is null or (known.country_dated is null and known.country = 'ZZ')"
	"  or ($4::boolean and known.country_dated < $2::date)),"
	" $3::date is not null and (known.source is null or (known.network_dated is null and known.as_number is null)"
	"  or ($4::boolean and known.network_dated < $3::date))"
	" from (select sensor, source from otori.rollup_source union select sensor, source from otori.rollup_direct) "
	"as visitor"
	" left join otori.source as known using (sensor, source)"
	" where ($1::text is null or sensor = $1) and ((known.source is null)"
	"  or (known.country_dated is null and known.country = 'ZZ' and $2::date is not null)"
	"  or (known.network_dated is null and known.as_number is null and $3::date is not null)"
	"  or ($4::boolean and (known.country_dated < $2::date or known.network_dated < $3::date)))";

/* $1 sensors, $2 visitors, $3 countries, $4 date. */
static const char write_countries[] =
	"with given as (select unnest($1::text[]) as sensor, unnest($2::inet[]) as source, unnest($3::text[]) as "
	"country),"
	" kept as (insert into otori.source_answer (sensor, source, kind, dated, country, looked_up_at)"
	"  select sensor, source, 'country', $4::date, country, now() from given on conflict do nothing)"
	" insert into otori.source as known (sensor, source, country, country_dated, looked_up_at)"
	" select sensor, source, country, $4::date, now() from given"
	" on conflict (sensor, source) do update set country = excluded.country, country_dated = "
	"excluded.country_dated,"
	"  looked_up_at = excluded.looked_up_at";

/* $1 sensors, $2 visitors, $3 numbers, $4 names, $5 date. */
static const char write_networks[] =
	"with given as (select unnest($1::text[]) as sensor, unnest($2::inet[]) as source, unnest($3::bigint[]) as "
	"number,"
	"  unnest($4::text[]) as name),"
	" kept as (insert into otori.source_answer (sensor, source, kind, dated, as_number, as_name, looked_up_at)"
	"  select sensor, source, 'network', $5::date, number, name, now() from given on conflict do nothing)"
	" insert into otori.source as known (sensor, source, as_number, as_name, network_dated, looked_up_at)"
	" select sensor, source, number, name, $5::date, now() from given"
	" on conflict (sensor, source) do update set as_number = excluded.as_number, as_name = excluded.as_name,"
	"  network_dated = excluded.network_dated, looked_up_at = excluded.looked_up_at";

enum column { SENSORS, SOURCES, FIRST, SECOND, COLUMNS };

static int write_columns(struct enrichment *enrichment, const char *sql, struct array_text columns[COLUMNS], int count,
			 const char *date)
{
	const char *values[COLUMNS + 1];

	if (!columns[SENSORS].count)
		return 0;
	for (int i = 0; i < count; i++) {
		values[i] = array_text_end(&columns[i]);
		if (!values[i]) {
			snprintf(enrichment->text, sizeof enrichment->text, "out of memory");
			return -ENOMEM;
		}
	}
	values[count] = date;
	return statement_run(enrichment, sql, count + 1, values, NULL);
}

static void free_columns(struct array_text columns[COLUMNS])
{
	for (int i = 0; i < COLUMNS; i++)
		array_text_free(&columns[i]);
}

static int countries_of(struct enrichment *enrichment, const PGresult *rows)
{
	struct array_text columns[COLUMNS] = { 0 };
	int error;

	for (int row = 0; row < PQntuples(rows); row++) {
		char country[COUNTRY_BYTES];
		struct address address;

		if (PQgetvalue(rows, row, 2)[0] != 't' || address_parse(PQgetvalue(rows, row, 1), &address))
			continue;
		if (address_database_country(enrichment->countries, &address, country)) {
			enrichment->tally.unreadable++;
			continue;
		}
		array_text_add(&columns[SENSORS], PQgetvalue(rows, row, 0));
		array_text_add(&columns[SOURCES], PQgetvalue(rows, row, 1));
		array_text_add(&columns[FIRST], country);
	}
	enrichment->tally.visitors += columns[SENSORS].count;
	error = write_columns(enrichment, write_countries, columns, 3, address_database_date(enrichment->countries));
	free_columns(columns);
	return error;
}

static int networks_of(struct enrichment *enrichment, const PGresult *rows)
{
	struct array_text columns[COLUMNS] = { 0 };
	int error;

	for (int row = 0; row < PQntuples(rows); row++) {
		struct network network;
		struct address address;
		char number[16];

		if (PQgetvalue(rows, row, 3)[0] != 't' || address_parse(PQgetvalue(rows, row, 1), &address))
			continue;
		if (address_database_network(enrichment->networks, &address, &network)) {
			enrichment->tally.unreadable++;
			continue;
		}
		snprintf(number, sizeof number, "%u", network.number);
		array_text_add(&columns[SENSORS], PQgetvalue(rows, row, 0));
		array_text_add(&columns[SOURCES], PQgetvalue(rows, row, 1));
		array_text_add(&columns[FIRST], network.number ? number : NULL);
		array_text_add(&columns[SECOND], *network.name ? network.name : NULL);
	}
	enrichment->tally.networks += columns[SENSORS].count;
	error = write_columns(enrichment, write_networks, columns, 4, address_database_date(enrichment->networks));
	free_columns(columns);
	return error;
}

static int portion(struct enrichment *enrichment, const PGresult *rows, void *context)
{
	int error = enrichment->countries ? countries_of(enrichment, rows) : 0;

	(void)context;
	if (!error && enrichment->networks)
		error = networks_of(enrichment, rows);
	return error;
}

int enrich_visitors(struct enrichment *enrichment)
{
	const char *const values[] = {
		enrichment->sensor,
		enrichment->countries ? address_database_date(enrichment->countries) : NULL,
		enrichment->networks ? address_database_date(enrichment->networks) : NULL,
		enrichment->refresh ? "true" : "false",
	};

	if (!enrichment->countries && !enrichment->networks)
		return 0;
	return statement_each(enrichment, wanted, 4, values, portion, NULL);
}
