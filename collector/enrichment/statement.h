/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * statement.h - a statement of the enrichment with its parameters, and rows fetched in portions.
 *
 * In:  SQL and texts. Out: a result, or one line in enrichment->text. Used by all files of the folder that speak SQL.
 * Holds no transaction open: work that is done is kept when a later part fails.
 */
#ifndef OTORI_ENRICHMENT_STATEMENT_H
#define OTORI_ENRICHMENT_STATEMENT_H

#include "enrichment/enrichment.h"

/* Rows of a portion. */
#define STATEMENT_ROWS 2000

/* Runs SQL with count text parameters (NULL = null). NULL on failure, with the line in text. The caller clears the
 * result. */
PGresult *statement_ask(struct enrichment *enrichment, const char *sql, int count, const char *const *values);
/* The same where nothing is asked for. 0 or -EIO; *rows (may be NULL) is how many rows it touched. */
int statement_run(struct enrichment *enrichment, const char *sql, int count, const char *const *values,
		  unsigned long *rows);

/* Called for a portion of rows. 0 or negative errno. */
typedef int statement_portion(struct enrichment *enrichment, const PGresult *rows, void *context);
/*
 * Runs a query once and gives its rows in portions; its answer is kept by the server, so the portions may write what
 * the query looks at. 0 or negative errno; -EINTR between two portions where *stop is set.
 */
int statement_each(struct enrichment *enrichment, const char *query, int count, const char *const *values,
		   statement_portion *portion, void *context);

#endif
