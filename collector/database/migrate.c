/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * migrate.c - brings the schema of a database up to what this otori was built with.
 *
 * In:  a connection, the migrations of migrations.h. Out: schema otori with every migration applied once, partitions
 * for this month and the next three. Called by database_open, the supervisor and init-db. May not hold a lock when it
 * returns.
 *
 * One transaction a migration, together with its row in otori.migration: a crash leaves whole migrations behind. Two
 * programs that start at once: an advisory lock lets one wait for the other.
 */
#include "database/database.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "database/migrations.h"
#include "database/text.h"
#include "record/record.h"

#define MIGRATE_LOCK "7236835105271546739" /* any number, always the same: "otoris" and more, as a bigint */
#define LABEL(name) #name ","

/* Runs statements that return nothing of interest. 0 or -EIO with the line in text. */
static int execute(PGconn *connection, const char *sql, const char *what, char *text, size_t text_bytes)
{
	PGresult *result = PQexec(connection, sql);
	ExecStatusType status = PQresultStatus(result);
	int error = 0;

	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
		database_text(text, text_bytes, what, PQerrorMessage(connection));
		error = -EIO;
	}
	PQclear(result);
	return error;
}

/* The value of the first column of the first row as a number, or -EIO; an absent or null value is 0. */
static int query_number(PGconn *connection, const char *sql, char *text, size_t text_bytes)
{
	PGresult *result = PQexec(connection, sql);
	int number = -EIO;

	if (PQresultStatus(result) == PGRES_TUPLES_OK)
		number = PQntuples(result) && !PQgetisnull(result, 0, 0) ? atoi(PQgetvalue(result, 0, 0)) : 0;
	else
		database_text(text, text_bytes, "cannot read the schema's state", PQerrorMessage(connection));
	PQclear(result);
	return number;
}

/*
 * How many migrations were applied: they are 1 to n, with the content that they have here. Negative errno where the
 * database is newer than this otori, or was made from other files.
 */
static int applied_count(PGconn *connection, char *text, size_t text_bytes)
{
	int there =
		query_number(connection, "select case when to_regclass('otori.migration') is null then 0 else 1 end",
			     text, text_bytes);
	PGresult *result;
	int count = -EIO;

	if (there <= 0)
		return there;
	result = PQexec(connection, "select number, encode(sha256, 'hex') from otori.migration order by number");
	if (PQresultStatus(result) != PGRES_TUPLES_OK) {
		database_text(text, text_bytes, "cannot read the schema's state", PQerrorMessage(connection));
		goto out;
	}
	count = PQntuples(result);
	if ((size_t)count > migration_count) {
		snprintf(text, text_bytes,
			 "the database's schema is newer (%d) than this otori knows (%zu): update otori", count,
			 migration_count);
		count = -EPROTO;
	}
	for (int row = 0; row < count; row++) {
		const char *const values[] = { migrations[row].sql, PQgetvalue(result, row, 1) };
		PGresult *same;

		if (atoi(PQgetvalue(result, row, 0)) != migrations[row].number) {
			snprintf(text, text_bytes, "the database lacks migration %d, but has later ones", row + 1);
			count = -EPROTO;
			break;
		}
		same = PQexecParams(connection, "select encode(sha256(convert_to($1, 'UTF8')), 'hex') = $2", 2, NULL,
				    values, NULL, NULL, 0);
		if (PQresultStatus(same) != PGRES_TUPLES_OK || PQgetvalue(same, 0, 0)[0] != 't') {
			snprintf(text, text_bytes,
				 "the database was made with another content of migration %s than this otori has",
				 migrations[row].name);
			count = -EPROTO;
		}
		PQclear(same);
	}
out:
	PQclear(result);
	return count;
}

/* Number of the line of sql in which character position (from 1) lies. */
static int line_of(const char *sql, int position)
{
	int line = 1;

	for (int i = 0; i + 1 < position && sql[i]; i++)
		line += sql[i] == '\n';
	return line;
}

static int apply(PGconn *connection, const struct migration *migration, char *text, size_t text_bytes)
{
	char number[16], what[160];
	const char *const values[] = { number, migration->name, migration->sql, OTORI_VERSION };
	PGresult *result = NULL;
	int error = execute(connection, "begin", "cannot begin a transaction", text, text_bytes);

	if (error)
		return error;
	snprintf(number, sizeof number, "%d", migration->number);
	snprintf(what, sizeof what, "migration %s", migration->name);
	error = -EIO;
	result = PQexec(connection, migration->sql);
	if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK) {
		const char *position = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);

		if (position)
			snprintf(what, sizeof what, "migration %s, line %d", migration->name,
				 line_of(migration->sql, atoi(position)));
		database_text(text, text_bytes, what, PQresultErrorMessage(result));
		goto out;
	}
	PQclear(result);
	result = PQexecParams(connection,
			      "insert into otori.migration (number, name, sha256, otori_version)"
			      " values ($1::integer, $2, sha256(convert_to($3, 'UTF8')), $4)",
			      4, NULL, values, NULL, NULL, 0);
	if (PQresultStatus(result) != PGRES_COMMAND_OK) {
		database_text(text, text_bytes, what, PQerrorMessage(connection));
		goto out;
	}
	error = execute(connection, "commit", what, text, text_bytes);
out:
	PQclear(result);
	if (error)
		PQclear(PQexec(connection, "rollback"));
	return error;
}

/* The labels of an SQL enum are those of record.h, in that order: what the loader writes has a place, and depths
 * compare rightly. */
static int check_labels(PGconn *connection, const char *type, const char *expected, char *text, size_t text_bytes)
{
	const char *const values[] = { type };
	PGresult *result = PQexecParams(
		connection,
		"select string_agg(label.enumlabel || ',', '' order by label.enumsortorder) from pg_enum as label"
		" join pg_type as type on type.oid = label.enumtypid"
		" join pg_namespace as space on space.oid = type.typnamespace"
		" where space.nspname = 'otori' and type.typname = $1",
		1, NULL, values, NULL, NULL, 0);
	int error = 0;

	if (PQresultStatus(result) != PGRES_TUPLES_OK) {
		database_text(text, text_bytes, "cannot read the schema's types", PQerrorMessage(connection));
		error = -EIO;
	} else if (strcmp(PQgetvalue(result, 0, 0), expected) != 0) {
		snprintf(text, text_bytes, "type otori.%s has the labels '%s', this otori needs '%s'", type,
			 PQgetvalue(result, 0, 0), expected);
		error = -EPROTO;
	}
	PQclear(result);
	return error;
}

/* The same of a text column whose check lists the values: `column in (...)`. */
static int check_values(PGconn *connection, const char *table, const char *column, const char *expected, char *text,
			size_t text_bytes)
{
	const char *const values[] = { table, column };
	PGresult *result = PQexecParams(
		connection,
		"select coalesce(string_agg(value.match[1] || ',', '' order by value.place), '')"
		" from pg_constraint as rule"
		" join pg_attribute as field on field.attrelid = rule.conrelid and rule.conkey = array[field.attnum]"
		" cross join regexp_matches(pg_get_constraintdef(rule.oid), $$'([a-z0-9_]+)'$$, 'g')"
		" with ordinality as value (match, place)"
		" where rule.contype = 'c' and rule.conrelid = ('otori.' || $1)::regclass and field.attname = $2",
		2, NULL, values, NULL, NULL, 0);
	int error = 0;

	if (PQresultStatus(result) != PGRES_TUPLES_OK) {
		database_text(text, text_bytes, "cannot read the schema's checks", PQerrorMessage(connection));
		error = -EIO;
	} else if (strcmp(PQgetvalue(result, 0, 0), expected) != 0) {
		snprintf(text, text_bytes, "column otori.%s.%s takes '%s', this otori needs '%s'", table, column,
			 PQgetvalue(result, 0, 0), expected);
		error = -EPROTO;
	}
	PQclear(result);
	return error;
}

/* What the loader writes by name is what the schema takes. */
static int check_names(PGconn *connection, char *text, size_t text_bytes)
{
	int error = check_labels(connection, "depth", RECORD_DEPTHS(LABEL), text, text_bytes);

	if (!error)
		error = check_labels(connection, "class", RECORD_CLASSES(LABEL), text, text_bytes);
	if (!error)
		error = check_values(connection, "access", "smtp_kind", RECORD_SMTP_KINDS(LABEL), text, text_bytes);
	if (!error)
		error = check_values(connection, "probe_mail", "found_in", RECORD_PROBE_PLACES(LABEL), text,
				     text_bytes);
	if (!error)
		error = check_values(connection, "probe_mail", "encoding", RECORD_PROBE_ENCODINGS(LABEL), text,
				     text_bytes);
	return error;
}

/* The months ahead, where the role may make them (who only reads may not, and need not). */
static int make_partitions(PGconn *connection, char *text, size_t text_bytes)
{
	int may = query_number(
		connection,
		"select has_function_privilege('otori.make_partitions(timestamptz, timestamptz)', 'execute')::integer",
		text, text_bytes);

	if (may <= 0)
		return may;
	return execute(connection, "select otori.make_partitions(now(), now())", "cannot make partitions", text,
		       text_bytes);
}

int database_migrate(PGconn *connection, char *text, size_t text_bytes)
{
	int error, count = applied_count(connection, text, text_bytes);

	if (count < 0)
		return count;
	if ((size_t)count < migration_count) {
		error = execute(connection, "select pg_advisory_lock(" MIGRATE_LOCK ")", "cannot lock the schema", text,
				text_bytes);
		if (error)
			return error;
		/* somebody else may have been at it until now */
		count = applied_count(connection, text, text_bytes);
		error = count < 0 ? count : 0;
		for (size_t i = (size_t)(count < 0 ? 0 : count); !error && i < migration_count; i++)
			error = apply(connection, &migrations[i], text, text_bytes);
		PQclear(PQexec(connection, "select pg_advisory_unlock(" MIGRATE_LOCK ")"));
		if (error)
			return error;
	}
	error = check_names(connection, text, text_bytes);
	return error ? error : make_partitions(connection, text, text_bytes);
}

int database_current(PGconn *connection, char *text, size_t text_bytes)
{
	int count = applied_count(connection, text, text_bytes);

	if (count < 0)
		return count;
	if (!count)
		return database_fail(text, text_bytes, -ENOENT,
				     "the database has no schema of otori: `otori init-db` makes it");
	if ((size_t)count < migration_count)
		return database_fail(text, text_bytes, -EPROTO,
				     "the database's schema is older (%d) than this otori's (%zu): `otori init-db` "
				     "brings it up to date",
				     count, migration_count);
	return 0;
}
