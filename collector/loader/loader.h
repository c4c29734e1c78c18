/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * loader.h - journal segments into PostgreSQL: COPY BINARY, one segment in one transaction together with its name.
 *
 * In:  finished segments (.otj) of a journal folder. Out: rows; the segment file is deleted after its commit, or moved
 * to bad/ with a ledger row. Called by supervisor/ (in a process and user of its own) and replay.c (in the process).
 * May not open a socket but PostgreSQL's.
 */
#ifndef OTORI_LOADER_H
#define OTORI_LOADER_H

#include <stdbool.h>
#include <stdint.h>

struct exploit_rules;

struct loader_settings {
	const char *journal;	     /* folder */
	const char *conninfo;	     /* as libpq takes it */
	unsigned retry_milliseconds; /* while the database is away: first wait, doubling to 30 s */
	unsigned poll_milliseconds;  /* look for new segments that often */
	volatile const int *stop;    /* becomes non-zero by a signal handler: finish the segment in hand and return */
	const struct exploit_rules *rules; /* borrowed; NULL = the exploit rules that are built in */
	bool quiet;
};

struct loader_totals {
	uint64_t segments, records, rows, set_aside;
	char why[512]; /* of loader_drain: why it failed, one line; else empty */
};

/* Loads until *stop; survives outages of the database. 0 or negative errno for what no wait can heal. */
int loader_run(const struct loader_settings *settings, struct loader_totals *totals);

/* Loads every finished segment that is there now, in order of numbers, and returns. 0 or negative errno with the reason
 * in totals->why (-EAGAIN: the database's). */
int loader_drain(const struct loader_settings *settings, struct loader_totals *totals);

#endif
