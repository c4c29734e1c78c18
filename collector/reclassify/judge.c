// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * judge.c - asks the exploit rules about every payload that a sensor has stored.
 *
 * In:  table payload, by a cursor. Out: temporary table classify_verdict. Called by change.c. May not change a table
 * that stays.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "database/text.h"
#include "reclassify/reclassify.h"

#define IDENTITY_BYTES 32

PGresult *reclassify_query(struct reclassify *work, const char *statement, bool bound, int binary, const char *what)
{
	const char *values[] = { work->plan->sensor, work->plan->from, work->plan->to };
	PGresult *result = PQexecParams(work->connection, statement, bound ? 3 : 0, NULL, values, NULL, NULL, binary);
	ExecStatusType status = PQresultStatus(result);

	if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_COPY_IN)
		return result;
	database_text(work->text, work->text_bytes, what, PQerrorMessage(work->connection));
	PQclear(result);
	return NULL;
}

int reclassify_do(struct reclassify *work, const char *statement, bool bound, const char *what)
{
	PGresult *result = reclassify_query(work, statement, bound, 0, what);

	if (!result)
		return -EIO;
	PQclear(result);
	return 0;
}

/* A line of COPY text: the identity, and an array of a rule's name or null for each form. Nothing where no rule fits.
 */
static void put_verdict(const struct reclassify *work, FILE *out, const char *sha256,
			const int rules[EXPLOIT_FORM_COUNT])
{
	bool any = false;

	for (unsigned form = 0; form < EXPLOIT_FORM_COUNT; form++)
		any = any || rules[form] != EXPLOIT_NONE;
	if (!any)
		return;
	fputs("\\\\x", out);
	for (unsigned i = 0; i < IDENTITY_BYTES; i++)
		fprintf(out, "%02x", (uint8_t)sha256[i]);
	for (unsigned form = 0; form < EXPLOIT_FORM_COUNT; form++) {
		fputs(form ? "," : "\t{", out);
		if (rules[form] == EXPLOIT_NONE)
			fputs("NULL", out);
		else
			fprintf(out, "\"%s\"", work->plan->rules->rules[rules[form]].name);
	}
	fputs("}\n", out);
}

static int copy_verdicts(struct reclassify *work, const char *lines, size_t length)
{
	static const char what[] = "cannot keep the verdicts";
	PGresult *result;
	int error;

	if (!length)
		return 0;
	error = reclassify_do(work, "copy classify_verdict from stdin", false, what);
	if (error)
		return error;
	if (PQputCopyData(work->connection, lines, (int)length) != 1 || PQputCopyEnd(work->connection, NULL) != 1)
		error = -EIO;
	while ((result = PQgetResult(work->connection)) != NULL) {
		if (PQresultStatus(result) != PGRES_COMMAND_OK)
			error = -EIO;
		PQclear(result);
	}
	if (error)
		database_text(work->text, work->text_bytes, what, PQerrorMessage(work->connection));
	return error;
}

/* Rows of sha256 and bytes, in binary. */
static int judge_rows(struct reclassify *work, struct exploit_matcher *matcher, const PGresult *rows)
{
	char *lines = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&lines, &length);
	int error = 0;

	if (!out)
		return database_fail(work->text, work->text_bytes, -ENOMEM, "memory is short");
	for (int row = 0; row < PQntuples(rows); row++) {
		struct slice payload = slice_of(PQgetvalue(rows, row, 1), (size_t)PQgetlength(rows, row, 1));
		int rules[EXPLOIT_FORM_COUNT];

		if (PQgetlength(rows, row, 0) != IDENTITY_BYTES)
			continue; /* none that a loader made */
		exploit_match_forms(matcher, payload, rules);
		put_verdict(work, out, PQgetvalue(rows, row, 0), rules);
	}
	if (ferror(out))
		error = -ENOMEM;
	if (fclose(out))
		error = -ENOMEM;
	if (error)
		database_fail(work->text, work->text_bytes, error, "memory is short");
	else
		error = copy_verdicts(work, lines, length);
	free(lines);
	return error;
}

static int judge_all(struct reclassify *work, struct exploit_matcher *matcher)
{
	char fetch[64];

	snprintf(fetch, sizeof(fetch), "fetch forward %d from classify_payload", RECLASSIFY_PAYLOADS);
	for (;;) {
		PGresult *rows = reclassify_query(work, fetch, false, 1, "cannot read payloads");
		int error, count;

		if (!rows)
			return -EIO;
		count = PQntuples(rows);
		error = judge_rows(work, matcher, rows);
		PQclear(rows);
		work->totals->payloads += (uint64_t)count;
		if (error || !count)
			return error;
	}
}

int reclassify_judge(struct reclassify *work)
{
	struct exploit_matcher *matcher = exploit_matcher_new(work->plan->rules);
	bool period = work->plan->from || work->plan->to;
	int error;

	if (!matcher)
		return database_fail(work->text, work->text_bytes, -ENOMEM, "memory is short");
	error = reclassify_do(work,
			      "create temporary table if not exists classify_verdict"
			      " (sha256 bytea not null, exploits text[] not null);",
			      false, "cannot make a temporary table");
	if (!error)
		error = reclassify_do(work, "truncate classify_verdict", false, "cannot empty a temporary table");
	if (!error)
		error = reclassify_do(
			work,
			period ? "declare classify_payload no scroll cursor for select sha256, bytes from otori.payload"
				 " where payload.sensor = $1 and payload.bytes is not null and exists"
				 " (select from otori.access where access.sensor = payload.sensor and"
				 " access.payload_sha256 = payload.sha256 and " RECLASSIFY_PERIOD("access") ")"
			       : "declare classify_payload no scroll cursor for select sha256, bytes from otori.payload"
				 " where payload.sensor = $1 and payload.bytes is not null"
				 " and $2::timestamptz is null and $3::timestamptz is null",
			true, "cannot read payloads");
	if (!error)
		error = judge_all(work, matcher);
	if (!error)
		error = reclassify_do(work, "close classify_payload", false, "cannot read payloads");
	if (!error)
		error = reclassify_do(work, "analyze classify_verdict", false, "cannot count the verdicts");
	work->totals->given_up += exploit_given_up(matcher);
	exploit_matcher_free(matcher);
	return error;
}
