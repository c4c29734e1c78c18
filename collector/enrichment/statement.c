/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * statement.c - see statement.h.
 *
 * In:  SQL. Out: results. Called by the enrichment.
 */
#include "enrichment/statement.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "database/text.h"

#define TEXT(number) #number
#define AS_TEXT(number) TEXT(number)

static PGresult *check(struct enrichment *enrichment, PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
		return result;
	database_text(enrichment->text, sizeof enrichment->text, "the database refused a statement",
		      PQerrorMessage(enrichment->connection));
	PQclear(result);
	return NULL;
}

PGresult *statement_ask(struct enrichment *enrichment, const char *sql, int count, const char *const *values)
{
	return check(enrichment, PQexecParams(enrichment->connection, sql, count, NULL, values, NULL, NULL, 0));
}

int statement_run(struct enrichment *enrichment, const char *sql, int count, const char *const *values,
		  unsigned long *rows)
{
	PGresult *result = statement_ask(enrichment, sql, count, values);

	if (!result)
		return -EIO;
	if (rows)
		*rows = strtoul(PQcmdTuples(result), NULL, 10);
	PQclear(result);
	return 0;
}

static int portions(struct enrichment *enrichment, statement_portion *portion, void *context)
{
	for (;;) {
		PGresult *rows;
		int error;

		if (*enrichment->stop)
			return -EINTR;
		rows = statement_ask(enrichment, "fetch " AS_TEXT(STATEMENT_ROWS) " from enrich_work", 0, NULL);
		if (!rows)
			return -EIO;
		error = PQntuples(rows) ? portion(enrichment, rows, context) : -ENODATA;
		PQclear(rows);
		if (error)
			return error == -ENODATA ? 0 : error;
	}
}

int statement_each(struct enrichment *enrichment, const char *query, int count, const char *const *values,
		   statement_portion *portion, void *context)
{
	char *declare;
	int error;

	if (asprintf(&declare, "declare enrich_work no scroll cursor with hold for %s", query) < 0) {
		snprintf(enrichment->text, sizeof enrichment->text, "out of memory");
		return -ENOMEM;
	}
	error = statement_run(enrichment, declare, count, values, NULL);
	free(declare);
	if (error)
		return error;
	error = portions(enrichment, portion, context);
	PQclear(PQexec(enrichment->connection, "close enrich_work"));
	return error;
}
