/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * names.c - which names are asked of the resolver, and when: the queue in name_lookup.
 *
 * In:  domains of recipients and names of relays out of what was seen. Out: rows of name_lookup; domains.c and hosts.c
 * do the asking. Called by enrich_pass, only where the operator has named a resolver. A name is checked before it is
 * entered: what strangers wrote is asked for only where it can be a host's name in public DNS.
 */
#include "enrichment/enrichment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enrichment/array_text.h"
#include "enrichment/domains.h"
#include "enrichment/hosts.h"
#include "enrichment/statement.h"

/* Relays of one portion. */
#define HOSTS_AT_ONCE 256
/* What a query of the queue gives at once: the larger of both. */
#define NAMES_AT_ONCE HOSTS_AT_ONCE

/*
 * Domains that are not in the queue, or were wanted by a mail that is newer than the last one known. Recipients of
 * direct mail count as well: whose record points at a decoy sends it his mail directly. $1 = sensor.
 */
static const char new_domains[] =
	"select seen.sensor, seen.name, max(seen.wanted_at)::text from ("
	"  select sensor, recipient_domain, last_seen from otori.rollup_relay_domain"
	"  union all select mail.sensor, otori.recipient_domain(recipient.address), mail.received_at"
	"   from otori.mail join otori.mail_recipient as recipient on recipient.sensor = mail.sensor and "
	"recipient.mail = mail.mail"
	"    and recipient.received_at = mail.received_at where mail.direct"
	" ) as seen (sensor, name, wanted_at)"
	" left join otori.name_lookup as known on known.sensor = seen.sensor and known.name = seen.name and known.kind "
	"= 'exchangers'"
	" where ($1::text is null or seen.sensor = $1) and octet_length(seen.name) between 1 and 253"
	"  and (known.name is null or known.wanted_at < seen.wanted_at)"
	" group by seen.sensor, seen.name";

/* Names of relays that are not in the queue. $1 = sensor. */
static const char new_relays[] = "select seen.sensor, seen.name, null from ("
				 "  select sensor, relay_host from otori.rollup_destination union select sensor, "
				 "relay_host from otori.rollup_relay_domain"
				 " ) as seen (sensor, name)"
				 " left join otori.name_lookup as known on known.sensor = seen.sensor and known.name = "
				 "seen.name and known.kind = 'addresses'"
				 " where ($1::text is null or seen.sensor = $1) and known.name is null and "
				 "octet_length(seen.name) between 1 and 253"
				 "  and seen.name !~ '^[0-9.]+$' and seen.name not like '%:%'";

/* $1 sensors, $2 names, $3 reasons for a refusal, $4 times, $5 kind. */
static const char enter[] =
	"with given as (select unnest($1::text[]) as sensor, unnest($2::text[]) as name, unnest($3::text[]) as refused,"
	"  unnest($4::timestamptz[]) as wanted_at)"
	" insert into otori.name_lookup as known (sensor, name, kind, state, detail, wanted_at)"
	" select sensor, name, $5, case when refused is null then 'waiting' else 'refused' end, refused, wanted_at "
	"from given"
	" on conflict (sensor, name, kind) do update set wanted_at = excluded.wanted_at";

/*
 * What is due, of one sensor: $1, $2 = kind, $3 = refresh, $4 = how many. An answer that is too old is asked for again
 * only where a newer mail wants it, or the operator does.
 */
static const char due[] = "select name from otori.name_lookup"
			  " where sensor = $1 and kind = $2 and ask_again_at <= now()"
			  "  and (state in ('waiting', 'unknown') or (state in ('found', 'none') and (wanted_at > "
			  "asked_at or $3::boolean)))"
			  " order by wanted_at desc nulls last, name limit $4";

enum column { SENSORS, NAMES, REFUSED, WANTED, COLUMNS };

static int enter_portion(struct enrichment *enrichment, const PGresult *rows, void *context)
{
	struct array_text columns[COLUMNS] = { 0 };
	const char *values[COLUMNS + 1];
	int error = 0;

	for (int row = 0; row < PQntuples(rows); row++) {
		const char *refused = name_refused(slice_of_text(PQgetvalue(rows, row, 1)));

		enrichment->tally.refused += refused != NULL;
		array_text_add(&columns[SENSORS], PQgetvalue(rows, row, 0));
		array_text_add(&columns[NAMES], PQgetvalue(rows, row, 1));
		array_text_add(&columns[REFUSED], refused);
		array_text_add(&columns[WANTED], PQgetisnull(rows, row, 2) ? NULL : PQgetvalue(rows, row, 2));
	}
	for (int i = 0; i < COLUMNS; i++) {
		values[i] = array_text_end(&columns[i]);
		error = values[i] ? error : -ENOMEM;
	}
	values[COLUMNS] = context;
	if (error)
		snprintf(enrichment->text, sizeof enrichment->text, "out of memory");
	else
		error = statement_run(enrichment, enter, COLUMNS + 1, values, NULL);
	for (int i = 0; i < COLUMNS; i++)
		array_text_free(&columns[i]);
	return error;
}

static int look_up_domains(struct enrichment *enrichment, const char *sensor, const PGresult *names)
{
	const char *domains[DOMAINS_AT_ONCE];
	size_t count = (size_t)PQntuples(names);

	for (size_t i = 0; i < count; i++)
		domains[i] = PQgetvalue(names, (int)i, 0);
	return domains_look_up(enrichment, sensor, domains, count);
}

static int look_up_relays(struct enrichment *enrichment, const char *sensor, const PGresult *names)
{
	size_t count = (size_t)PQntuples(names);
	struct host *hosts = calloc(count, sizeof *hosts);
	int error;

	if (!hosts) {
		snprintf(enrichment->text, sizeof enrichment->text, "out of memory");
		return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++)
		snprintf(hosts[i].name, sizeof hosts[i].name, "%s", PQgetvalue(names, (int)i, 0));
	error = hosts_look_up(enrichment, sensor, hosts, count, false);
	free(hosts);
	return error;
}

/* All that is due of one kind. Each name that was asked is not due any more, so this ends. */
static int look_up_due(struct enrichment *enrichment, const char *sensor, bool relays)
{
	char limit[16];
	const char *const values[] = { sensor, relays ? "addresses" : "exchangers",
				       enrichment->refresh ? "true" : "false", limit };
	int error = 0;

	snprintf(limit, sizeof limit, "%d", relays ? HOSTS_AT_ONCE : DOMAINS_AT_ONCE);
	while (!error) {
		PGresult *names;

		if (*enrichment->stop)
			return -EINTR;
		names = statement_ask(enrichment, due, 4, values);
		if (!names)
			return -EIO;
		if (!PQntuples(names))
			error = -ENODATA;
		else
			error = (relays ? look_up_relays : look_up_domains)(enrichment, sensor, names);
		PQclear(names);
	}
	return error == -ENODATA ? 0 : error;
}

int enrich_names(struct enrichment *enrichment)
{
	static char domains[] = "exchangers", relays[] = "addresses";
	const char *const values[] = { enrichment->sensor };
	PGresult *sensors;
	int error = statement_each(enrichment, new_domains, 1, values, enter_portion, domains);

	if (!error)
		error = statement_each(enrichment, new_relays, 1, values, enter_portion, relays);
	if (error)
		return error;
	sensors = statement_ask(enrichment,
				"select sensor from otori.sensor where $1::text is null or sensor = $1 order by 1", 1,
				values);
	if (!sensors)
		return -EIO;
	for (int row = 0; !error && row < PQntuples(sensors); row++) {
		const char *sensor = PQgetvalue(sensors, row, 0);

		error = look_up_due(enrichment, sensor, false);
		if (!error)
			error = look_up_due(enrichment, sensor, true);
	}
	PQclear(sensors);
	return error;
}
