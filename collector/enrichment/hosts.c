/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hosts.c - see hosts.h.
 *
 * In:  names. Out: addresses; rows of name_lookup of kind addresses. Called by domains.c and names.c.
 */
#include "enrichment/hosts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enrichment/array_text.h"
#include "enrichment/resolver.h"
#include "enrichment/statement.h"

/* $1 = sensor, $2 = names. An answer that was unknown lately is not asked for again either. */
static const char read_cache[] =
	"select name, state, array_to_string(addresses, ',') from otori.name_lookup"
	" where sensor = $1 and kind = 'addresses' and name = any($2::text[]) and ask_again_at > now()"
	"  and state in ('found', 'none', 'unknown')";

/* $1 = sensor, $2 names, $3 states, $4 addresses, $5 details, $6 seconds that the answer holds (null = by the number of
 * failures). */
static const char write_cache[] =
	"with given as (select unnest($2::text[]) as name, unnest($3::text[]) as state, unnest($4::text[])::inet[] as "
	"addresses,"
	"  unnest($5::text[]) as detail, unnest($6::bigint[]) as seconds)"
	" insert into otori.name_lookup as known (sensor, name, kind, state, addresses, detail, failures, asked_at, "
	"ask_again_at)"
	" select $1, name, 'addresses', state, addresses, detail, (seconds is null)::integer, now(),"
	"  now() + coalesce(seconds, 900) * interval '1 second' from given"
	" on conflict (sensor, name, kind) do update set state = excluded.state, addresses = excluded.addresses,"
	"  detail = excluded.detail, asked_at = excluded.asked_at,"
	"  failures = case when excluded.failures = 0 then 0 else known.failures + 1 end,"
	"  ask_again_at = case when excluded.failures = 0 then excluded.ask_again_at"
	"   else now() + least(900 * 2.0 ^ least(known.failures, 10), 86400) * interval '1 second' end";

uint32_t ttl_clamped(uint32_t seconds)
{
	return seconds < TTL_LEAST_SECONDS  ? TTL_LEAST_SECONDS
	       : seconds > TTL_MOST_SECONDS ? TTL_MOST_SECONDS
					    : seconds;
}

static struct host *find(struct host *hosts, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(hosts[i].name, name))
			return &hosts[i];
	}
	return NULL;
}

static void add_address(struct host *host, const struct address *address)
{
	if (host->count == DNS_RECORDS) {
		host->more = true;
		return;
	}
	host->addresses[host->count++] = *address;
}

static void take_cached(struct host *host, const char *state, const char *list)
{
	host->cached = true;
	host->state = *state == 'f' ? HOST_FOUND : *state == 'n' ? HOST_NONE : HOST_UNKNOWN;
	host->why = host->state == HOST_UNKNOWN ? "its addresses could not be looked up" : NULL;
	host->ttl_seconds = TTL_LEAST_SECONDS;
	while (*list) {
		size_t length = strcspn(list, ",");
		char text[ADDRESS_TEXT_BYTES];
		struct address address;

		if (length < sizeof text) {
			memcpy(text, list, length);
			text[length] = '\0';
			if (!address_parse(text, &address))
				add_address(host, &address);
		}
		list += length + (list[length] == ',');
	}
	/* a full list may have been cut */
	host->more = host->count == DNS_RECORDS;
}

static int take_cache(struct enrichment *enrichment, const char *sensor, struct host *hosts, size_t count)
{
	struct array_text names = { 0 };
	const char *values[2] = { sensor, NULL };
	PGresult *rows;

	for (size_t i = 0; i < count; i++) {
		if (hosts[i].state == HOST_UNASKED)
			array_text_add(&names, hosts[i].name);
	}
	values[1] = array_text_end(&names);
	rows = values[1] ? statement_ask(enrichment, read_cache, 2, values) : NULL;
	array_text_free(&names);
	if (!rows)
		return -EIO;
	for (int row = 0; row < PQntuples(rows); row++) {
		struct host *host = find(hosts, count, PQgetvalue(rows, row, 0));

		if (host)
			take_cached(host, PQgetvalue(rows, row, 1), PQgetvalue(rows, row, 2));
	}
	PQclear(rows);
	return 0;
}

/* Begins anew with a host. Some names need no question: an exchanger may be written as an address, or be nothing that
 * is asked. */
static void settle(struct host *host)
{
	struct address address;

	host->state = HOST_UNASKED;
	host->cached = host->more = false;
	host->ttl_seconds = TTL_MOST_SECONDS;
	host->count = 0;
	if (!address_parse(host->name, &address)) {
		host->why = NULL;
		host->state = HOST_FOUND;
		add_address(host, &address);
		return;
	}
	host->why = name_refused(slice_of_text(host->name));
	if (host->why)
		host->state = HOST_REFUSED;
}

/* Joins what A and AAAA said: only where both are known the addresses are all. */
static void take_answer(struct host *host, const struct dns_answer *answer)
{
	for (size_t i = 0; i < answer->count; i++)
		add_address(host, &answer->addresses[i]);
	host->more = host->more || answer->more;
	if (answer->state == DNS_UNKNOWN) {
		host->state = HOST_UNKNOWN;
		host->why = answer->why;
		return;
	}
	if (answer->state == DNS_FOUND && answer->ttl_seconds < host->ttl_seconds)
		host->ttl_seconds = answer->ttl_seconds;
	if (host->state != HOST_UNKNOWN)
		host->state = host->count ? HOST_FOUND : HOST_NONE;
}

static const char *state_text(const struct host *host)
{
	return host->state == HOST_FOUND ? "found" : host->state == HOST_NONE ? "none" : "unknown";
}

/* Only what was asked just now. */
static int write_hosts(struct enrichment *enrichment, const char *sensor, const struct host *hosts, size_t count)
{
	enum { NAMES, STATES, ADDRESSES, DETAILS, SECONDS, COLUMNS };
	struct array_text columns[COLUMNS] = { 0 };
	const char *values[COLUMNS + 1] = { sensor };
	int error = 0;

	for (size_t i = 0; i < count; i++) {
		const struct host *host = &hosts[i];
		char seconds[16];

		if (host->cached || host->state == HOST_UNASKED || host->state == HOST_REFUSED ||
		    name_refused(slice_of_text(host->name)))
			continue;
		snprintf(seconds, sizeof seconds, "%u",
			 host->state == HOST_FOUND ? ttl_clamped(host->ttl_seconds) : TTL_NONE_SECONDS);
		array_text_add(&columns[NAMES], host->name);
		array_text_add(&columns[STATES], state_text(host));
		array_text_add_addresses(&columns[ADDRESSES], host->addresses, host->count);
		array_text_add(&columns[DETAILS],
			       host->more ? "more than 64 addresses: the rest is not kept" : host->why);
		array_text_add(&columns[SECONDS], host->state == HOST_UNKNOWN ? NULL : seconds);
		*(host->state == HOST_UNKNOWN ? &enrichment->tally.unknown : &enrichment->tally.hosts) += 1;
	}
	for (int i = 0; i < COLUMNS; i++) {
		values[i + 1] = array_text_end(&columns[i]);
		error = values[i + 1] ? error : -ENOMEM;
	}
	if (error)
		snprintf(enrichment->text, sizeof enrichment->text, "out of memory");
	else if (columns[NAMES].count)
		error = statement_run(enrichment, write_cache, COLUMNS + 1, values, NULL);
	for (int i = 0; i < COLUMNS; i++)
		array_text_free(&columns[i]);
	return error;
}

/* Asks for A and AAAA of every host that is not settled. */
static int ask(struct enrichment *enrichment, struct host *hosts, size_t count)
{
	struct dns_question *questions = calloc(2 * count, sizeof *questions);
	size_t asked = 0, place = 0;
	int error;

	if (!questions) {
		snprintf(enrichment->text, sizeof enrichment->text, "out of memory");
		return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++) {
		if (hosts[i].state != HOST_UNASKED)
			continue;
		questions[asked++] = (struct dns_question){ .name = hosts[i].name, .type = DNS_A };
		questions[asked++] = (struct dns_question){ .name = hosts[i].name, .type = DNS_AAAA };
	}
	error = resolver_ask(enrichment->resolver, questions, asked, enrichment->stop);
	for (size_t i = 0; i < count; i++) {
		if (hosts[i].state != HOST_UNASKED)
			continue;
		if (questions[place].asked && questions[place + 1].asked) {
			take_answer(&hosts[i], &questions[place].answer);
			take_answer(&hosts[i], &questions[place + 1].answer);
		}
		place += 2;
	}
	free(questions);
	return error;
}

int hosts_look_up(struct enrichment *enrichment, const char *sensor, struct host *hosts, size_t count, bool from_cache)
{
	int asked, error = 0;

	for (size_t i = 0; i < count; i++)
		settle(&hosts[i]);
	if (from_cache && count)
		error = take_cache(enrichment, sensor, hosts, count);
	if (error || !count)
		return error;
	asked = ask(enrichment, hosts, count);
	error = write_hosts(enrichment, sensor, hosts, count);
	return error ? error : asked;
}
