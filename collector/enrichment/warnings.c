/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * warnings.c - mail records of DNS that point at a decoy.
 *
 * In:  mail_exchanger and the decoys. Out: rows of mail_record_warning, and a line for each new one. Called by
 * enrich_pass.
 */
#include "enrichment/enrichment.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "enrichment/statement.h"

/* Lines of one pass; the table has all. */
#define LINES 10

/* $1 = sensor. */
static const char find[] =
	"with found as (select distinct exchanger.sensor, exchanger.domain, exchanger.exchanger, reached.address"
	"  from otori.mail_exchanger as exchanger cross join lateral unnest(exchanger.addresses) as reached (address)"
	"  join otori.decoy on decoy.sensor = exchanger.sensor and reached.address <<= decoy.prefix"
	"  where $1::text is null or exchanger.sensor = $1)"
	" insert into otori.mail_record_warning as known (sensor, domain, exchanger, address, first_found_at, "
	"last_found_at)"
	" select sensor, domain, exchanger, address, now(), now() from found"
	" on conflict (sensor, domain, exchanger, address) do update set last_found_at = excluded.last_found_at"
	" returning sensor, domain, exchanger, host(address), (first_found_at = last_found_at)";

int enrich_warn(struct enrichment *enrichment)
{
	const char *const values[] = { enrichment->sensor };
	PGresult *rows = statement_ask(enrichment, find, 1, values);

	if (!rows)
		return -EIO;
	for (int row = 0; row < PQntuples(rows); row++) {
		if (strcmp(PQgetvalue(rows, row, 4), "t") != 0 || ++enrichment->tally.warnings > LINES)
			continue;
		log_warning("enrich: sensor %s: the mail record of %s (%s) points at the decoy %s: figures 9 and 10 "
			    "count mail that was "
			    "meant for it",
			    PQgetvalue(rows, row, 0), PQgetvalue(rows, row, 1), PQgetvalue(rows, row, 2),
			    PQgetvalue(rows, row, 3));
	}
	if (enrichment->tally.warnings > LINES)
		log_warning("enrich: %lu more mail records point at decoys: table mail_record_warning has them",
			    enrichment->tally.warnings - LINES);
	PQclear(rows);
	return 0;
}
