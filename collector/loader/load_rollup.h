/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * load_rollup.h - what one segment adds to the roll-ups, on its way to the database.
 *
 * In:  nothing. Out: struct load_rollups, which load_rollup.c fills, and load_rollup_known.c and load_rollup_send.c
 * empty. Nobody else may include it.
 */
#ifndef OTORI_LOAD_ROLLUP_H
#define OTORI_LOAD_ROLLUP_H

#include "loader/known_keys.h"
#include "loader/load.h"
#include "loader/rollup_table.h"

/* The roll-ups; keys and sums of each are those of its table in schema/0005_rollups.sql, without the sensor; of the
 * last two, see schema/0014_rollup_syn.sql and schema/0015_rollup_chain.sql. */
enum rollup {
	ROLLUP_ACCESS,	     /* quarter, decoy_port, relay_port, class: accesses, attempts */
	ROLLUP_SOURCE,	     /* source, relay_port: accesses, attempts */
	ROLLUP_DESTINATION,  /* relay_host, relay_port: accesses */
	ROLLUP_DIRECT,	     /* source, kind: conversations */
	ROLLUP_MAIL,	     /* quarter, direct, probe: mails */
	ROLLUP_DOMAIN,	     /* recipient_domain: mails, recipients, sources, relay_hosts, first_seen, last_seen */
	ROLLUP_MEMBER,	     /* recipient_domain, kind, member: nothing, it is there */
	ROLLUP_RELAY_DOMAIN, /* relay_host, relay_port, recipient_domain: mails, first_seen, last_seen */
	ROLLUP_SYN,	     /* quarter: nothing, rows of syn_source came for it */
	ROLLUP_CHAIN,	     /* access, started_at, source: nothing, it asked for more than one relay */
	ROLLUP_COUNT
};

/* Where a segment has more, what was gathered is sent before its end: memory stays bounded. */
#define ROLLUP_KEYS_MAX 65536u
#define ROLLUP_KEY_BYTES_MAX (16u << 20)
#define ROLLUP_COLUMNS_MAX 10 /* of one statement, the sensor aside */

/* From so many keys in a segment on it pays to know which ones are new. */
#define ROLLUP_KEYS_MANY 2048u
/* The roll-ups of which the loader keeps in mind what the database has. */
enum rollup_known { KNOWN_SOURCES, KNOWN_MEMBERS, KNOWN_COUNT };

struct load_rollups {
	struct rollup_table tables[ROLLUP_COUNT];
	struct known_keys known[KNOWN_COUNT]; /* as of the last time that we held the lock */
	struct copy_buffer columns[ROLLUP_COLUMNS_MAX];
	/* The mail whose recipients follow; counts: it is complete and came through a proxy. */
	bool counts;
	uint64_t mail, received_ns, mark;
	int32_t relay_port;
	struct address source;
	struct copy_buffer relay_host, text; /* texts as copy_text writes them, their length before them */
};

/*
 * Makes rows of the visitors and members that the database doesn't have, where that can be known, and takes them out of
 * their tables. changes: what rollup_lock has just given. A COPY may be under way afterwards.
 */
int load_rollup_new_rows(struct load *load, int64_t changes);

#endif
