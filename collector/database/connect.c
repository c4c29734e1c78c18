/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * connect.c - a connection to PostgreSQL, and the sequence by which a command gets one.
 *
 * In:  a conninfo or the folder of a private cluster. Out: a connection whose search_path names otori. Called by the
 * commands, the supervisor and the loader. May not know tables.
 */
#include "database/database.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "database/text.h"

void database_text(char *text, size_t text_bytes, const char *what, const char *message)
{
	size_t length = 0;
	const char *at = message ? message : "";
	int written;

	if (!text_bytes)
		return;
	if (strncmp(at, "ERROR:  ", 8) == 0 || strncmp(at, "FATAL:  ", 8) == 0)
		at += 8;
	written = snprintf(text, text_bytes, "%s%s", what, *what && *at ? ": " : "");
	length = written < 0 ? 0 : (size_t)written < text_bytes ? (size_t)written : text_bytes - 1;
	/* The first line says what happened; what follows it are guesses (DETAIL, HINT, "Is the server running"). */
	for (; *at && *at != '\n' && length + 1 < text_bytes; at++)
		text[length++] = (unsigned char)*at < 0x20 || *at == 0x7f ? ' ' : *at;
	text[length] = '\0';
}

int database_fail(char *text, size_t text_bytes, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, text_bytes, format, arguments);
	va_end(arguments);
	return error;
}

/* What the server tells in passing (such as "relation exists already, skipping") is not for the terminal. */
static void ignore_notice(void *context, const char *message)
{
	(void)context;
	(void)message;
}

PGconn *database_connect(const char *conninfo, char *text, size_t text_bytes)
{
	const char *const keywords[] = { "dbname", "fallback_application_name", "client_encoding", NULL };
	const char *const values[] = { conninfo ? conninfo : "", "otori", "UTF8", NULL };
	PGconn *connection = PQconnectdbParams(keywords, values, 1);
	PGresult *result;

	if (!connection || PQstatus(connection) != CONNECTION_OK) {
		database_text(text, text_bytes, "cannot connect to the database",
			      connection ? PQerrorMessage(connection) : "out of memory");
		PQfinish(connection);
		return NULL;
	}
	PQsetNoticeProcessor(connection, ignore_notice, NULL);
	result = PQexec(connection, "set search_path to otori, public");
	if (PQresultStatus(result) != PGRES_COMMAND_OK) {
		database_text(text, text_bytes, "cannot set up the connection", PQerrorMessage(connection));
		PQfinish(connection);
		connection = NULL;
	}
	PQclear(result);
	return connection;
}

int database_open(const struct database_choice *choice, bool migrate, struct embedded **embedded, PGconn **connection,
		  char *text, size_t text_bytes)
{
	const char *conninfo = choice->conninfo;
	int error;

	*embedded = NULL;
	*connection = NULL;
	if (choice->embedded) {
		error = embedded_start(choice->embedded, embedded, text, text_bytes);
		if (error)
			return error;
		conninfo = embedded_conninfo(*embedded);
	}
	error = -ECONNREFUSED;
	*connection = database_connect(conninfo, text, text_bytes);
	if (!*connection)
		goto fail;
	error = migrate ? database_migrate(*connection, text, text_bytes) : 0;
	if (!error)
		return 0;
fail:
	PQfinish(*connection);
	*connection = NULL;
	embedded_stop(*embedded);
	*embedded = NULL;
	return error;
}
