/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * init_db.c - `otori init-db`: brings a database's schema up to date.
 *
 * In:  options. Out: schema otori in the database, one line on stdout. Called by main.c.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>

#include "base/log.h"
#include "base/problem.h"
#include "command.h"
#include "database/database.h"
#include "database/migrations.h"

static void print_help(void)
{
	fputs("Usage: otori init-db [--database CONNINFO | --embedded DIR]\n\n"
	      "Makes the schema otori in a database, or brings it up to date. What is up to date is left as it is.\n"
	      "The first time it needs the right to make roles, and has to own the database.\n\n"
	      "  --database CONNINFO  PostgreSQL, as libpq takes it; without: PG* variables\n"
	      "  --embedded DIR       a private PostgreSQL in this folder instead; it is made where there is none\n"
	      "  --help               this text\n",
	      stdout);
}

static int read_options(struct database_choice *choice, bool *help, int argc, char **argv, struct problem *problem)
{
	static const struct option known[] = {
		{ "database", required_argument, NULL, 'd' },
		{ "embedded", required_argument, NULL, 'e' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int got;

	opterr = 0;
	optind = 0;
	while ((got = getopt_long(argc, argv, ":h", known, NULL)) != -1) {
		switch (got) {
		case 'd': choice->conninfo = optarg; break;
		case 'e': choice->embedded = optarg; break;
		case 'h': *help = true; break;
		case ':': return problem_say(problem, PROBLEM_USAGE, -EINVAL, "%s: a value is missing", argv[optind - 1]);
		default:
			return problem_say(problem, PROBLEM_USAGE, -EINVAL, "%s: unknown option: otori init-db --help lists them",
					   argv[optind - 1]);
		}
	}
	if (optind < argc)
		return problem_say(problem, PROBLEM_USAGE, -EINVAL, "'%s' is no option: otori init-db --help lists them", argv[optind]);
	if (choice->conninfo && choice->embedded)
		return problem_say(problem, PROBLEM_USAGE, -EINVAL, "--database and --embedded exclude each other, both are given");
	return 0;
}

int command_init_db(int argc, char **argv)
{
	struct database_choice choice = { 0 };
	struct problem problem = { .status = PROBLEM_FAILURE };
	struct embedded *embedded = NULL;
	PGconn *connection = NULL;
	bool help = false;
	int error = read_options(&choice, &help, argc, argv, &problem);

	if (!error && help) {
		print_help();
		return COMMAND_OK;
	}
	if (!error)
		error = database_open(&choice, true, &embedded, &connection, problem.text, sizeof problem.text);
	if (!error)
		printf("otori: the schema of database %s is up to date (migration %zu)\n", PQdb(connection), migration_count);
	PQfinish(connection);
	embedded_stop(embedded);
	if (error)
		log_error("init-db: %s", problem.text);
	return error ? (int)problem.status : COMMAND_OK;
}
