// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * change.c - gives accesses the exploit and the class that the rules say now, where that is another one.
 *
 * In:  the verdicts of judge.c, tables access and hop. Out: calls of otori.reclassify_many, counts by rule. Called by
 * collector/classify.c. Changes access and the roll-ups by that function only.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "database/text.h"
#include "protocols/classify.h"
#include "reclassify/reclassify.h"

/* The place of an access's form among those of a verdict: that of enum exploit_form, from 1. */
#define FORM_IN_LIST(name) "'" #name "',"
#define FORM_NUMBER \
	"coalesce(array_position(array[" EXPLOIT_FORMS( \
		FORM_IN_LIST) "null], access.protocol), cardinality(array[" EXPLOIT_FORMS(FORM_IN_LIST) "null]))"

/* Accesses whose payload is there, and what the rules say of each. */
#define JUDGED \
	" from otori.access join otori.payload on payload.sensor = access.sensor and payload.sha256 = " \
	"access.payload_sha256" \
	" and payload.bytes is not null left join classify_verdict on classify_verdict.sha256 = access.payload_sha256" \
	" cross join lateral (select classify_verdict.exploits[" FORM_NUMBER "]) as wanted (exploit)" \
	" where access.sensor = $1 and " RECLASSIFY_PERIOD("access")

/* Its first request, asked for where an access falls back to the class that it would have had. */
#define FIRST_REQUEST \
	"(select hop.protocol = 'http' and lower(hop.method) <> 'connect' and hop.relay_host_raw is not null from " \
	"otori.hop" \
	" where hop.sensor = access.sensor and hop.access = access.access and hop.position = 0" \
	" and hop.requested_at >= access.started_at limit 1)"

enum column { ACCESS, STARTED_AT, OLD, NEW, PROTOCOL, RELAY, RELAY_PORT, ABSOLUTE };

static const char declare_changes[] =
	"declare classify_change no scroll cursor with hold for"
	" select access.access, access.started_at, access.exploit, wanted.exploit, access.protocol,"
	" access.relay_host_raw is not null or access.relay_port is not null, access.relay_port,"
	" case when wanted.exploit is null then " FIRST_REQUEST " end" JUDGED
	" and (access.exploit is distinct from wanted.exploit"
	" or (access.class = 'exploit') is distinct from (wanted.exploit is not null))";

static const char count_kept[] =
	"select count(*) from otori.access where access.sensor = $1 and access.payload_sha256 is not null "
	"and " RECLASSIFY_PERIOD(
		"access") " and not exists (select from otori.payload where payload.sensor = access.sensor"
			  " and payload.sha256 = access.payload_sha256 and payload.bytes is not null)";

static const char *const class_names[] = {
#define CLASS_NAME(name) #name,
	RECORD_CLASSES(CLASS_NAME)
};

static const char *value_or_null(const PGresult *rows, int row, enum column column)
{
	return PQgetisnull(rows, row, column) ? NULL : PQgetvalue(rows, row, column);
}

static bool is_true(const PGresult *rows, int row, enum column column)
{
	return PQgetvalue(rows, row, column)[0] == 't';
}

/* The class of an access that no rule names, by what its row says. */
static enum access_class plain_class(const PGresult *rows, int row)
{
	const char *port = value_or_null(rows, row, RELAY_PORT);
	const struct first_request first = {
		.protocol = value_or_null(rows, row, PROTOCOL),
		.port = port ? atoi(port) : -1,
		.relay = is_true(rows, row, RELAY),
		.absolute_form = is_true(rows, row, ABSOLUTE),
	};

	return classify(&first);
}

static struct reclassify_count *count_of(struct reclassify_totals *totals, const char *name)
{
	unsigned i = 0;

	while (i < totals->count && strcmp(totals->counts[i].name, name) != 0)
		i++;
	if (i == RECLASSIFY_COUNTS_MAX)
		return &totals->counts[i - 1];
	if (i == totals->count) {
		totals->count++;
		snprintf(totals->counts[i].name, sizeof(totals->counts[i].name), "%s",
			 i + 1 == RECLASSIFY_COUNTS_MAX ? "others" : name);
	}
	return &totals->counts[i];
}

static void count_changes(struct reclassify_totals *totals, const PGresult *rows)
{
	for (int row = 0; row < PQntuples(rows); row++) {
		const char *old = value_or_null(rows, row, OLD), *new = value_or_null(rows, row, NEW);

		if (old && new && !strcmp(old, new))
			continue; /* only its class was wrong */
		if (old)
			count_of(totals, old)->lost++;
		if (new)
			count_of(totals, new)->gained++;
	}
}

/* One column of the changes as an array literal; to be freed. */
static char *array_of(const PGresult *rows, enum column column, bool classes)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);
	bool failed;

	if (!out)
		return NULL;
	for (int row = 0; row < PQntuples(rows); row++) {
		const char *value = value_or_null(rows, row, column);

		fputc(row ? ',' : '{', out);
		if (classes)
			fputs(class_names[value ? CLASS_exploit : plain_class(rows, row)], out);
		else if (value)
			fprintf(out, "\"%s\"", value); /* ids, moments, names of rules: nothing to be escaped */
		else
			fputs("NULL", out);
	}
	fputc('}', out);
	failed = ferror(out);
	if (fclose(out) || failed) {
		free(text);
		return NULL;
	}
	return text;
}

/* Changes the accesses of these rows. */
static int change(struct reclassify *work, const PGresult *rows)
{
	char *accesses = array_of(rows, ACCESS, false), *started = array_of(rows, STARTED_AT, false);
	char *exploits = array_of(rows, NEW, false), *classes = array_of(rows, NEW, true);
	const char *values[] = { work->plan->sensor, accesses, started, exploits, classes };
	PGresult *result;
	int error = 0;

	if (!accesses || !started || !exploits || !classes) {
		error = database_fail(work->text, work->text_bytes, -ENOMEM, "memory is short");
		goto out;
	}
	result = PQexecParams(
		work->connection,
		"select otori.reclassify_many($1, $2::bigint[], $3::timestamptz[], $4::text[], $5::otori.class[])", 5,
		NULL, values, NULL, NULL, 0);
	if (PQresultStatus(result) == PGRES_TUPLES_OK) {
		work->totals->changed += strtoull(PQgetvalue(result, 0, 0), NULL, 10);
	} else {
		database_text(work->text, work->text_bytes, "cannot change accesses", PQerrorMessage(work->connection));
		error = -EIO;
	}
	PQclear(result);
out:
	free(accesses);
	free(started);
	free(exploits);
	free(classes);
	return error;
}

/* Takes the next changes from the cursor. *more: there were some. */
static int change_some(struct reclassify *work, bool *more)
{
	char fetch[64];
	PGresult *rows;
	int error = 0;

	snprintf(fetch, sizeof(fetch), "fetch forward %d from classify_change", RECLASSIFY_CHANGES);
	rows = reclassify_query(work, fetch, false, 0, "cannot read accesses");
	if (!rows)
		return -EIO;
	*more = PQntuples(rows) > 0;
	if (work->plan->dry_run)
		work->totals->changed += (uint64_t)PQntuples(rows);
	else if (*more)
		error = change(work, rows);
	if (!error)
		count_changes(work->totals, rows);
	PQclear(rows);
	return error;
}

/* All changes, each few thousand a transaction of their own. */
static int change_all(struct reclassify *work)
{
	bool more = true;
	int error = 0;

	while (!error && more)
		error = change_some(work, &more);
	if (!error)
		error = reclassify_do(work, "close classify_change", false, "cannot read accesses");
	return error;
}

/* What the rules say of one state of the database: verdicts, the changes that follow, and what can't be judged. */
static int find_changes(struct reclassify *work)
{
	PGresult *result;
	int error = reclassify_do(work, "begin isolation level repeatable read", false, "cannot begin a transaction");

	if (!error)
		error = reclassify_judge(work);
	if (!error)
		error = reclassify_do(work, declare_changes, true, "cannot read accesses");
	if (error)
		return error;
	result = reclassify_query(work, count_kept, true, 0, "cannot count accesses");
	if (!result)
		return -EIO;
	work->totals->kept += strtoull(PQgetvalue(result, 0, 0), NULL, 10);
	PQclear(result);
	return reclassify_do(work, "commit", false, "cannot read accesses");
}

int reclassify_sensor(PGconn *connection, const struct reclassify_plan *plan, struct reclassify_totals *totals,
		      char *text, size_t text_bytes)
{
	struct reclassify work = { connection, plan, totals, text, text_bytes };
	int error = find_changes(&work);

	if (!error)
		error = change_all(&work);
	if (error && PQtransactionStatus(connection) != PQTRANS_IDLE)
		PQclear(PQexec(connection, "rollback"));
	return error;
}
