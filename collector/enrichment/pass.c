/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pass.c - one pass of the enrichment over all that is waiting.
 *
 * In:  struct enrichment. Out: rows, in parts that hold each for itself. Called by enrich.c.
 */
#include "enrichment/enrichment.h"

#include <errno.h>

#include "base/log.h"

int enrich_pass(struct enrichment *enrichment)
{
	int error = 0;

	if (enrichment->resolver) {
		error = enrich_names(enrichment);
		if (error == -ETIMEDOUT) {
			log_warning("enrich: the resolver does not answer: names wait for the next time");
			error = 0;
		}
	}
	if (!error)
		error = enrich_visitors(enrichment);
	if (!error)
		error = enrich_destinations(enrichment);
	if (!error)
		error = enrich_warn(enrichment);
	return error;
}
