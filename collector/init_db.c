/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * init_db.c - `otori init-db`: brings a database's schema up to date.
 *
 * In:  options. Out: schema otori in the database, one line on stdout. Called by main.c.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>

#include "base/log.h"
#include "base/problem.h"
#include "command.h"
#include "database/database.h"
#include "database/migrations.h"

static void print_help(void)
{
	fputs("Usage: otori init-db [--database CONNINFO | --embedded DIR [--serve]]\n\n"
	      "Makes the schema otori in a database, or brings it up to date. What is up to date is left as it is.\n"
	      "The first time it needs the right to make roles, and has to own the database.\n\n"
	      "  --database CONNINFO  PostgreSQL, as libpq takes it; without: PG* variables\n"
	      "  --embedded DIR       a private PostgreSQL in this folder instead; it is made where there is none\n"
	      "  --serve              keep the private PostgreSQL running until SIGINT or SIGTERM, to query it without "
	      "a sensor\n"
	      "  --help               this text\n",
	      stdout);
}

struct init_db {
	struct database_choice choice;
	bool serve, help;
};

static int read_options(struct init_db *options, int argc, char **argv, struct problem *problem)
{
	static const struct option known[] = {
		{ "database", required_argument, NULL, 'd' },
		{ "embedded", required_argument, NULL, 'e' },
		{ "serve", no_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int got;

	opterr = 0;
	optind = 0;
	while ((got = getopt_long(argc, argv, ":h", known, NULL)) != -1) {
		switch (got) {
		case 'd':
			options->choice.conninfo = optarg;
			break;
		case 'e':
			options->choice.embedded = optarg;
			break;
		case 's':
			options->serve = true;
			break;
		case 'h':
			options->help = true;
			break;
		case ':':
			return problem_say(problem, PROBLEM_USAGE, -EINVAL, "%s: a value is missing", argv[optind - 1]);
		default:
			return problem_say(problem, PROBLEM_USAGE, -EINVAL,
					   "%s: unknown option: otori init-db --help lists them", argv[optind - 1]);
		}
	}
	if (optind < argc)
		return problem_say(problem, PROBLEM_USAGE, -EINVAL,
				   "'%s' is no option: otori init-db --help lists them", argv[optind]);
	if (options->choice.conninfo && options->choice.embedded)
		return problem_say(problem, PROBLEM_USAGE, -EINVAL,
				   "--database and --embedded exclude each other, both are given");
	if (options->serve && !options->choice.embedded)
		return problem_say(problem, PROBLEM_USAGE, -EINVAL, "--serve goes with --embedded DIR");
	return 0;
}

/* The two signals that end a command, held back from here on so that --serve can wait for them. */
static void block_signals(sigset_t *signals)
{
	sigemptyset(signals);
	sigaddset(signals, SIGINT);
	sigaddset(signals, SIGTERM);
	sigprocmask(SIG_BLOCK, signals, NULL);
}

int command_init_db(int argc, char **argv)
{
	struct init_db options = { 0 };
	struct problem problem = { .status = PROBLEM_FAILURE };
	struct embedded *embedded = NULL;
	PGconn *connection = NULL;
	sigset_t signals;
	int error = read_options(&options, argc, argv, &problem), signal;

	if (!error && options.help) {
		print_help();
		return COMMAND_OK;
	}
	if (!error)
		error = database_open(&options.choice, true, &embedded, &connection, problem.text, sizeof problem.text);
	if (!error)
		printf("otori: the schema of database %s is up to date (migration %zu)\n", PQdb(connection),
		       migration_count);
	PQfinish(connection);
	if (!error && options.serve) {
		/* Only now: a server that inherited the mask could not be stopped. */
		block_signals(&signals);
		printf("otori: serving %s until SIGINT or SIGTERM\n", embedded_conninfo(embedded));
		fflush(stdout);
		sigwait(&signals, &signal);
	}
	embedded_stop(embedded);
	if (error)
		log_error("init-db: %s", problem.text);
	return error ? (int)problem.status : COMMAND_OK;
}
