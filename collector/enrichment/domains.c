/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * domains.c - see domains.h.
 *
 * In:  domains. Out: their exchangers. Called by names.c.
 *
 * A domain is asked for MX. Without MX its own addresses are those of its exchanger (RFC 5321, 5.1). Only a whole
 * answer becomes rows of mail_exchanger: where an exchanger's addresses are unknown, the domain is, and is asked again
 * later.
 */
#include "enrichment/domains.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enrichment/array_text.h"
#include "enrichment/hosts.h"
#include "enrichment/registered_part.h"
#include "enrichment/resolver.h"
#include "enrichment/statement.h"

/* $1 = sensor, $2 names, $3 states, $4 details, $5 seconds that the answer holds (null = by the number of failures). */
static const char write_domains[] =
	"with given as (select unnest($2::text[]) as name, unnest($3::text[]) as state, unnest($4::text[]) as detail,"
	"  unnest($5::bigint[]) as seconds)"
	" update otori.name_lookup as known set state = given.state, detail = given.detail, asked_at = now(),"
	"  failures = case when seconds is null then failures + 1 else 0 end,"
	"  ask_again_at = now() + coalesce(seconds, least(900 * 2.0 ^ least(failures, 10), 86400)) * interval '1 "
	"second'"
	" from given where known.sensor = $1 and known.name = given.name and known.kind = 'exchangers'";

/* $1 = sensor, $2 domains, $3 exchangers, $4 addresses, $5 whole, $6 registered parts. Twice on a day: both answers are
 * kept. */
static const char write_exchangers[] =
	"with given as (select unnest($2::text[]) as domain, unnest($3::text[]) as exchanger, "
	"unnest($4::text[])::inet[] as addresses,"
	"  unnest($5::boolean[]) as whole, unnest($6::text[]) as registered)"
	" insert into otori.mail_exchanger as known"
	"  (sensor, domain, exchanger, valid_on, addresses, looked_up_at, origin, whole, registered)"
	" select $1, domain, exchanger, (now() at time zone 'UTC')::date, addresses, now(), 'resolver', whole, "
	"registered from given"
	" on conflict (sensor, domain, exchanger, valid_on) do update set looked_up_at = excluded.looked_up_at,"
	"  whole = known.whole or excluded.whole,"
	"  addresses = array(select unnest(known.addresses) union select unnest(excluded.addresses) order by 1)";

/* What is known of a domain at the end. */
enum domain_state { DOMAIN_UNASKED, DOMAIN_FOUND, DOMAIN_NONE, DOMAIN_UNKNOWN };

struct domain {
	const char *name;
	struct dns_question question;
	enum domain_state state;
	bool implicit; /* no MX: it is its own exchanger */
	bool whole;
	uint32_t ttl_seconds;
	const char *detail;
};

struct look_up {
	struct enrichment *enrichment;
	const char *sensor;
	struct domain *domains;
	size_t count;
	struct host *hosts; /* all exchangers, distinct, in order of their names */
	size_t host_count;
};

static int compare_hosts(const void *a, const void *b)
{
	return strcmp(((const struct host *)a)->name, ((const struct host *)b)->name);
}

/* What the answer to MX means. */
static void judge(struct domain *domain)
{
	const struct dns_answer *answer = &domain->question.answer;

	if (!domain->question.asked)
		return;
	domain->ttl_seconds = answer->ttl_seconds;
	domain->whole = !answer->more;
	domain->detail = answer->more ? "more than 64 exchangers: the rest is not kept" : answer->why;
	switch (answer->state) {
	case DNS_UNKNOWN:
		domain->state = DOMAIN_UNKNOWN;
		break;
	case DNS_NO_NAME:
		domain->state = DOMAIN_NONE;
		domain->detail = "there is no such name";
		break;
	case DNS_NO_RECORD:
		domain->implicit = true;
		domain->state = DOMAIN_FOUND;
		domain->ttl_seconds = TTL_MOST_SECONDS;
		break;
	case DNS_FOUND:
		domain->state = DOMAIN_FOUND;
		break;
	}
}

static size_t exchanger_count(const struct domain *domain)
{
	return domain->state != DOMAIN_FOUND ? 0 : domain->implicit ? 1 : domain->question.answer.count;
}

static const char *exchanger_name(const struct domain *domain, size_t i)
{
	return domain->implicit ? domain->name : domain->question.answer.exchangers[i];
}

/* Gathers the exchangers of all domains, each once. 0 or -ENOMEM. */
static int gather(struct look_up *look_up)
{
	size_t room = 0, kept = 0;

	for (size_t i = 0; i < look_up->count; i++)
		room += exchanger_count(&look_up->domains[i]);
	look_up->hosts = calloc(room ? room : 1, sizeof *look_up->hosts);
	if (!look_up->hosts)
		return -ENOMEM;
	for (size_t i = 0; i < look_up->count; i++) {
		for (size_t j = 0; j < exchanger_count(&look_up->domains[i]); j++)
			strcpy(look_up->hosts[look_up->host_count++].name, exchanger_name(&look_up->domains[i], j));
	}
	qsort(look_up->hosts, look_up->host_count, sizeof *look_up->hosts, compare_hosts);
	for (size_t i = 0; i < look_up->host_count; i++) {
		if (!i || strcmp(look_up->hosts[i].name, look_up->hosts[kept - 1].name) != 0)
			memmove(&look_up->hosts[kept++], &look_up->hosts[i], sizeof *look_up->hosts);
	}
	look_up->host_count = kept;
	return 0;
}

static const struct host *host_named(const struct look_up *look_up, const char *name)
{
	struct host key;

	strcpy(key.name, name);
	return bsearch(&key, look_up->hosts, look_up->host_count, sizeof key, compare_hosts);
}

/* Completes what is known of a domain by what is known of its exchangers. */
static void complete(const struct look_up *look_up, struct domain *domain)
{
	size_t usable = 0, count = exchanger_count(domain);

	for (size_t i = 0; i < count; i++) {
		const struct host *host = host_named(look_up, exchanger_name(domain, i));

		if (host->state == HOST_UNASKED) {
			domain->state = DOMAIN_UNASKED;
			return;
		}
		if (host->state == HOST_UNKNOWN) {
			domain->state = DOMAIN_UNKNOWN;
			domain->detail =
				domain->implicit ? host->why : "the addresses of an exchanger could not be looked up";
			return;
		}
		usable += host->state == HOST_FOUND;
		domain->whole = domain->whole && !host->more;
		if (host->state == HOST_FOUND && host->ttl_seconds < domain->ttl_seconds)
			domain->ttl_seconds = host->ttl_seconds;
	}
	if (count && !usable) {
		domain->state = DOMAIN_NONE;
		domain->detail = domain->implicit ? "no MX and no address" : "none of its exchangers has an address";
	}
}

/* Finishes columns of arrays as parameters behind $1 = sensor, and runs the statement where there are rows. */
static int run_arrays(const struct look_up *look_up, const char *sql, struct array_text *columns, size_t count)
{
	const char *values[8] = { look_up->sensor };
	int error = 0;

	for (size_t i = 0; i < count; i++) {
		bool any = columns[i].count > 0;

		values[i + 1] = array_text_end(&columns[i]);
		if (!values[i + 1]) {
			snprintf(look_up->enrichment->text, sizeof look_up->enrichment->text, "out of memory");
			error = -ENOMEM;
		}
		if (!any)
			count = 0;
	}
	if (!error && count)
		error = statement_run(look_up->enrichment, sql, (int)count + 1, values, NULL);
	return error;
}

static void add_exchanger(const struct look_up *look_up, const struct domain *domain, const char *name,
			  const struct host *host, struct array_text columns[5])
{
	array_text_add(&columns[0], domain->name);
	array_text_add(&columns[1], name);
	array_text_add_addresses(&columns[2], host ? host->addresses : NULL, host ? host->count : 0);
	array_text_add(&columns[3], domain->whole ? "true" : "false");
	array_text_add(&columns[4], host ? registered_part(look_up->enrichment->parts, name) : NULL);
}

static int write_rows_of_exchangers(const struct look_up *look_up)
{
	struct array_text columns[5] = { 0 };
	int error;

	for (size_t i = 0; i < look_up->count; i++) {
		const struct domain *domain = &look_up->domains[i];
		size_t count = exchanger_count(domain);

		if (domain->state == DOMAIN_NONE)
			add_exchanger(look_up, domain, "", NULL, columns);
		else if (domain->state == DOMAIN_FOUND && !count)
			add_exchanger(look_up, domain, ".", NULL, columns);
		for (size_t j = 0; j < count; j++) {
			const char *name = exchanger_name(domain, j);
			const struct host *host = host_named(look_up, name);
			bool again = false;

			/* the same name twice in an answer is one exchanger */
			for (size_t k = 0; k < j && !again; k++)
				again = strcmp(exchanger_name(domain, k), name) == 0;
			if (!again && host->state != HOST_REFUSED)
				add_exchanger(look_up, domain, name, host, columns);
		}
	}
	error = run_arrays(look_up, write_exchangers, columns, 5);
	for (size_t i = 0; i < 5; i++)
		array_text_free(&columns[i]);
	return error;
}

static int write_states(const struct look_up *look_up)
{
	struct array_text columns[4] = { 0 };
	struct enrich_tally *tally = &look_up->enrichment->tally;
	int error;

	for (size_t i = 0; i < look_up->count; i++) {
		const struct domain *domain = &look_up->domains[i];
		char seconds[16];

		if (domain->state == DOMAIN_UNASKED)
			continue;
		snprintf(seconds, sizeof seconds, "%u",
			 domain->state == DOMAIN_FOUND ? ttl_clamped(domain->ttl_seconds) : TTL_NONE_SECONDS);
		array_text_add(&columns[0], domain->name);
		array_text_add(&columns[1], domain->state == DOMAIN_FOUND  ? "found"
					    : domain->state == DOMAIN_NONE ? "none"
									   : "unknown");
		array_text_add(&columns[2], domain->detail);
		array_text_add(&columns[3], domain->state == DOMAIN_UNKNOWN ? NULL : seconds);
		*(domain->state == DOMAIN_UNKNOWN ? &tally->unknown : &tally->domains) += 1;
		tally->domains_cut += domain->state == DOMAIN_FOUND && !domain->whole;
	}
	error = run_arrays(look_up, write_domains, columns, 4);
	for (size_t i = 0; i < 4; i++)
		array_text_free(&columns[i]);
	return error;
}

/* Both in one transaction: a domain counts as asked only together with what was answered. */
static int write_all(const struct look_up *look_up)
{
	struct enrichment *enrichment = look_up->enrichment;
	int error = statement_run(enrichment, "begin", 0, NULL, NULL);

	if (error)
		return error;
	error = write_rows_of_exchangers(look_up);
	if (!error)
		error = write_states(look_up);
	if (!error)
		error = statement_run(enrichment, "commit", 0, NULL, NULL);
	if (error)
		PQclear(PQexec(enrichment->connection, "rollback"));
	return error;
}

static int ask_exchangers(const struct look_up *look_up)
{
	struct dns_question *questions = calloc(look_up->count, sizeof *questions);
	int error;

	if (!questions)
		return -ENOMEM;
	for (size_t i = 0; i < look_up->count; i++)
		questions[i] = (struct dns_question){ .name = look_up->domains[i].name, .type = DNS_MX };
	error = resolver_ask(look_up->enrichment->resolver, questions, look_up->count, look_up->enrichment->stop);
	for (size_t i = 0; i < look_up->count; i++) {
		look_up->domains[i].question = questions[i];
		judge(&look_up->domains[i]);
	}
	free(questions);
	return error;
}

int domains_look_up(struct enrichment *enrichment, const char *sensor, const char *const *names, size_t count)
{
	struct look_up look_up = { .enrichment = enrichment, .sensor = sensor, .count = count };
	int error = -ENOMEM, ended = 0, written;

	snprintf(enrichment->text, sizeof enrichment->text, "out of memory");
	look_up.domains = calloc(count, sizeof *look_up.domains);
	if (!look_up.domains)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		look_up.domains[i].name = names[i];
	ended = ask_exchangers(&look_up);
	if (ended == -ENOMEM || gather(&look_up))
		goto out;
	error = hosts_look_up(enrichment, sensor, look_up.hosts, look_up.host_count, true);
	if (error && error != -EINTR && error != -ETIMEDOUT)
		goto out;
	for (size_t i = 0; i < count; i++)
		complete(&look_up, &look_up.domains[i]);
	written = write_all(&look_up);
	error = written ? written : error ? error : ended;
out:
	for (size_t i = 0; i < count; i++)
		dns_answer_free(&look_up.domains[i].question.answer);
	free(look_up.domains);
	free(look_up.hosts);
	return error;
}
