/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cluster_setup.c - what a private cluster needs once its server runs: roles for those who may come in, and the
 * database.
 *
 * In:  a place with a running server. Out: the database otori. Called by embedded.c, as root or as the cluster's user.
 * Knows no tables: those are the migrations'.
 */
#include "database/cluster.h"

#include <errno.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "database/database.h"
#include "database/text.h"

/* The system user that the loader runs as; where it exists, it gets a role of its name with the loader's rights. */
#define LOADER_USER "otori-loader"

/* Writes text as a quoted value of a conninfo. false = no room. */
static bool quote(const char *text, char *quoted, size_t bytes)
{
	size_t length = 0;

	quoted[length++] = '\'';
	for (; *text; text++) {
		if (length + 4 > bytes)
			return false;
		if (*text == '\'' || *text == '\\')
			quoted[length++] = '\\';
		quoted[length++] = *text;
	}
	quoted[length++] = '\'';
	quoted[length] = '\0';
	return true;
}

int cluster_conninfo(const struct cluster_place *place, const char *database, const char *user, char *conninfo,
		     size_t bytes)
{
	char folder[PATH_MAX], quoted[2 * PATH_MAX];
	int written;

	if (snprintf(folder, sizeof folder, "%s/socket", place->dir) >= (int)sizeof folder ||
	    !quote(folder, quoted, sizeof quoted))
		return -ENAMETOOLONG;
	written = snprintf(conninfo, bytes, "host=%s port=5432 dbname=%s%s%s", quoted, database, user ? " user=" : "",
			   user ? user : "");
	return written < 0 || (size_t)written >= bytes ? -ENAMETOOLONG : 0;
}

static int execute(PGconn *connection, const char *sql, char *text, size_t text_bytes)
{
	PGresult *result = PQexec(connection, sql);
	int error = 0;

	if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK) {
		database_text(text, text_bytes, "cannot set up the private cluster", PQerrorMessage(connection));
		error = -EIO;
	}
	PQclear(result);
	return error;
}

/* Is there a row? 1, 0, or -EIO. */
static int exists(PGconn *connection, const char *sql, const char *name, char *text, size_t text_bytes)
{
	const char *const values[] = { name };
	PGresult *result = PQexecParams(connection, sql, 1, NULL, values, NULL, NULL, 0);
	int found = PQresultStatus(result) == PGRES_TUPLES_OK ? PQntuples(result) > 0 : -EIO;

	if (found < 0)
		database_text(text, text_bytes, "cannot set up the private cluster", PQerrorMessage(connection));
	PQclear(result);
	return found;
}

/* Makes a role where it is missing: attributes as in create role. */
static int make_role(PGconn *connection, const char *name, const char *attributes, char *text, size_t text_bytes)
{
	int error = exists(connection, "select from pg_roles where rolname = $1", name, text, text_bytes);
	char *quoted, sql[512];

	if (error)
		return error < 0 ? error : 0;
	quoted = PQescapeIdentifier(connection, name, strlen(name));
	if (!quoted)
		return database_fail(text, text_bytes, -ENOMEM, "out of memory");
	snprintf(sql, sizeof sql, "create role %s %s", quoted, attributes);
	PQfreemem(quoted);
	return execute(connection, sql, text, text_bytes);
}

int cluster_set_up(const struct cluster_place *place, char *text, size_t text_bytes)
{
	char conninfo[3 * PATH_MAX];
	PGconn *connection;
	int error = cluster_conninfo(place, "postgres", CLUSTER_SUPERUSER, conninfo, sizeof conninfo);

	if (error)
		return database_fail(text, text_bytes, error, "%s is too long", place->dir);
	connection = database_connect(conninfo, text, text_bytes);
	if (!connection)
		return -ECONNREFUSED;
	error = make_role(connection, "otori_loader", "nologin", text, text_bytes);
	if (!error)
		error = make_role(connection, "otori_read", "nologin", text, text_bytes);
	if (!error)
		error = make_role(connection, "root", "superuser login", text, text_bytes);
	if (!error)
		error = make_role(connection, place->user, "superuser login", text, text_bytes);
	if (!error && *place->caller)
		error = make_role(connection, place->caller, "login in role otori_read", text, text_bytes);
	if (!error && getpwnam(LOADER_USER))
		error = make_role(connection, LOADER_USER, "login in role otori_loader", text, text_bytes);
	if (!error)
		error = exists(connection, "select from pg_database where datname = $1", "otori", text, text_bytes);
	if (error == 0)
		error = execute(connection, "create database otori", text, text_bytes);
	PQfinish(connection);
	return error < 0 ? error : 0;
}
