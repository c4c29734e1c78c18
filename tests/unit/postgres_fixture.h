/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * postgres_fixture.h - a private PostgreSQL with the schema in place, and questions to it.
 *
 * In:  nothing. Out: a cluster in a temporary folder, reached by a socket only; removed afterwards. Included by unit
 * tests that need a real database.
 */
#ifndef OTORI_POSTGRES_FIXTURE_H
#define OTORI_POSTGRES_FIXTURE_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "database/database.h"

struct postgres {
	char folder[64];  /* of everything the test leaves behind */
	char cluster[80]; /* of the cluster */
	char loader[320]; /* conninfo of the loader, with no more rights than its role has */
	struct embedded *embedded;
	PGconn *connection; /* of a superuser; NULL while the cluster is down */
};

static inline int postgres_fixture_up(struct postgres *postgres)
{
	char text[512] = "";
	int error = embedded_start(postgres->cluster, &postgres->embedded, text, sizeof(text));

	if (!error) {
		postgres->connection = database_connect(embedded_conninfo(postgres->embedded), text, sizeof(text));
		error = postgres->connection ? database_migrate(postgres->connection, text, sizeof(text))
					     : -ECONNREFUSED;
	}
	if (error) {
		fprintf(stderr, "no private PostgreSQL: %s\n", text);
		return error;
	}
	snprintf(postgres->loader, sizeof(postgres->loader), "%s options='-c role=otori_loader'",
		 embedded_conninfo(postgres->embedded));
	return 0;
}

static inline void postgres_fixture_down(struct postgres *postgres)
{
	PQfinish(postgres->connection);
	postgres->connection = NULL;
	embedded_stop(postgres->embedded);
	postgres->embedded = NULL;
}

static inline int postgres_fixture_open(struct postgres *postgres)
{
	memset(postgres, 0, sizeof(*postgres));
	strcpy(postgres->folder, "/tmp/otori-unit-XXXXXX");
	if (!mkdtemp(postgres->folder))
		return -errno;
	snprintf(postgres->cluster, sizeof(postgres->cluster), "%s/postgres", postgres->folder);
	return postgres_fixture_up(postgres);
}

static inline void postgres_fixture_close(struct postgres *postgres)
{
	char command[128];

	postgres_fixture_down(postgres);
	snprintf(command, sizeof(command), "rm -rf %s", postgres->folder);
	if (system(command))
		fprintf(stderr, "%s is left\n", postgres->folder);
}

/* The first column of the first row, in memory of the fixture's that holds until the next call; "" = null or no row. */
static inline const char *postgres_fixture_ask(struct postgres *postgres, const char *question)
{
	static char answer[4096];
	PGresult *result = PQexec(postgres->connection, question);

	if (PQresultStatus(result) == PGRES_TUPLES_OK)
		snprintf(answer, sizeof(answer), "%s", PQntuples(result) ? PQgetvalue(result, 0, 0) : "");
	else
		snprintf(answer, sizeof(answer), "%s",
			 PQresultStatus(result) == PGRES_COMMAND_OK ? "done" : PQerrorMessage(postgres->connection));
	PQclear(result);
	return answer;
}

#endif
