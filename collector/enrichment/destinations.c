/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * destinations.c - addresses and countries of the hosts to which relays were asked for.
 *
 * In:  hosts of the roll-ups without an answer: addresses, names that were looked up (name_lookup), and names of known
 * exchangers (mail_exchanger, by resolver or dated file). Out: rows of relay_destination and relay_destination_answer.
 * Called by enrich_pass. Asks nothing of any network; a name of which nothing is known has no row.
 */
#include "enrichment/enrichment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enrichment/address_database.h"
#include "enrichment/array_text.h"
#include "enrichment/dns_answer.h"
#include "enrichment/registered_part.h"
#include "enrichment/statement.h"

/*
 * Hosts that are addresses, names with a whole answer, and names of exchangers (by their newest date), where there is
 * no row yet, or one that a country database can complete, or (refresh) one that has become old. $1 = sensor, $2 = date
 * of the country database (null = none), $3 = refresh.
 */
static const char wanted[] =
	"with dated as ("
	"  select sensor, exchanger, addresses, rank() over (partition by sensor, exchanger order by valid_on desc) as "
	"age"
	"  from otori.mail_exchanger where addresses <> '{}'"
	" ), listed as ("
	"  select sensor, exchanger, string_agg(distinct host(address), ',') as addresses"
	"  from dated cross join unnest(dated.addresses) as address where age = 1 group by sensor, exchanger)"
	" select host.sensor, host.relay_host, host.addresses"
	" from (select asked_for.sensor, relay_host, looked_up.asked_at,"
	"  case when looked_up.name is not null then array_to_string(looked_up.addresses, ',') else listed.addresses "
	"end as "
	"addresses"
	"  from (select sensor, relay_host from otori.rollup_destination"
	"   union select sensor, relay_host from otori.rollup_relay_domain) as asked_for"
	"  left join otori.name_lookup as looked_up on looked_up.sensor = asked_for.sensor and looked_up.name = "
	"relay_host"
	"   and looked_up.kind = 'addresses' and looked_up.state in ('found', 'none')"
	"  left join listed on listed.sensor = asked_for.sensor and listed.exchanger = relay_host"
	"  where ($1::text is null or asked_for.sensor = $1)"
	"   and (looked_up.name is not null or listed.exchanger is not null or relay_host ~ '^[0-9.]+$' or relay_host "
	"like '%:%')) as host (sensor, "
	"relay_host, asked_at, addresses)"
	" left join otori.relay_destination as known on known.sensor = host.sensor and known.relay_host = "
	"host.relay_host"
	" where known.relay_host is null"
	"  or ($2::date is not null and known.country_dated is null and known.country = 'ZZ')"
	"  or ($3::boolean and (known.country_dated < $2::date or known.looked_up_at < host.asked_at))";

/* $1 sensors, $2 hosts, $3 countries, $4 addresses, $5 registered parts, $6 date. */
static const char write_answers[] =
	"with given as (select unnest($1::text[]) as sensor, unnest($2::text[]) as relay_host, unnest($3::text[]) as "
	"country,"
	"  unnest($4::text[])::inet[] as addresses, unnest($5::text[]) as registered),"
	" kept as (insert into otori.relay_destination_answer (sensor, relay_host, looked_up_at, country, "
	"country_dated, addresses)"
	"  select sensor, relay_host, now(), country, $6::date, addresses from given on conflict do nothing)"
	" insert into otori.relay_destination as known"
	"  (sensor, relay_host, country, country_dated, addresses, registered, looked_up_at)"
	" select sensor, relay_host, country, $6::date, addresses, registered, now() from given"
	" on conflict (sensor, relay_host) do update set country = excluded.country, country_dated = "
	"excluded.country_dated,"
	"  addresses = excluded.addresses, registered = excluded.registered, looked_up_at = excluded.looked_up_at";

enum column { SENSORS, HOSTS, COUNTRIES, ADDRESSES, REGISTERED, COLUMNS };

/* Reads what array_to_string wrote. How many there are; more than there is room for are left out. */
static size_t parse_list(const char *list, struct address addresses[DNS_RECORDS])
{
	size_t count = 0;

	while (*list && count < DNS_RECORDS) {
		size_t length = strcspn(list, ",");
		char text[ADDRESS_TEXT_BYTES];

		if (length < sizeof text) {
			memcpy(text, list, length);
			text[length] = '\0';
			count += !address_parse(text, &addresses[count]);
		}
		list += length + (list[length] == ',');
	}
	return count;
}

/* The country that all of them have; ZZ where they disagree, or there are none. 0, or what the database says. */
static int country_of(const struct address_database *database, const struct address *addresses, size_t count,
		      char country[COUNTRY_BYTES])
{
	strcpy(country, COUNTRY_UNKNOWN);
	for (size_t i = 0; i < count; i++) {
		char one[COUNTRY_BYTES];
		int error = address_database_country(database, &addresses[i], one);

		if (error)
			return error;
		if (i && strcmp(one, country) != 0) {
			strcpy(country, COUNTRY_UNKNOWN);
			return 0;
		}
		strcpy(country, one);
	}
	return 0;
}

static void add_row(struct enrichment *enrichment, const PGresult *rows, int row, struct array_text columns[COLUMNS])
{
	const char *host = PQgetvalue(rows, row, 1);
	struct address addresses[DNS_RECORDS];
	bool literal = !address_parse(host, &addresses[0]);
	size_t count = literal ? 1 : parse_list(PQgetvalue(rows, row, 2), addresses);
	char country[COUNTRY_BYTES] = COUNTRY_UNKNOWN;

	/* digits and dots that are no address, such as 1.2.3 */
	if (!literal && PQgetisnull(rows, row, 2))
		return;
	if (enrichment->countries && country_of(enrichment->countries, addresses, count, country)) {
		enrichment->tally.unreadable++;
		return;
	}
	array_text_add(&columns[SENSORS], PQgetvalue(rows, row, 0));
	array_text_add(&columns[HOSTS], host);
	array_text_add(&columns[COUNTRIES], country);
	array_text_add_addresses(&columns[ADDRESSES], addresses, count);
	array_text_add(&columns[REGISTERED], literal ? NULL : registered_part(enrichment->parts, host));
}

static int portion(struct enrichment *enrichment, const PGresult *rows, void *context)
{
	struct array_text columns[COLUMNS] = { 0 };
	const char *values[COLUMNS + 1];
	int error = 0;

	(void)context;
	for (int row = 0; row < PQntuples(rows); row++)
		add_row(enrichment, rows, row, columns);
	enrichment->tally.destinations += columns[SENSORS].count;
	for (int i = 0; i < COLUMNS; i++) {
		values[i] = array_text_end(&columns[i]);
		if (!values[i]) {
			snprintf(enrichment->text, sizeof enrichment->text, "out of memory");
			error = -ENOMEM;
		}
	}
	values[COLUMNS] = enrichment->countries ? address_database_date(enrichment->countries) : NULL;
	if (!error && columns[SENSORS].count)
		error = statement_run(enrichment, write_answers, COLUMNS + 1, values, NULL);
	for (int i = 0; i < COLUMNS; i++)
		array_text_free(&columns[i]);
	return error;
}

int enrich_destinations(struct enrichment *enrichment)
{
	const char *const values[] = {
		enrichment->sensor,
		enrichment->countries ? address_database_date(enrichment->countries) : NULL,
		enrichment->refresh ? "true" : "false",
	};

	return statement_each(enrichment, wanted, 3, values, portion, NULL);
}
