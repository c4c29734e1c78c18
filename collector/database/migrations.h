/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * migrations.h - the files of schema/, as they were at build time.
 *
 * In:  nothing. Out: the list of migrations, in order. Used by migrate.c and the unit tests. May not touch a database.
 */
#ifndef OTORI_DATABASE_MIGRATIONS_H
#define OTORI_DATABASE_MIGRATIONS_H

#include <stddef.h>

struct migration {
	int number;	  /* the first four digits of the file's name; migrations[i].number is i + 1 */
	const char *name; /* the file's name without .sql */
	const char *sql;  /* terminated text */
	size_t sql_bytes; /* without the terminator */
};

extern const struct migration *const migrations;
extern const size_t migration_count;

#endif
