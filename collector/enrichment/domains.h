/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * domains.h - the mail exchangers of some domains of recipients, by the resolver.
 *
 * In:  names of domains that may be asked. Out: rows of mail_exchanger (dated today, UTC) and name_lookup. Called by
 * names.c.
 */
#ifndef OTORI_ENRICHMENT_DOMAINS_H
#define OTORI_ENRICHMENT_DOMAINS_H

#include "enrichment/enrichment.h"

/* Domains of one portion: their exchangers and addresses are in memory at once. */
#define DOMAINS_AT_ONCE 64

/*
 * Looks up count domains of a sensor, each once. 0; -EINTR, -ETIMEDOUT (what was answered until then is written); -EIO,
 * -ENOMEM.
 */
int domains_look_up(struct enrichment *enrichment, const char *sensor, const char *const *names, size_t count);

#endif
