/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * enrichment.h - what the database's rows are completed with, one pass at a time.
 *
 * In:  a connection, databases of addresses, perhaps a resolver. Out: rows of the tables of schema/0007_enrichment.sql
 * and of source, relay_destination, mail_exchanger. Called by enrich.c. May not touch what the loader has written: a
 * row without enrichment is a complete row.
 *
 * In the order of the work: exchanger_load.c (a dated file), names.c (what is asked of the resolver: domains.c,
 * hosts.c), visitors.c, destinations.c, warnings.c.
 */
#ifndef OTORI_ENRICHMENT_H
#define OTORI_ENRICHMENT_H

#include <libpq-fe.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

struct address_database;
struct registered_parts;
struct resolver;

/* What a pass did, for the line that tells of it. */
struct enrich_tally {
	unsigned long visitors, networks, destinations; /* answers written */
	unsigned long unreadable;			/* addresses about which a database's data are damaged */
	unsigned long file_rows;			/* rows of the file of exchangers */
	unsigned long domains, domains_cut; /* domains with an answer; of these, with more exchangers than are kept */
	unsigned long hosts;		    /* hosts with an answer */
	unsigned long unknown, refused;	    /* names without an answer, names that are not asked */
	unsigned long warnings;		    /* mail records that point at a decoy, new ones */
};

struct enrichment {
	PGconn *connection;
	const char *sensor;				     /* only this one; NULL = all */
	const struct address_database *countries, *networks; /* NULL = none */
	const struct registered_parts *parts;		     /* NULL = no list: names are compared as they are */
	struct resolver *resolver;			     /* NULL: no name is ever asked for */
	bool refresh; /* a further answer where the database is newer, or the name's time has run out */
	const volatile sig_atomic_t *stop; /* set by a signal: the pass ends after what it has at hand */
	struct enrich_tally tally;
	char text[512]; /* why a call failed: one line */
};

/* Each does its part for all that is waiting. 0 or negative errno with the line in text; -EINTR = *stop was set. */
int enrich_load_exchangers(struct enrichment *enrichment, const char *path);
int enrich_names(struct enrichment *enrichment);
int enrich_visitors(struct enrichment *enrichment);
int enrich_destinations(struct enrichment *enrichment);
int enrich_warn(struct enrichment *enrichment);

/* All of them but the file. A resolver that does not answer ends only its own part: it is told, and the rest goes on.
 */
int enrich_pass(struct enrichment *enrichment);

#endif
