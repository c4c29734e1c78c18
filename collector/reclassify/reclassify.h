/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reclassify.h - judges stored accesses again by the exploit rules, one sensor at a time.
 *
 * In:  a connection with a current schema, rules, a period. Out: changed rows, and how many by rule. Called by
 * collector/classify.c. judge.c asks the rules about payloads, change.c changes accesses. May not print.
 *
 * Both look at one state of the database: what is loaded meanwhile was judged by its loader. Payloads pass through one
 * by one, verdicts wait in a temporary table, changes in a held cursor: memory is bounded whatever is stored.
 */
#ifndef OTORI_RECLASSIFY_H
#define OTORI_RECLASSIFY_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "exploits/match.h"

#define RECLASSIFY_CHANGES 5000 /* accesses of one transaction */
#define RECLASSIFY_PAYLOADS 64	/* fetched at once: 4 MiB at most */
#define RECLASSIFY_MOMENT_TEXT_BYTES 40

struct reclassify_plan {
	const struct exploit_rules *rules;
	const char *sensor;
	const char *from, *to; /* moments as the database reads them, to exclusive; NULL = no bound */
	bool dry_run;	       /* count only */
};

/* Accesses that came to a rule, or left it; the name may be of a rule that is no more. */
struct reclassify_count {
	char name[EXPLOIT_NAME_BYTES];
	uint64_t gained, lost;
};

#define RECLASSIFY_COUNTS_MAX 1024 /* names beyond are counted in the last place, as "others" */

struct reclassify_totals {
	uint64_t payloads; /* judged */
	uint64_t given_up; /* rules given up at the limit of steps */
	uint64_t changed;  /* accesses; in a dry run those that would be */
	uint64_t kept;	   /* accesses left as they are, since retention has taken their payload */
	unsigned count;
	struct reclassify_count counts[RECLASSIFY_COUNTS_MAX];
};

/* Judges and changes; adds to *totals. 0 or negative errno with one line in text. */
int reclassify_sensor(PGconn *connection, const struct reclassify_plan *plan, struct reclassify_totals *totals,
		      char *text, size_t text_bytes);

/* --- between judge.c and change.c -----------------------------------------------------------------------------------
 */

struct reclassify {
	PGconn *connection; /* borrowed */
	const struct reclassify_plan *plan;
	struct reclassify_totals *totals;
	char *text;
	size_t text_bytes;
};

/* Runs one statement with the plan's sensor, from and to as $1, $2, $3 where bound is set. NULL on failure, with text.
 */
PGresult *reclassify_query(struct reclassify *work, const char *statement, bool bound, int binary, const char *what);
int reclassify_do(struct reclassify *work, const char *statement, bool bound, const char *what);

/* Within a transaction: fills the temporary table classify_verdict (sha256, exploits by form). */
int reclassify_judge(struct reclassify *work);

/* Condition on access.started_at, for $2 and $3. */
#define RECLASSIFY_PERIOD(access) \
	"($2::timestamptz is null or " access ".started_at >= $2::timestamptz)" \
	" and ($3::timestamptz is null or " access ".started_at < $3::timestamptz)"

#endif
