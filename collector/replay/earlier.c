// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * earlier.c - asks which replays of a sensor observed in a capture's time.
 *
 * In:  table observation. Out: see earlier.h. Only reads.
 */
#include "replay/earlier.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

static const char question[] = "select to_char(min(began_at) at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' to '"
			       "  || to_char(max(until_at) at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC'"
			       " from otori.observation where sensor = $1 and origin = 'replay'"
			       "  and began_at <= to_timestamp($3::numeric / 1000000000) and until_at >= "
			       "to_timestamp($2::numeric / 1000000000)";

int earlier_replay(PGconn *connection, const char *sensor, uint64_t from_ns, uint64_t to_ns, char *text,
		   size_t text_bytes)
{
	char from[24], to[24];
	const char *values[] = { sensor, from, to };
	PGresult *result;
	int found = -EIO;

	snprintf(from, sizeof(from), "%" PRIu64, from_ns);
	snprintf(to, sizeof(to), "%" PRIu64, to_ns);
	result = PQexecParams(connection, question, 3, NULL, values, NULL, NULL, 0);
	if (PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1) {
		found = !PQgetisnull(result, 0, 0);
		snprintf(text, text_bytes, "%s", PQgetvalue(result, 0, 0));
	} else {
		snprintf(text, text_bytes, "%s", PQerrorMessage(connection));
	}
	PQclear(result);
	return found;
}
