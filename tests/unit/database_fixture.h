/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * database_fixture.h - folders for private clusters, and processes that a test watches.
 *
 * In:  nothing. Out: temporary folders, removed by fixture_folder_remove. Included by the tests database_*.c and
 * report_*.c.
 */
#ifndef OTORI_DATABASE_FIXTURE_H
#define OTORI_DATABASE_FIXTURE_H

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "database/database.h"

#define FIXTURE_TEXT_BYTES 512

/* A new folder that everybody may enter; text of at least 64 bytes. */
static inline void fixture_folder(char *folder)
{
	strcpy(folder, "/tmp/otori-unit-XXXXXX");
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chmod(folder, 0755), 0);
}

static inline void fixture_folder_remove(const char *folder)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	assert_int_equal(system(command), 0);
}

static inline void fixture_pause(int milliseconds)
{
	struct timespec wait = { milliseconds / 1000, (long)(milliseconds % 1000) * 1000000 };

	nanosleep(&wait, NULL);
}

/* The server's process number out of DIR/data/postmaster.pid; 0 = none. */
static inline pid_t fixture_server(const char *dir)
{
	char path[128], line[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "%s/data/postmaster.pid", dir);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (!fgets(line, sizeof(line), file))
		line[0] = '\0';
	fclose(file);
	return (pid_t)atoi(line);
}

/* One value, or "" where the query fails. */
static inline const char *fixture_value(PGconn *connection, const char *sql, char value[256])
{
	PGresult *result = PQexec(connection, sql);

	value[0] = '\0';
	if (PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result))
		snprintf(value, 256, "%s", PQgetvalue(result, 0, 0));
	else
		fprintf(stderr, "%s", PQerrorMessage(connection));
	PQclear(result);
	return value;
}

static inline void fixture_execute(PGconn *connection, const char *sql)
{
	PGresult *result = PQexec(connection, sql);

	if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
		fail_msg("%s\nfrom: %s", PQerrorMessage(connection), sql);
	PQclear(result);
}

#endif
