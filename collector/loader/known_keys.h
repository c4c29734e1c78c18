/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * known_keys.h - the keys that a table has for the sensor in hand, read once and kept in memory.
 *
 * In:  the columns of a key. Out: a set of them, or none, where they are too many. Called by load_rollup_known.c and
 * load_payload.c. May not talk to the database but through load.h.
 *
 * What the set holds and the database doesn't costs a question in vain; what the database holds and the set doesn't is
 * entered twice and refused. So whoever uses it knows who else may enter keys.
 */
#ifndef OTORI_KNOWN_KEYS_H
#define OTORI_KNOWN_KEYS_H

#include "loader/key_set.h"

/* Segments or batches to wait before keys are read again, where others changed them or there were too many. */
#define KNOWN_KEYS_WAIT 64u

struct load;

struct known_keys {
	struct key_set keys;
	bool valid;
	unsigned wait;
	int64_t changes; /* of the roll-ups, as rollup_lock counts them; free for others */
};

/*
 * Reads them, where it isn't told to wait: `copy (select WHAT where sensor = ...)`, so what ends with a table. Nothing
 * may be on its way. 0 with known->valid or without; or an error of load.h.
 */
int known_keys_read(struct load *load, struct known_keys *known, const char *what);
/* Others have changed the table: it is read again after a while, so that two who take turns don't read all the time. */
void known_keys_doubt(struct known_keys *known);
/* Forgets all and gives the memory back; it may be read at once. */
void known_keys_forget(struct known_keys *known);

#endif
