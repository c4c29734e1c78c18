/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * database.h - the way to PostgreSQL: a connection, the migrations, and a private cluster where the user asks for one.
 *
 * In:  what the user said (--database CONNINFO or --embedded DIR). Out: connections with the schema in place.
 * Called by init_db.c, report.c, run.c (supervisor), replay.c, loader/. May not know what is loaded.
 */
#ifndef OTORI_DATABASE_H
#define OTORI_DATABASE_H

#include <libpq-fe.h>
#include <stdbool.h>

struct database_choice {
	const char *conninfo; /* NULL or "" = PG* variables */
	const char
		*embedded; /* folder of a private cluster, NULL = none; both at once is a usage error of the caller's */
};

struct embedded; /* a running private cluster; opaque */

/*
 * Makes (initdb, as an unprivileged user, never root) and starts the private cluster in dir; a cluster that already
 * runs there is used and left running at the end. On failure text holds one clear line. 0 or negative errno.
 */
int embedded_start(const char *dir, struct embedded **embedded, char *text, size_t text_bytes);
/* The conninfo for a superuser of that cluster; borrowed. */
const char *embedded_conninfo(const struct embedded *embedded);
/* Stops it if we started it (fast shutdown), frees. NULL is accepted. */
void embedded_stop(struct embedded *embedded);

/* Connects; sets search_path, client_encoding UTF8, application_name. NULL on failure with one clear line in text. */
PGconn *database_connect(const char *conninfo, char *text, size_t text_bytes);

/* Applies the migrations that are missing (schema/, embedded in the binary at build time), under an advisory lock. 0 or
 * negative errno, text as above. */
int database_migrate(PGconn *connection, char *text, size_t text_bytes);

/* For who only reads: 0 where the schema is what this otori knows; else -ENOENT (none) or -EPROTO (older, newer), and
 * one line. */
int database_current(PGconn *connection, char *text, size_t text_bytes);

/* The usual sequence for a command: start the embedded cluster if asked, connect, and (if migrate) bring the schema up
 * to date. */
int database_open(const struct database_choice *choice, bool migrate, struct embedded **embedded, PGconn **connection,
		  char *text, size_t text_bytes);

#endif
